/** One raw event to what it says: records for the criteria, and changes of the profile. */
import type {
  AttributeChange,
  EventKind,
  EventRecord,
  Fields,
  LocationFix,
  Value,
} from '../../engine/record.ts';
import {readCommerce} from './decode-commerce.ts';
import {withMember, withObject, withText} from './decode-extra.ts';
import type {Faults} from './decode-faults.ts';
import {readIdentityChange, type IdentityClaim} from './decode-identities.ts';
import {ATTRIBUTES_MAX} from './decode-limits.ts';
import {hasMoreThanLocation, readLocation} from './decode-location.ts';
import {
  isRawObject,
  isTrue,
  readAmount,
  readObject,
  readText,
  readTimeMs,
  readValue,
  type RawObject,
} from './decode-values.ts';

/** Belongs together: an event that was seen before takes all of it away. */
export interface DecodedEvent {
  /** source_message_id; '' when it has none. */
  readonly messageId: string;
  /** One for most; two for a commerce event with an action and impressions, or an install that is an upgrade. */
  readonly records: readonly EventRecord[];
  /** In order of the event; times are never later than arrival. */
  readonly attributes: readonly AttributeChange[];
  readonly identities: readonly IdentityClaim[];
}

export interface EventDefaults {
  /** Time of events without one; may be in the future, as theirs may. */
  readonly eventMs: number;
  readonly arrivalMs: number;
  /** What every event of the batch has. */
  readonly fields: Fields;
}

const NO_ATTRIBUTES: readonly AttributeChange[] = [];
const NO_IDENTITIES: readonly IdentityClaim[] = [];
const NO_ITEMS: readonly Fields[] = [];
const NO_DATA: RawObject = {};

/** What each type reads of its data, besides what all types share. The rest is kept as extra text. */
const FIELDS_OF_TYPE: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['custom_event', new Set(['event_name'])],
  [
    'commerce_event',
    new Set(['product_action', 'promotion_action', 'product_impressions', 'currency_code']),
  ],
  ['session_end', new Set(['session_duration_ms'])],
  ['application_state_transition', new Set(['is_first_run', 'is_upgrade'])],
  ['crash_report', new Set(['severity'])],
  [
    'user_attribute_change',
    new Set(['user_attribute_name', 'new', 'old', 'deleted', 'is_new_attribute']),
  ],
  ['user_identity_change', new Set(['new', 'old'])],
  ['push_registration', new Set(['register', 'registration_token'])],
]);
const NO_FIELDS: ReadonlySet<string> = new Set();

/** Those that mean something. */
export const EVENT_TYPES: readonly string[] = [
  ...FIELDS_OF_TYPE.keys(),
  'screen_view',
  'session_start',
  'first_run',
  'uninstall',
];

/** Reads the events of one batch, in order. */
export class EventReader {
  readonly #defaults: EventDefaults;
  readonly #faults: Faults;
  #location: LocationFix | undefined;
  #extra = '';

  constructor(defaults: EventDefaults, faults: Faults) {
    this.#defaults = defaults;
    this.#faults = faults;
  }

  /** The newest that an event gave; never later than arrival. */
  get location(): LocationFix | undefined {
    return this.#location;
  }

  /** Members, by the events' positions: what nobody read. */
  get extra(): string {
    return this.#extra;
  }

  /** undefined: a fault, which is told. */
  read(raw: unknown, index: number): DecodedEvent | undefined {
    const faults = this.#faults;
    faults.enterEvent(index);
    if (!isRawObject(raw)) {
      faults.add('', 'is not an object.');
      return undefined;
    }
    const type = readText(raw.event_type, 'event_type', faults);
    if (type === '') {
      faults.missing('event_type', 'event_type');
      return undefined;
    }
    const data = readObject(raw.data, 'data', faults) ?? NO_DATA;
    let extra = '';
    for (const key in raw) {
      if (key !== 'event_type' && key !== 'data')
        extra = withMember(extra, key, raw[key], '', faults);
    }
    return this.#readData(type, data, index, extra);
  }

  #readData(type: string, data: RawObject, index: number, outerExtra: string): DecodedEvent {
    const faults = this.#faults;
    const defaults = this.#defaults;
    const ownFields = FIELDS_OF_TYPE.get(type) ?? NO_FIELDS;
    const fields: (string | Value)[] = [];
    let messageId = '';
    let customType = '';
    let screenName = '';
    let timeMs = defaults.eventMs;
    let location: unknown;
    let extra = '';
    for (const key in data) {
      const value = data[key];
      if (value === null) continue;
      switch (key) {
        case 'custom_attributes':
          extra = withObject(extra, key, readEventAttributes(value, fields, faults));
          break;
        case 'timestamp_unixtime_ms':
          timeMs = readTimeMs(value, 'data.timestamp_unixtime_ms', faults) ?? timeMs;
          break;
        case 'source_message_id':
          messageId = readText(value, 'data.source_message_id', faults);
          break;
        case 'custom_event_type':
          customType = readText(value, 'data.custom_event_type', faults).toLowerCase();
          break;
        case 'screen_name':
          screenName = readText(value, 'data.screen_name', faults);
          break;
        case 'location':
          location = value;
          if (hasMoreThanLocation(value)) extra = withMember(extra, key, value, 'data', faults);
          break;
        default:
          if (!ownFields.has(key)) extra = withMember(extra, key, value, 'data', faults);
      }
    }
    if (screenName !== '') fields.push('$screen_name', screenName);
    if (location !== undefined) this.#noteLocation(location, timeMs);

