/**
 * A small shop that is never at rest: people come, look, fill carts, buy, forget, come back. Seeded, so that
 * the same seed tells the same story; it knows nothing of networks or clocks.
 */
export interface ShopEvent {
  readonly customer: Customer;
  /** A batch as POST /v2/events takes it, but for the times. */
  readonly event: {readonly event_type: string; readonly data: Readonly<Record<string, unknown>>};
  /** undefined when this event says nothing new about the customer. */
  readonly attributes: Readonly<Record<string, unknown>> | undefined;
}

export interface Customer {
  readonly mpid: string;
  readonly name: string;
  readonly email: string;
  readonly tier: 'gold' | 'silver' | 'basic';
}

type Step =
  | {readonly kind: 'event'; readonly type: string; readonly data: Record<string, unknown>}
  | {readonly kind: 'product'; readonly action: string};

interface Visit {
  readonly customer: Customer;
  readonly product: Product;
  readonly steps: Step[];
  isFirstStep: boolean;
}

interface Product {
  readonly id: string;
  readonly name: string;
  readonly category: string;
  readonly price: number;
}

const PRODUCTS: readonly Product[] = [
  {id: 'T-01', name: 'Teapot', category: 'Kitchen', price: 24.5},
  {id: 'M-07', name: 'Mug, blue', category: 'Kitchen', price: 7.9},
  {id: 'L-02', name: 'Reading lamp', category: 'Home', price: 49},
  {id: 'B-11', name: 'Wool blanket', category: 'Home', price: 89},
  {id: 'G-03', name: 'Garden gloves', category: 'Garden', price: 12.5},
  {id: 'S-20', name: 'Sunflower seeds', category: 'Garden', price: 2.4},
  {id: 'N-05', name: 'Notebook', category: 'Paper', price: 5.6},
  {id: 'P-09', name: 'Fountain pen', category: 'Paper', price: 38},
];

const FIRST_NAMES =
  'Ada Alan Barbara Claude Donald Edsger Frances Grace Hedy Ida Jean John Katherine Lynn Margaret Niklaus Radia Robin Sophie Tim'.split(
    ' ',
  );
const LAST_NAMES =
  'Allen Backus Conway Dijkstra Easley Feinler Goldberg Hamilton Hopper Johnson Kay Lamarr Liskov Lovelace Milner Noether Perlman Rhodes Turing Wilson'.split(
    ' ',
  );

/** How much of the shop's custom is of which kind. */
const VISITS: readonly (readonly [weight: number, steps: (random: Random) => Step[]])[] = [
  [4, random => [...looks(random, 5, 10)]],
  [3, random => [...looks(random, 2, 4), product('add_to_cart'), product('purchase')]],
  [3, random => [...looks(random, 2, 4), product('add_to_cart'), ...looks(random, 1, 2)]],
  [1, random => Array.from({length: 3 + random.below(2)}, () => spree()).flat()],
];

/** Steps of one visitor come about this far apart, in seconds. */
const SECONDS_BETWEEN_STEPS = 0.6;

export class Shop {
  readonly #random: Random;
  readonly customers: readonly Customer[];
  readonly #visits: Visit[] = [];
  readonly #here = new Set<Customer>();

  constructor(options: {customers: number; eventsPerSecond: number; seed: number}) {
    const random = new Random(options.seed);
    this.#random = random;
    this.customers = Array.from({length: options.customers}, () => makeCustomer(random));
    const atOnce = Math.min(
      Math.ceil(options.customers / 2),
      Math.ceil(options.eventsPerSecond * SECONDS_BETWEEN_STEPS),
    );
    for (let i = 0; i < atOnce; i++) this.#visits.push(this.#arrive());
  }

  /** What happens next, to whomever it happens. */
  next(): ShopEvent {
    const place = this.#random.below(this.#visits.length);
    const visit = this.#visits[place];
    const step = visit?.steps.shift();
    if (visit === undefined || step === undefined) throw new Error('a visit without steps');
    const {customer, isFirstStep} = visit;
    visit.isFirstStep = false;
    if (visit.steps.length === 0) {
      this.#here.delete(customer);
      this.#visits[place] = this.#arrive();
    }
    const attributes = isFirstStep ? {name: customer.name, tier: customer.tier} : undefined;
    return {customer, event: eventOf(step, visit.product), attributes};
  }

  #arrive(): Visit {
    const random = this.#random;
    let customer = random.pick(this.customers);
    while (this.#here.has(customer)) customer = random.pick(this.customers);
    this.#here.add(customer);
    const steps = [event('session_start', {}), ...random.weighted(VISITS)(random)];
    // Some came for the first time, some on a new phone.
    if (random.below(12) === 0) steps.unshift(INSTALL);
    if (random.below(12) === 0) steps.push(SIGN_UP);
    steps.push(event('session_end', {session_duration_ms: 1000 + random.below(60_000)}));
    return {customer, product: random.pick(PRODUCTS), steps, isFirstStep: true};
  }
}

const INSTALL = event('application_state_transition', {
  application_transition_type: 'application_initialized',
  is_first_run: true,
});

const SIGN_UP = event('custom_event', {
  event_name: 'Newsletter Signup',
  custom_event_type: 'user_preference',
});

function looks(random: Random, least: number, most: number): Step[] {
  return Array.from({length: least + random.below(most - least + 1)}, () =>
    event('screen_view', {screen_name: random.pick(PRODUCTS).name}),
  );
}

function spree(): Step[] {
  return [product('view_detail'), product('add_to_cart'), product('purchase')];
}

function event(type: string, data: Record<string, unknown>): Step {
  return {kind: 'event', type, data};
}

function product(action: string): Step {
  return {kind: 'product', action};
}

function eventOf(step: Step, bought: Product): ShopEvent['event'] {
  if (step.kind === 'event') return {event_type: step.type, data: step.data};
  const product_action = {
    action: step.action,
    ...(step.action === 'purchase' ? {total_amount: bought.price} : {}),
    products: [{...bought, quantity: 1}],
  };
  return {event_type: 'commerce_event', data: {currency_code: 'EUR', product_action}};
}

function makeCustomer(random: Random): Customer {
  const [first, last] = [random.pick(FIRST_NAMES), random.pick(LAST_NAMES)];
  const mpid = String(BigInt.asIntN(64, (BigInt(random.bits()) << 32n) | BigInt(random.bits())));
  const chance = random.below(10);
  return {
    mpid,
    name: `${first} ${last}`,
    email: `${first}.${last}.${mpid.slice(-4)}@example.com`.toLowerCase(),
    tier: chance < 2 ? 'gold' : chance < 5 ? 'silver' : 'basic',
  };
}

/** mulberry32: small, seeded and even enough for a shop. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to 2³² − 1. */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** 0 to limit − 1. */
  below(limit: number): number {
    return Math.floor((this.bits() / 2 ** 32) * limit);
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  weighted<T>(items: readonly (readonly [weight: number, item: T])[]): T {
    let place = this.below(items.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, item] of items) {
      if (place < weight) return item;
      place -= weight;
    }
    throw new Error('nothing to pick from');
  }
}
