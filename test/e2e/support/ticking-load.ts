/**
 * Load whose outcome can be told exactly: every profile ticks a few times, one batch after the other, and
 * audiences say how often. A batch that was not answered is sent again, word for word, until it is.
 */
import type {Random} from '../../support/arbitraries-random.ts';
import {event, type Json, type ServerClient, type Shop} from '../../support/server-client.ts';

export const TICKS_MAX = 8;
const LANES = 8;
/** Few, so that they go from one profile to another all the time. */
const EMAILS = Array.from({length: 6}, (_, index) => `wanderer-${index}@example.com`);

export interface Ticker {
  readonly name: string;
  /** Named by the client, or else found through `customer_id`. */
  mpid: string | undefined;
  /** Batches answered 202. */
  taken: number;
  /** Sent and not answered: it may or may not have been taken. */
  open: Json | undefined;
}

export class TickingLoad {
  readonly tickers: Ticker[] = [];
  readonly emails: readonly string[] = EMAILS;
  /** How often a batch was answered 202, and how often something else or nothing. */
  readonly answers = {taken: 0, unavailable: 0, broken: 0};
  readonly #random: Random;
  readonly #shop: Shop;
  readonly #lanes: (Ticker | undefined)[] = Array.from({length: LANES});

  constructor(random: Random, shop: Shop) {
    this.#random = random;
    this.#shop = shop;
  }

  /** Until `signal`, or until the server is gone; every lane is silent when it resolves. */
  async run(client: ServerClient, signal: AbortSignal): Promise<void> {
    await Promise.all(this.#lanes.map((_, lane) => this.#drive(lane, client, signal)));
  }

  /** Resolves when so many more batches were taken. */
  async hasTaken(count: number): Promise<void> {
    const enough = this.answers.taken + count;
    const deadline = Date.now() + 10_000;
    while (this.answers.taken < enough && Date.now() < deadline) {
      await new Promise(resolve => setTimeout(resolve, 2));
    }
  }

  /** Only what was not answered. */
  async settle(client: ServerClient): Promise<void> {
    for (const ticker of this.tickers) {
      if (ticker.open !== undefined) await this.#tick(ticker, client);
    }
  }

  async #drive(lane: number, client: ServerClient, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let ticker = this.#lanes[lane];
      if (ticker === undefined || (ticker.taken >= TICKS_MAX && ticker.open === undefined)) {
        ticker = this.#newTicker();
        this.#lanes[lane] = ticker;
      }
      if (!(await this.#tick(ticker, client))) return;
    }
  }

  /** False when the server is gone. */
  async #tick(ticker: Ticker, client: ServerClient): Promise<boolean> {
    ticker.open ??= this.#batch(ticker);
    try {
      const answer = await client.post(this.#shop, ticker.open);
      if (answer.status === 202) {
        ticker.taken++;
        ticker.open = undefined;
        this.answers.taken++;
        return true;
      }
      if (answer.status !== 503) throw new Unexpected(`${answer.status} ${answer.text}`);
      this.answers.unavailable++;
    } catch (error) {
      if (error instanceof Unexpected) throw error;
      this.answers.broken++;
    }
    return false;
  }

  #batch({name, mpid, taken}: Ticker): Json {
    const random = this.#random;
    // Not with the first batch: a customer nobody knows yet would be led to whoever has the email.
    const email = taken > 0 && random.chance(0.2) ? {email: random.pick(EMAILS)} : {};
    return {
      source_request_id: `${name}/${taken + 1}`,
      user_attributes: {ticker: name, [`tick ${taken + 1}`]: taken + 1},
      ...(mpid === undefined
        ? {user_identities: {customer_id: name, ...email}}
        : {mpid, user_identities: email}),
      events: [event('Tick')],
    };
  }

  #newTicker(): Ticker {
    const index = this.tickers.length + 1;
    const mpid = this.#random.chance(0.5) ? String(index) : undefined;
    const ticker: Ticker = {name: `ticker-${index}`, mpid, taken: 0, open: undefined};
    this.tickers.push(ticker);
    return ticker;
  }
}

class Unexpected extends Error {}
