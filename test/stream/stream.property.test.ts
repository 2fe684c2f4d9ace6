import fc from 'fast-check';
import {expect, test} from 'vitest';
import {decodeCursor} from '../../server/stream/cursor.ts';
import type {Position} from '../../server/stream/position.ts';
import {FeedShards, type FeedChange} from '../support/feed-shards.ts';
import {Membership, StreamClient, type StreamMessage} from '../support/stream-client.ts';
import {StreamServer} from '../support/stream-server.ts';

const RUNS = Number(process.env['ORACLE_RUNS'] ?? 12);
const AUDIENCES = [1, 2, 3];
const MPIDS = 40;

/** Everything small, so that every path is taken: part entries, disk, windows, catching up. */
const TIGHT = {
  frameBytesMax: 700,
  inFlightBytesMax: 2_000,
  ringBytesMax: 4_000,
  diskCacheBytesMax: 3_000,
  diskReadBytes: 200,
  snapshotWindow: 4,
  snapshotLagBytesMax: 128,
};

type Step =
  | {readonly kind: 'commit'; readonly shard: number; readonly size: number}
  | {readonly kind: 'late commit'; readonly shard: number; readonly size: number}
  | {readonly kind: 'turns'; readonly count: number}
  | {readonly kind: 'settle'}
  | {readonly kind: 'cut'; readonly shard: number; readonly keep: number}
  | {readonly kind: 'resume' | 'snapshot' | 'pause' | 'flow'; readonly reader: number};

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constantFrom('commit', 'late commit'),
        shard: fc.nat(2),
        size: fc.oneof(fc.nat(4), fc.nat(60)),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({kind: fc.constant('turns'), count: fc.integer({min: 1, max: 6})}),
    },
    {weight: 1, arbitrary: fc.constant({kind: 'settle'})},
    {
      weight: 1,
      arbitrary: fc.record({kind: fc.constant('cut'), shard: fc.nat(2), keep: fc.nat(4)}),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom('resume', 'snapshot', 'pause', 'flow'),
        reader: fc.nat(3),
      }),
    },
  ) as fc.Arbitrary<Step>,
  {minLength: 5, maxLength: 60},
);

test('whatever happens, a reader has exactly the membership of each cursor it is told', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer(), async (script, seed) => {
      const world = await World.start(seed);
      try {
        await world.play(script);
        await world.end();
      } finally {
        await world.stop();
      }
    }),
    {
      numRuns: RUNS,
      ...(process.env['ORACLE_SEED'] ? {seed: Number(process.env['ORACLE_SEED'])} : {}),
    },
  );
}, 300_000);

class World {
  readonly shards = new FeedShards(3);
  readonly readers: Reader[];
  readonly #server: StreamServer;
  readonly #random: () => number;
  /** On disk and not told; told in order. */
  readonly #untold: (() => void)[] = [];

  private constructor(server: StreamServer, seed: number) {
    this.#server = server;
    this.shards = server.shards;
    this.#random = randomOf(seed);
    this.readers = [
      new Reader(server, {audiences: 'all'}, 'muster.json'),
      // In a lane with the first, at times at the same place.
      new Reader(server, {audiences: 'all'}, 'muster.json'),
      new Reader(server, {audiences: [1, 3]}, 'muster.msgpack'),
      new Reader(server, {audiences: 'all', identities: ['email']}, 'muster.json'),
    ];
  }

