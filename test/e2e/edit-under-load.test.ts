/**
 * An active audience gets another definition while events come. Two audiences beside it, which always had
 * the old and the new meaning, say what it has to be at every point of the stream.
 */
import {afterAll, beforeAll, expect, test} from 'vitest';
import {LiveServer} from '../downloads/live-server.ts';
import {Random} from '../support/arbitraries-random.ts';
import {event, type Json, ServerClient, type Shop} from '../support/server-client.ts';
import {StreamClient, type StreamDelta} from '../support/stream-client.ts';
import {ADMIN_TOKEN} from '../support/server-process.ts';

const PROFILES = 300;
const LANES = 4;
const EVENTS_BEFORE = 3_000;
const EVENTS_AFTER = 400;

const OLD = {kind: 'user_attribute', attribute: 'tier', operator: 'exact_match', value: 'gold'};
const BLUE = {attribute: 'color', operator: 'exact_match', value: 'blue'};
const NEW = {kind: 'event', name: 'Buy', where: [BLUE]};
/** Says the same of these events, and is another question: the edited audience finds nothing known. */
const NEW_OTHERWISE = {...NEW, where: [BLUE, {attribute: 'size', operator: 'exists'}]};

let server: LiveServer;
let client: ServerClient;
let shop: Shop;
beforeAll(async () => {
  server = await LiveServer.start();
  client = new ServerClient({url: server.url});
  shop = await client.openShop();
});
afterAll(async () => {
  client.close();
  await server.remove();
});

test('is streamed as exactly the difference, once, and follows the new one from there on', async () => {
  const random = new Random(7);
  const [edited, old, next] = [
    await client.audience(shop, 'Edited', OLD),
    await client.audience(shop, 'Old', OLD),
    await client.audience(shop, 'New', NEW_OTHERWISE),
  ];
  await client.filled();
  const history = Array.from({length: EVENTS_BEFORE}, () =>
    batchOf(random, random.int(1, PROFILES)),
  );
  await server.post(shop, history);

  const reader = await StreamClient.connect(Number(new URL(server.url).port), {token: ADMIN_TOKEN});
  const members = new Map([edited, old, next].map(id => [id, new Set<string>()]));
  const deltas: StreamDelta[] = [];
  reader.onMessage = message => {
    for (const {mpid} of message.members ?? []) members.get(message.audience!)!.add(mpid);
    deltas.push(...(message.deltas ?? []));
  };
  reader.socket.send(
    JSON.stringify({type: 'subscribe', audiences: [edited, old, next], from: 'snapshot'}),
  );
  await server.until(
    () => Promise.resolve(reader.messages.filter(({last}) => last === true).length),
    count => count === 3,
  );

  let isOver = false;
  let taken = 0;
  const lane = async (which: number): Promise<void> => {
    const own = new Random(which);
    while (!isOver) {
      await client.take(shop, batchOf(own, own.int(0, PROFILES / LANES - 1) * LANES + which + 1));
      taken++;
    }
  };
  const lanes = Array.from({length: LANES}, (_, which) => lane(which));
  const reached = (count: number): Promise<number> =>
    server.until(
      () => Promise.resolve(taken),
      now => now >= count,
    );
  await reached(EVENTS_AFTER);
  await client.api('PATCH', `/v1/audiences/${edited}`, {definition: NEW});
  await client.filled();
  await reached(taken + EVENTS_AFTER);
  isOver = true;
  await Promise.all(lanes);
  const told = (id: number): string => [...members.get(id)!].sort().join();
  const definition = check(deltas, members, {edited, old, next});
  const wanted = (await client.members(edited)).sort().join();
  await server.until(
    () => {
      definition.fold();
      return Promise.resolve(told(edited));
    },
    now => now === wanted,
  );
  expect(told(next)).toBe(wanted);
  // Both ways, and not everybody: else this says nothing.
  expect(definition.added).toBeGreaterThan(20);
  expect(definition.dropped).toBeGreaterThan(20);
  expect(definition.added + definition.dropped).toBeLessThan(PROFILES);
  reader.socket.close();
});

/** One event of the profile, and its tier. */
function batchOf(random: Random, mpid: number): Json {
  const custom_attributes = {color: random.pick(['blue', 'red', 'green']), size: 1};
  const name = random.chance(0.95) ? 'Open' : 'Buy';
  const user_attributes = {tier: random.pick(['gold', 'tin'])};
  const events = [event(name, {custom_attributes})];
  return {mpid, environment: 'production', user_attributes, events};
}

/** Folds what has come until now, and holds every step of a profile against the two that know. */
function check(
  deltas: readonly StreamDelta[],
  members: ReadonlyMap<number, Set<string>>,
  {edited, old, next}: {edited: number; old: number; next: number},
): {fold: () => void; added: number; dropped: number} {
  const switched = new Set<string>();
  let at = 0;
  const state = {
    added: 0,
    dropped: 0,
    fold: () => {
      while (at < deltas.length) {
        // Deltas of one moment of a profile belong together.
        const {mpid, at_ms: atMs} = deltas[at]!;
        let isSwitch = false;
        for (; deltas[at]?.mpid === mpid && deltas[at]!.at_ms === atMs; at++) {
          const {audience, action, cause} = deltas[at]!;
          const own = members.get(audience)!;
          expect([mpid, own.has(mpid)]).toEqual([mpid, action === 'delete']);
          if (action === 'add') own.add(mpid);
          else own.delete(mpid);
          if (cause !== 'definition') continue;
          expect([audience, switched.has(mpid)]).toEqual([edited, false]);
          if (action === 'add') state.added++;
          else state.dropped++;
          isSwitch = true;
        }
        const isIn = (id: number): boolean => members.get(id)!.has(mpid);
        if (isSwitch || isIn(edited) !== isIn(old)) switched.add(mpid);
        if (switched.has(mpid)) expect([mpid, isIn(edited)]).toEqual([mpid, isIn(next)]);
      }
    },
  };
  return state;
}
