import type {HttpClient} from '../http-client.ts';
import type {Scoreboard} from './scoreboard.ts';
import type {Shop} from './shop.ts';

const TICK_MS = 10;
/** The server takes so many batches in one call. */
const BATCHES_MAX = 100;
/** A server that is behind is not sent more; the shop slows down instead. */
const UNDER_WAY_MAX = 32;

/** Sends what happens in the shop, evenly, until stopped. Each event is a batch of its own. */
export class CustomersAtWork {
  readonly #options: {
    shop: Shop;
    client: HttpClient;
    scoreboard: Scoreboard;
    eventsPerSecond: number;
  };
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();
  #owed = 0;
  #underWay = 0;
  /** Why sending does not work, when it does not. */
  trouble: string | undefined;

  constructor(options: {
    shop: Shop;
    client: HttpClient;
    scoreboard: Scoreboard;
    eventsPerSecond: number;
  }) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#owed += ((nowMs - this.#lastMs) / 1000) * this.#options.eventsPerSecond;
    this.#lastMs = nowMs;
    while (this.#owed >= 1 && this.#underWay < UNDER_WAY_MAX) {
      const count = Math.min(Math.floor(this.#owed), BATCHES_MAX);
      this.#owed -= count;
      void this.#send(count);
    }
    // What could not be sent in time is not made up for.
    this.#owed = Math.min(this.#owed, this.#options.eventsPerSecond);
  }

  async #send(count: number): Promise<void> {
    const {shop, client, scoreboard} = this.#options;
    const eventMs = Date.now();
    const batches = Array.from({length: count}, () => {
      const {customer, event, attributes} = shop.next();
      scoreboard.sent(customer.mpid, eventMs);
      return {
        mpid: customer.mpid,
        ...(attributes === undefined
          ? {}
          : {user_identities: {email: customer.email}, user_attributes: attributes}),
        events: [{...event, data: {...event.data, timestamp_unixtime_ms: eventMs}}],
      };
    });
    this.#underWay += 1;
    try {
      const answer = await client.send('POST', '/v2/bulkevents', JSON.stringify(batches));
      if (answer.status !== 202 || answer.body.includes('"rejected"')) {
        scoreboard.refusedCount += count;
        // 429 is a server that is behind, not one that is broken.
        if (answer.status !== 429) {
          this.trouble = `events were answered ${answer.status}: ${answer.body.slice(0, 200)}`;
        }
      }
    } catch (error) {
      scoreboard.refusedCount += count;
      this.trouble = error instanceof Error ? error.message : String(error);
    } finally {
      this.#underWay -= 1;
    }
  }
}
