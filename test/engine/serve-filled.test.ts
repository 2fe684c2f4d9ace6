/** Many definitions at once, served one after the other while profiles change in between. */
import {expect, test} from 'vitest';
import {membersPage} from '../../engine/audiences/members-page.ts';
import {record} from '../support/oracle-build.ts';
import {Stage} from '../support/stage.ts';
import {seededRandom} from '../questions/seeded-random.ts';

const NOON_MS = Date.parse('2026-03-10T12:00:00.000Z');
const PROFILES = 700;
const AGES = 40;

function aged(mpid: number, age: number, atMs: number): ReturnType<typeof record> {
  return record(atMs, {mpid: BigInt(mpid), attributes: {age}});
}

function under(limit: number): object {
  return {kind: 'user_attribute', attribute: 'age', operator: 'less_than', value: limit};
}

/** From ten years below. */
function between(limit: number): object {
  return {and: [under(limit), {exclude: under(limit - 10)}]};
}

class Crowd {
  readonly stage = new Stage({startMs: NOON_MS});
  readonly ages: number[] = [];
  readonly #random = seededRandom(21);
  #nowMs = NOON_MS;

  constructor() {
    // Criteria that somebody asks for already: what comes later only combines them.
    const known = Array.from({length: AGES + 10}, (_, i) => under(i - 9));
    this.stage.define({id: 1000, definition: {or: known}});
    for (let mpid = 0; mpid < PROFILES; mpid++) this.change(mpid);
  }

  change(mpid = Math.floor(this.#random() * PROFILES)): void {
    this.ages[mpid] = Math.floor(this.#random() * AGES);
    this.stage.send(aged(mpid, this.ages[mpid], ++this.#nowMs));
  }

  expectMembers(id: number, holds: (age: number) => boolean): void {
    const expected = this.ages.flatMap((age, mpid) => (holds(age) ? [String(mpid)] : []));
    expect(this.stage.members(id)).toEqual(expected);
    expect(this.stage.shard.propagation.count(this.stage.shard.audiences.get(id)!.root >> 1)).toBe(
      expected.length,
    );
    const told = new Set<string>();
    for (const {audience, mpid, action} of this.stage.told) {
      if (audience !== id) continue;
      expect(told.has(mpid)).toBe(action === 'delete');
      if (action === 'add') told.add(mpid);
      else told.delete(mpid);
    }
    expect([...told].sort()).toEqual([...expected].sort());
  }
}

test('of many definitions one is served a slice, and what happens in between is as if there were none', () => {
  const crowd = new Crowd();
  const {stage} = crowd;
  const limits = Array.from({length: AGES}, (_, i) => i + 1);
  stage.announce(...limits.map(limit => ({id: limit, definition: between(limit)})));
  let slices = 0;
  for (let more = true; more; slices++) {
    const before = stage.told.length;
    more = stage.prepare(1);
    const slice = stage.told.slice(before);
    expect(new Set(slice.map(({audience}) => audience)).size).toBeLessThanOrEqual(1);
    expect(slice.every(({cause}) => cause === 'definition')).toBe(true);
    for (let i = 0; i < 3; i++) crowd.change();
  }
  expect(slices).toBeGreaterThan(AGES);
  for (const limit of limits) crowd.expectMembers(limit, age => age < limit && age >= limit - 10);
});

test('combinations of combinations are filled as they would be by events', () => {
  const crowd = new Crowd();
  const {stage} = crowd;
  const either = {or: [under(5), {exclude: under(20)}]};
  const both = {and: [under(25), {exclude: under(15)}]};
  stage.define(
    {id: 1, definition: {and: [under(30), either]}},
    {id: 2, definition: {or: [under(3), both]}},
    {id: 3, definition: {exclude: {and: [under(30), either]}}},
    {id: 4, definition: {and: [either, {or: [under(3), both]}]}},
  );
  const isEither = (age: number): boolean => age < 5 || age >= 20;
  const isBoth = (age: number): boolean => age < 25 && age >= 15;
  crowd.expectMembers(1, age => age < 30 && isEither(age));
  crowd.expectMembers(2, age => age < 3 || isBoth(age));
  crowd.expectMembers(3, age => !(age < 30 && isEither(age)));
  crowd.expectMembers(4, age => isEither(age) && (age < 3 || isBoth(age)));
});

test('definitions that change while others are being served begin anew, and every difference is told once', () => {
  const crowd = new Crowd();
  const {stage} = crowd;
  stage.define({id: 1, definition: between(20)}, {id: 2, definition: between(30)});
  stage.announce({id: 1, definition: between(25)}, {id: 2, definition: between(35)});
  for (let slice = 0; slice < 40; slice++) {
    stage.prepare(1);
    crowd.change();
    if (slice % 7 === 3) stage.announce({id: 3, definition: between(11 + slice)});
    if (slice % 11 === 5) stage.announce({id: 2, definition: between(15 + slice)});
  }
  stage.announce({id: 2, definition: between(35)}, {id: 3, definition: between(40)});
  stage.fill();
  crowd.expectMembers(1, age => age < 25 && age >= 15);
  crowd.expectMembers(2, age => age < 35 && age >= 25);
  crowd.expectMembers(3, age => age < 40 && age >= 30);
  stage.announce({id: 1, definition: between(25), active: false});
  expect(stage.told.slice(-crowd.ages.filter(age => age < 25 && age >= 15).length)).toSatisfy(
    (told: {audience: number; action: string}[]) =>
      told.every(({audience, action}) => audience === 1 && action === 'delete'),
  );
});

test('pages of members are in order of mpid, each member once, whatever a page holds', () => {
  const stage = new Stage({startMs: NOON_MS});
  stage.define({definition: under(50)});
  const random = seededRandom(4);
  const mpids = new Map<bigint, number>();
  for (let i = 0; i < 500; i++) {
    // On both sides of 0 and of the halves of an mpid.
    const mpid =
      BigInt(Math.floor(random() * 9) - 4) * 2n ** 32n + BigInt(Math.floor(random() * 99));
    const isMember = random() < 0.8;
    const atMs = NOON_MS + i;
    const before = mpids.get(mpid);
    stage.send(record(atMs, {mpid, attributes: {age: isMember ? 20 : 60}}));
    if (!isMember) mpids.delete(mpid);
    else mpids.set(mpid, before ?? atMs);
  }
  const expected = [...mpids].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const limit of [1, 2, 7, 100, 5000, Infinity]) {
    const found: [bigint, number][] = [];
    for (let after: bigint | undefined; ;) {
      const page = membersPage(stage.shard, {audience: 1, after, limit});
      expect(page.mpids.length).toBeLessThanOrEqual(limit);
      for (const [i, mpid] of page.mpids.entries()) found.push([mpid, page.sinceMs[i]!]);
      if (page.mpids.length < limit) break;
      after = page.mpids.at(-1);
    }
    expect(found).toEqual(expected);
  }
  const nobody = {audience: 77, after: undefined, limit: 10};
  expect(membersPage(stage.shard, nobody).mpids).toHaveLength(0);
});
