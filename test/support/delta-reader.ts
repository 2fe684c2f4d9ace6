/**
 * A subscriber as a user would write one: it folds what it is sent into members, keeps the cursor of what it
 * has folded, and goes on from there after its connection, or the server, has died.
 */
import {ADMIN_TOKEN} from './server-process.ts';
import {Membership, StreamClient, type StreamDelta, type StreamMessage} from './stream-client.ts';

export class DeltaReader {
  readonly membership = new Membership();
  /** Every delta of a membership, in the order it was told. */
  readonly deltas: StreamDelta[] = [];
  readonly resets: string[] = [];
  cursor: string | undefined;
  connections = 0;
  onDelta: (delta: StreamDelta) => void = () => undefined;
  readonly #first: object;
  #client: StreamClient | undefined;
  /** Audiences whose snapshot is not whole yet: until it is, there is nothing to go on from. */
  readonly #awaited = new Set<number>();
  #latest: string | undefined;
  readonly #identities = new Map<string, Record<string, unknown>>();

  /** `first` is added to the first subscription; later ones resume. */
  constructor(first: object = {}) {
    this.#first = first;
  }

  /** Resolves when the server says "subscribed". */
  async connect({port}: {port: number}): Promise<void> {
    const client = await StreamClient.connect(port, {token: ADMIN_TOKEN});
    this.#client = client;
    this.connections++;
    const resumed = this.cursor === undefined ? {} : {from: this.cursor};
    const subscription = {audiences: 'all', from: 'snapshot', ...this.#first, ...resumed};
    this.#awaited.clear();
    await new Promise<void>((resolve, reject) => {
      client.onMessage = message => {
        if (message.type === 'error') reject(new Error(JSON.stringify(message)));
        if (message.type === 'subscribed' && subscription.from === 'snapshot')
          this.#expect(message);
        this.#fold(message);
        if (message.type === 'subscribed') resolve();
      };
      client.subscribe(subscription);
      client.socket.once('close', () => reject(new Error('closed before it was subscribed')));
    });
  }

  /** Falls silent at once: what is under way to it is lost. */
  drop(): void {
    if (this.#client === undefined) return;
    this.#client.onMessage = () => undefined;
    this.#client.socket.terminate();
    this.#client = undefined;
  }

  members(audience: number): string[] {
    return [...this.membership.of(audience)].sort(byMpid);
  }

  /** The last value told of a profile's identity. */
  identity(mpid: string, type: string): string {
    return String(this.#identities.get(mpid)?.[type]);
  }

  /** Waits until the folded members are these, and says what they are when they never are. */
  async arrivesAt(
    expected: ReadonlyMap<number, readonly string[]>,
    withinMs = 10_000,
  ): Promise<void> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const wrong = [...expected].filter(
        ([audience, members]) => members.join() !== this.members(audience).join(),
      );
      if (wrong.length === 0) return;
      if (Date.now() > deadline) {
        const told = wrong.map(([audience, members]) => {
          const folded = this.members(audience);
          return {
            audience,
            missing: members.filter(mpid => !folded.includes(mpid)).slice(0, 5),
            unexpected: folded.filter(mpid => !members.includes(mpid)).slice(0, 5),
          };
        });
        throw new Error(`the reader did not arrive: ${JSON.stringify(told)}`);
      }
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  }

  /** A whole snapshot is coming: what was folded before is replaced by it. */
  #expect({audiences = []}: StreamMessage): void {
    this.membership.members.clear();
    for (const audience of audiences) this.#awaited.add(audience);
  }

  #fold(message: StreamMessage): void {
    if (message.type === 'reset') this.resets.push(message.reason ?? '');
    this.membership.apply(message);
    for (const {mpid, identities} of [...(message.members ?? []), ...(message.deltas ?? [])]) {
      if (identities !== undefined) this.#identities.set(mpid, identities);
    }
    if (message.type === 'snapshot' && message.last === true) {
      this.#awaited.delete(message.audience ?? 0);
    }
    this.#latest = message.cursor ?? this.#latest;
    if (this.#awaited.size === 0) this.cursor = this.#latest;
    for (const delta of message.deltas ?? []) {
      this.deltas.push(delta);
      this.onDelta(delta);
    }
  }
}

export function byMpid(a: string, b: string): number {
  const [left, right] = [BigInt(a), BigInt(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
