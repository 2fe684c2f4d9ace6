/**
 * How much one batch may hold: past these it is refused, with the limit named. They are wider than the
 * published limits of the Events API, whose truncations are not wanted here: what is kept, is kept whole.
 */
export const EVENTS_MAX = 10_000;

/** Of a profile in one batch, of one event, of one product. */
export const ATTRIBUTES_MAX = 1_000;

export const LIST_ELEMENTS_MAX = 1_000;

/** Products or promotions of one event. */
export const ITEMS_MAX = 1_000;

/** Entries of user_identities in its array form. */
export const IDENTITIES_MAX = 200;

export const CONSENT_PURPOSES_MAX = 200;

/** Any one text: a name, a value, an identity. In UTF-16 units. */
export const TEXT_LENGTH_MAX = 65_536;

/** Levels of objects and arrays inside one unknown field. */
export const NESTING_MAX = 64;

/** Faults told of one batch; of more only the number. */
export const PROBLEMS_MAX = 100;

/** What a JavaScript date can hold; beyond it a number is no time in milliseconds. */
export const TIME_MS_MAX = 8.64e15;