    const records: EventRecord[] = [];
    let attributes = NO_ATTRIBUTES;
    let identities = NO_IDENTITIES;
    let kind: EventKind = 'other';
    let name = '';
    switch (type) {
      case 'custom_event':
        kind = 'custom';
        name = readText(data.event_name, 'data.event_name', faults);
        if (name === '') faults.missing('data.event_name', 'event_name');
        if (customType === '') customType = 'other';
        break;
      case 'commerce_event': {
        pushText(fields, '$currency_code', data.currency_code, 'data.currency_code', faults);
        append(fields, defaults.fields);
        const more = readCommerce(data, {type: customType, timeMs, fields}, records, faults);
        if (more !== '') extra = extra === '' ? more : `${extra},${more}`;
        break;
      }
      case 'screen_view':
        kind = 'screen_view';
        name = screenName;
        break;
      case 'session_start':
        kind = 'session_start';
        break;
      case 'session_end':
        kind = 'session_end';
        pushAmount(
          fields,
          '$session_duration_ms',
          data.session_duration_ms,
          'data.session_duration_ms',
          faults,
        );
        break;
      case 'crash_report':
        kind = 'crash';
        pushText(fields, '$severity', data.severity, 'data.severity', faults);
        break;
      case 'first_run':
        kind = 'install';
        break;
      case 'uninstall':
        kind = 'uninstall';
        break;
      case 'application_state_transition':
        kind = isTrue(data.is_first_run)
          ? 'install'
          : isTrue(data.is_upgrade)
            ? 'upgrade'
            : 'other';
        break;
      case 'user_attribute_change':
        attributes = this.#readAttributeChange(data, timeMs);
        break;
      case 'user_identity_change':
        identities = this.#readIdentityChange(data);
        break;
      case 'push_registration':
        identities = this.#readPushToken(data);
        break;
      default:
        break;
    }
    if (type !== 'commerce_event') {
      if (kind === 'other') name = type;
      if (fields.length > 0) append(fields, defaults.fields);
      const all = fields.length > 0 ? fields : defaults.fields;
      records.push({kind, name, type: customType, timeMs, fields: all, items: NO_ITEMS});
      if (kind === 'install' && isTrue(data.is_upgrade)) {
        records.push({
          kind: 'upgrade',
          name,
          type: customType,
          timeMs,
          fields: all,
          items: NO_ITEMS,
        });
      }
    }
    if (extra !== '' || outerExtra !== '') {
      this.#extra = withText(
        this.#extra,
        String(index),
        `{${withObject(outerExtra, 'data', extra)}}`,
      );
    }
    return {messageId, records, attributes, identities};
  }

  #noteLocation(raw: unknown, eventMs: number): void {
    const timeMs = Math.min(eventMs, this.#defaults.arrivalMs);
    const fix = readLocation(raw, timeMs, 'data.location', this.#faults);
    if (fix !== undefined && (this.#location === undefined || timeMs >= this.#location.timeMs))
      this.#location = fix;
  }

  #readAttributeChange(data: RawObject, eventMs: number): readonly AttributeChange[] {
    const name = readText(data.user_attribute_name, 'data.user_attribute_name', this.#faults);
    if (name === '') {
      this.#faults.missing('data.user_attribute_name', 'user_attribute_name');
      return NO_ATTRIBUTES;
    }
    const timeMs = Math.min(eventMs, this.#defaults.arrivalMs);
    if (isTrue(data.deleted)) return [{name, value: undefined, timeMs}];
    const value = readValue(data.new ?? null, 'data', 'new', this.#faults);
    return value === undefined ? NO_ATTRIBUTES : [{name, value, timeMs}];
  }

  #readIdentityChange(data: RawObject): readonly IdentityClaim[] {
    const claims: IdentityClaim[] = [];
    readIdentityChange(data.new, data.old, claims, this.#faults);
    return claims;
  }

  /** `register: false` gives the token up; without it a token registers. */
  #readPushToken(data: RawObject): readonly IdentityClaim[] {
    const token = readText(data.registration_token, 'data.registration_token', this.#faults);
    if (data.register === false || data.register === 'false')
      return [{type: 'push_token', value: undefined}];
    return token === '' ? NO_IDENTITIES : [{type: 'push_token', value: token}];
  }
}

/** Returns members of those whose own name starts with `$`: no condition can ask for them. */
function readEventAttributes(raw: unknown, fields: (string | Value)[], faults: Faults): string {
  const place = 'data.custom_attributes';
  const attributes = readObject(raw, place, faults);
  let hidden = '';
  for (const name in attributes) {
    const value = readValue(attributes[name], place, name, faults);
    if (value === undefined) continue;
    if (name.charCodeAt(0) === 0x24) hidden = withMember(hidden, name, value, place, faults);
    else fields.push(name, value);
  }
  if (fields.length > ATTRIBUTES_MAX * 2) {
    faults.add(place, `has ${fields.length / 2} attributes, and ${ATTRIBUTES_MAX} is the limit.`);
  }
  return hidden;
}

function pushText(
  fields: (string | Value)[],
  name: string,
  raw: unknown,
  place: string,
  faults: Faults,
): void {
  const text = readText(raw, place, faults);
  if (text !== '') fields.push(name, text);
}

function pushAmount(
  fields: (string | Value)[],
  name: string,
  raw: unknown,
  place: string,
  faults: Faults,
): void {
  const amount = readAmount(raw, place, faults);
  if (amount !== undefined) fields.push(name, amount);
}

function append(fields: (string | Value)[], more: Fields): void {
  for (let index = 0; index < more.length; index++) fields.push(more[index]!);
}
