/**
 * kill -9 at moments chosen by chance, under load: a batch answered 202 is in, a batch repeated counts once,
 * and a reader that goes on from its cursor misses nothing and is told nothing twice.
 *
 * KILL_RUNS=10 multiplies the number of kills; KILL_SEED replays.
 */
import {expect, test} from 'vitest';
import {Random} from '../support/arbitraries-random.ts';
import {byMpid, DeltaReader} from '../support/delta-reader.ts';
import {type Json, ServerClient, type Shop} from '../support/server-client.ts';
import {ServerProcess, temporaryFolder} from '../support/server-process.ts';
import {expectOneOwner, scopeOf} from './support/one-owner.ts';
import {TickingLoad, TICKS_MAX} from './support/ticking-load.ts';

const KILLS = 20 * Number(process.env['KILL_RUNS'] ?? 1);
const SEED = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000);
const TICK = {kind: 'event', name: 'Tick'};

test(
  `nothing answered is lost and nothing is told twice over ${KILLS} kills (KILL_SEED=${SEED})`,
  async () => {
    const random = new Random(SEED);
    const options = {dataFolder: temporaryFolder(), args: ['--shards', '2']};
    let server = await ServerProcess.start(options);
    let client = new ServerClient(server);
    const shop = await client.openShop();
    const audiences = await makeAudiences(client, shop);
    const load = new TickingLoad(random, shop);
    const readers = [new DeltaReader(), new DeltaReader({from: 'now'}), new DeltaReader()];
    for (const reader of readers) await reader.connect(server);

    for (let kill = 1; kill <= KILLS; kill++) {
      const stop = new AbortController();
      const running = load.run(client, stop.signal);
      const redefined = maybeRedefine(client, audiences.atLeast, random);
      if (random.chance(0.3)) readers[2]?.drop();
      await sleep(random.int(20, 200));
      // On a busy machine that may have been too short for anything to happen.
      await load.hasTaken(10);
      await server.kill();
      stop.abort();
      await Promise.all([running, redefined]);
      client.close();
      for (const reader of readers) reader.drop();

      if (random.chance(0.25)) await ServerProcess.killedStarting(options, random.int(100, 500));
      server = await ServerProcess.start(options);
      client = new ServerClient(server);
      for (const reader of readers) await reader.connect(server);
      await expectTaken(client, load, audiences.exactly);
    }

    await load.settle(client);
    await expectTaken(client, load, audiences.exactly);
    await client.filled();
    await expectAttributes(client, load);
    const mpids = load.tickers.flatMap(({mpid, taken}) => (taken === 0 ? [] : [mpid ?? '']));
    await expectOneOwner(client, load.emails, mpids);
    const members = await allMembers(client, [...audiences.exactly, audiences.atLeast]);
    // Nobody has ticked within the last second any more.
    members.set(audiences.justNow, []);
    for (const reader of readers) {
      await reader.arrivesAt(members);
      expect(reader.membership.faults).toEqual([]);
      expect(reader.resets).toEqual([]);
      expectOrder(reader);
    }
    const {taken, unavailable, broken} = load.answers;
    process.stdout.write(
      `  ${KILLS} kills: ${load.tickers.length} profiles, ${taken} batches taken, ${broken} unanswered, ` +
        `${unavailable} times 503, ${readers[0]?.deltas.length} deltas\n`,
    );
    // Otherwise nothing was shown.
    expect(taken).toBeGreaterThan(KILLS * 10);
    expect(broken).toBeGreaterThan(KILLS);
    expect(readers[0]?.deltas.length).toBeGreaterThan(KILLS * 10);
    client.close();
  },
  KILLS * 20_000,
);

interface TickAudiences {
  /** Those with exactly 1, 2, … ticks. */
  readonly exactly: readonly number[];
  readonly atLeast: number;
  readonly justNow: number;
}