  static async start(seed: number): Promise<World> {
    const server = await StreamServer.start({
      shards: new FeedShards(3),
      audiences: AUDIENCES,
      bounds: TIGHT,
      transport: seed % 2 === 0 ? 'node' : 'uws',
    });
    const world = new World(server, seed);
    for (const reader of world.readers) await reader.begin('snapshot');
    // The shards go on while they are asked.
    world.shards.onCallTurn = () => {
      if (world.#random() < 0.3) world.commit(Math.floor(world.#random() * 3), 3);
    };
    return world;
  }

  commit(shard: number, size: number): void {
    this.#tellAll();
    this.shards.commit(shard, this.#changes(shard, size));
  }

  async play(script: readonly Step[]): Promise<void> {
    for (const step of script) await this.#step(step);
  }

  /** Everybody reads to the end, and has what the shards have. */
  async end(): Promise<void> {
    this.shards.onCallTurn = () => undefined;
    this.#tellAll();
    for (let shard = 0; shard < 3; shard++) {
      const mpid = BigInt(3_000_000 + shard);
      this.shards.commit(shard, [{audience: 1, mpid, action: 'add'}]);
    }
    for (const reader of this.readers) {
      await reader.flow();
      await reader.reach(this.shards.log);
      expect(reader.faults).toEqual([]);
    }
  }

  async stop(): Promise<void> {
    for (const reader of this.readers) reader.terminate();
    await this.#server.stop();
    expect(this.#server.errors).toEqual([]);
  }

  async #step(step: Step): Promise<void> {
    switch (step.kind) {
      case 'commit':
        this.commit(step.shard, step.size);
        break;
      case 'late commit': {
        const entry = this.shards.write(step.shard, this.#changes(step.shard, step.size));
        this.#untold.push(() => this.shards.tell(step.shard, entry));
        break;
      }
      case 'turns':
        for (let turn = 0; turn < step.count; turn++) {
          await new Promise(resolve => setImmediate(resolve));
        }
        break;
      case 'settle':
        await new Promise(resolve => setTimeout(resolve, 5));
        break;
      case 'cut': {
        const floor = this.shards.durable(step.shard) - step.keep;
        if (floor > this.shards.feedFloor(step.shard)) this.shards.cut(step.shard, floor);
        break;
      }
      case 'resume':
      case 'snapshot':
      case 'pause':
      case 'flow': {
        const reader = this.readers[step.reader];
        if (step.kind === 'pause') reader?.pause();
        else if (step.kind === 'flow') await reader?.flow();
        else await reader?.begin(step.kind);
      }
    }
  }

  #tellAll(): void {
    for (const tell of this.#untold.splice(0)) tell();
  }

  /** Members leave and strangers come, each any number of times in one entry. */
  #changes(shard: number, size: number): FeedChange[] {
    const changes: FeedChange[] = [];
    const isMember = new Map<string, boolean>();
    for (let at = 0; at < size; at++) {
      const audience = 1 + Math.floor(this.#random() * 3);
      const mpid = BigInt(Math.floor(this.#random() * MPIDS) * 3 + shard);
      const key = `${audience}/${mpid}`;
      const was = isMember.get(key) ?? this.shards.membersIn(shard, audience).has(mpid);
      isMember.set(key, !was);
      changes.push({audience, mpid, action: was ? 'delete' : 'add'});
    }
    return changes;
  }
}

/** Follows the stream over many connections, and checks what it has at every cursor. */
class Reader {
  readonly faults: string[] = [];
  readonly #server: StreamServer;
  readonly #options: {audiences: 'all' | number[]; identities?: string[]};
  readonly #protocol: string;
  #client: StreamClient | undefined;
  #membership = new Membership();
  #cursor: string | undefined;
  /** Audiences whose snapshot is not complete; then nothing can be compared. */
  #missing = new Set<number>();
  #sawIncomplete = false;
  #isCursorOld = false;
  #isPaused = false;

  constructor(
    server: StreamServer,
    options: {audiences: 'all' | number[]; identities?: string[]},
    protocol: string,
  ) {
    this.#server = server;
    this.#options = options;
    this.#protocol = protocol;
  }

  /** A new connection: on from the last cursor, or anew. A snapshot that broke off is taken anew too. */
  async begin(how: 'resume' | 'snapshot'): Promise<void> {
    this.#client?.socket.terminate();
    if (this.#client !== undefined) this.#client.onMessage = () => undefined;
    const isAnew = how === 'snapshot' || this.#missing.size > 0 || this.#cursor === undefined;
    const client = await StreamClient.connect(this.#server.port, {protocol: this.#protocol});
    this.#client = client;
    this.#isPaused = false;
    if (isAnew) this.#startSnapshot();
    client.onMessage = message => this.#apply(message);
    client.subscribe({...this.#options, from: isAnew ? 'snapshot' : this.#cursor});
  }

  pause(): void {
    this.#isPaused = true;
    this.#client?.socket.pause();
  }

  async flow(): Promise<void> {
    if (this.#isPaused) this.#client?.socket.resume();
    this.#isPaused = false;
    await Promise.resolve();
  }

  terminate(): void {
    this.#client?.socket.terminate();
  }

  async reach(log: FeedShards['log']): Promise<void> {
    const end = log.slice(-3);
    for (let waits = 0; waits < 2_000; waits++) {
      const position = decodeCursor(this.#cursor ?? '')?.position;
      const isThere = end.every(
        ({shard, watermark}) => (position?.watermark(shard) ?? 0) >= watermark,
      );
      if (isThere && this.#missing.size === 0 && !this.#sawIncomplete) return;
      if (this.faults.length > 0) return;
      await new Promise(resolve => setTimeout(resolve, 2));
    }
    this.faults.push('never reached the end');
  }

  #startSnapshot(): void {
    this.#membership = new Membership();
    this.#missing = new Set(this.#audiences());
    this.#sawIncomplete = false;
  }

  #audiences(): readonly number[] {
    return this.#options.audiences === 'all' ? AUDIENCES : this.#options.audiences;
  }

  #apply(message: StreamMessage): void {
    if (message.type === 'error') this.faults.push(`${message.code} ${message.message}`);
    if (message.type === 'reset') {
      this.#startSnapshot();
      // In mid-stream the cursor that goes with the snapshot comes after it.
      this.#isCursorOld = true;
    }
    this.#membership.apply(message);
    if (message.last === true) this.#missing.delete(message.audience ?? 0);
    if (message.cursor !== undefined) {
      this.#cursor = message.cursor;
      this.#isCursorOld = false;
      this.#sawIncomplete = decodeCursor(message.cursor)?.complete === false;
    }
    this.faults.push(...this.#membership.faults);
    const isComparable = message.type === 'deltas' || message.type === 'snapshot';
    if (!isComparable || this.#missing.size > 0 || this.#sawIncomplete || this.#isCursorOld) return;
    this.#compare();
  }

  #compare(): void {
    const position = decodeCursor(this.#cursor ?? '')?.position;
    if (position === undefined) {
      this.faults.push('no cursor');
      return;
    }
    const truth = truthAt(this.#server.shards.log, position);
    for (const audience of this.#audiences()) {
      const mine = [...this.#membership.of(audience)].toSorted().join();
      const theirs = [...truth.of(audience)].toSorted().join();
      if (mine !== theirs) this.faults.push(`audience ${audience}: ${mine} is not ${theirs}`);
    }
  }
}

function truthAt(log: FeedShards['log'], position: Position): Membership {
  const truth = new Membership();
  for (const {shard, watermark, index, audience, mpid, action} of log) {
    const at = position.watermark(shard);
    if (watermark > at && !(watermark === at + 1 && index < position.index(shard))) continue;
    const members = truth.of(audience);
    if (action === 'add') members.add(mpid.toString());
    if (action === 'delete') members.delete(mpid.toString());
  }
  return truth;
}

function randomOf(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}