async function makeAudiences(client: ServerClient, shop: Shop): Promise<TickAudiences> {
  const exactly: number[] = [];
  for (let ticks = 1; ticks <= TICKS_MAX; ticks++) {
    exactly.push(
      await client.audience(shop, `Exactly ${ticks}`, {
        ...TICK,
        compare: {operator: 'equals', value: ticks},
      }),
    );
  }
  const atLeast = await client.audience(shop, 'At least', ticksAtLeast(1));
  const justNow = await client.audience(shop, 'Just now', {...TICK, when: {within_last: '1s'}});
  return {exactly, atLeast, justNow};
}

function ticksAtLeast(value: number): object {
  return {...TICK, compare: {operator: 'greater_or_equal', value}};
}

/** Whether it is saved before the kill is for chance to say. */
async function maybeRedefine(
  client: ServerClient,
  audience: number,
  random: Random,
): Promise<void> {
  if (random.chance(0.5)) return;
  const definition = ticksAtLeast(random.int(1, TICKS_MAX));
  await sleep(random.int(0, 150));
  await client.raw('PATCH', `/v1/audiences/${audience}`, {definition}).catch(() => undefined);
}

/** Each profile has as many ticks as were answered, or one more when one was not. */
async function expectTaken(
  client: ServerClient,
  load: TickingLoad,
  exactly: readonly number[],
): Promise<void> {
  const ticksOf = new Map<string, number>();
  for (const [index, audience] of exactly.entries()) {
    for (const mpid of await client.members(audience)) {
      expect(ticksOf.has(mpid), `${mpid} has two counts`).toBe(false);
      ticksOf.set(mpid, index + 1);
    }
  }
  const wrong: string[] = [];
  let found = 0;
  for (const ticker of load.tickers) {
    ticker.mpid ??= await mpidOf(client, ticker.name);
    const ticks = ticksOf.get(ticker.mpid ?? '') ?? 0;
    if (ticks > 0) found++;
    const most = ticker.taken + (ticker.open === undefined ? 0 : 1);
    if (ticks < ticker.taken || ticks > most) {
      wrong.push(`${ticker.name} (${ticker.mpid}) has ${ticks} ticks, not ${ticker.taken}-${most}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(found, 'profiles that nobody made').toBe(ticksOf.size);
}

async function mpidOf(client: ServerClient, customerId: string): Promise<string | undefined> {
  const path = `/v1/profiles?identity=customer_id&value=${customerId}`;
  const answer = await client.raw('GET', path);
  return answer.status === 200 ? (answer.body as {mpid: string}).mpid : undefined;
}

async function expectAttributes(client: ServerClient, load: TickingLoad): Promise<void> {
  const wrong: string[] = [];
  for (const {name, mpid, taken} of load.tickers) {
    if (taken === 0) continue;
    const expected = {
      ticker: name,
      ...Object.fromEntries(
        Array.from({length: taken}, (_, tick) => [`tick ${tick + 1}`, tick + 1]),
      ),
    };
    const attributes = scopeOf(await client.profile(mpid ?? '0'))['user_attributes'];
    if (!sameJson(attributes, expected)) wrong.push(`${name}: ${JSON.stringify(attributes)}`);
  }
  expect(wrong).toEqual([]);
}

async function allMembers(
  client: ServerClient,
  audiences: readonly number[],
): Promise<Map<number, string[]>> {
  const members = new Map<number, string[]>();
  for (const audience of audiences) {
    members.set(audience, (await client.members(audience)).sort(byMpid));
  }
  return members;
}

/** What happened to one membership is told in the order it happened. */
function expectOrder(reader: DeltaReader): void {
  const lastMs = new Map<string, number>();
  const wrong: unknown[] = [];
  for (const delta of reader.deltas) {
    const membership = `${delta.audience}/${delta.mpid}`;
    if (delta.at_ms < (lastMs.get(membership) ?? 0)) wrong.push(delta);
    lastMs.set(membership, delta.at_ms);
  }
  expect(wrong.slice(0, 5)).toEqual([]);
}

function sameJson(a: unknown, b: unknown): boolean {
  const sorted = (value: unknown): string =>
    JSON.stringify(Object.entries((value ?? {}) as Json).sort(([x], [y]) => (x < y ? -1 : 1)));
  return sorted(a) === sorted(b);
}

function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
