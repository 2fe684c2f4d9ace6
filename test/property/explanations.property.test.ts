/**
 * Explanations of random profiles in random histories, held against what the contract says at every moment
 * around: each part is true or false as it says, since then without a break, and until then.
 */
import {expect, test} from 'vitest';
import {explain} from '../../engine/explanations/explain.ts';
import type {
  ExplainedDefinition,
  ExplainedNode,
  Explanation,
} from '../../engine/explanations/explanation.ts';
import {mpidHi, mpidLo} from '../../engine/ids.ts';
import {randomHistory} from '../support/arbitraries.ts';
import {Random} from '../support/arbitraries-random.ts';
import {objectIn, objectsIn} from '../support/oracle-json.ts';
import type {JsonObject} from '../support/oracle-json.ts';
import {OraclePast} from '../support/oracle-past.ts';
import type {OracleAudience} from '../support/oracle.ts';
import {type Disturbances, Simulation} from '../support/simulation.ts';

const RUNS = Number(process.env['ORACLE_RUNS'] ?? 1);
const HISTORIES = 60;
const SEED = process.env['ORACLE_SEED'];

/** How many parts were explained, and how much of them could be told. */
const told = {parts: 0, unknown: 0, sinceExactly: 0, sinceAtLeast: 0, until: 0};

interface Asked {
  readonly past: OraclePast;
  readonly audience: OracleAudience;
  readonly explanation: Explanation;
  /** Every moment at which something may change: up to now, and after it. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

function run(seed: number, disturbances: Disturbances): void {
  const history = randomHistory(seed, {kinds: 'all', steps: 40});
  const simulation = new Simulation(history, disturbances);
  const random = new Random(seed ^ 0xe1);
  for (const [index, step] of history.steps.entries()) {
    simulation.step(step);
    simulation.disturb();
    const audiences = simulation.oracle.audiences();
    const profiles = simulation.oracle.profiles(step.nowMs);
    if (audiences.length === 0 || profiles.length === 0 || random.chance(0.6)) continue;
    const audience = random.pick(audiences);
    const mpid = random.pick(profiles);
    try {
      check(simulation, {
        audience,
        mpid,
        nowMs: step.nowMs,
        history,
        wasDisturbed: disturbances.crashes,
      });
    } catch (error) {
      const where = `seed ${seed}, step ${index}, ${mpid} in ${audience.id} at ${step.nowMs}`;
      throw new Error(`${where}\n${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
}

function check(
  simulation: Simulation,
  {
    audience,
    mpid,
    nowMs,
    history,
    wasDisturbed,
  }: {
    audience: OracleAudience;
    mpid: string;
    nowMs: number;
    history: ReturnType<typeof randomHistory>;
    wasDisturbed: boolean;
  },
): void {
  const {oracle, durable} = simulation;
  const id = {audience: audience.id, hi: mpidHi(BigInt(mpid)), lo: mpidLo(BigInt(mpid))};
  const explanation = explain(durable.shard, id, nowMs);
  if (explanation === undefined) throw new Error('is not there');
  const {isMember, sinceMs, untilMs, forgottenMs, definition} = explanation;
  if (definition === undefined) throw new Error('has no definition');
  const past = new OraclePast(oracle, history.options, mpid, nowMs);
  if (explanation.atMs < nowMs) {
    // After a crash what was due meanwhile is told with the next step.
    expect(wasDisturbed).toBe(true);
    return;
  }
  expect(isMember).toBe(simulation.members(audience.id).has(mpid));
  const lastTold = simulation.told.findLast(
    each => each.audience === audience.id && each.mpid === mpid,
  );
  expect(sinceMs).toBe(isMember ? lastTold?.atMs : undefined);
  expect(oracle.profiles(forgottenMs - 1), 'is still there').toContain(mpid);
  expect(oracle.profiles(forgottenMs), 'is gone').not.toContain(mpid);
  const before = past.moments(audience, {fromMs: past.bornMs - 1, toMs: nowMs});
  const after = past.moments(audience, {fromMs: nowMs, toMs: forgottenMs - 1});
  const asked = {past, audience, explanation, before, after};
  checkDefinition(definition, asked, definition.isServed);
  if (definition.isServed) {
    expect(definition.isMember).toBe(isMember);
    const flipMs = after.find(moment => past.isMember(audience, moment) !== isMember);
    expect(untilMs, 'until').toBe(flipMs ?? (isMember ? forgottenMs : undefined));
  }
}

function checkDefinition(definition: ExplainedDefinition, asked: Asked, isServed: boolean): void {
  const {past, explanation} = asked;
  const audience = past.audience(definition.audience);
  const {isMember} = definition;
  if (isMember === undefined) expect(isServed).toBe(false);
  else expect(isMember).toBe(past.isMember(audience, explanation.atMs));
  const json = objectIn(audience.definition, 'definition');
  checkNode(definition.whole, json, {...asked, audience}, isServed);
}

function checkNode(node: ExplainedNode, json: JsonObject, asked: Asked, isServed: boolean): void {
  checkStanding(node, json, asked, isServed);
  switch (node.kind) {
    case 'and':
    case 'or': {
      const parts = objectsIn(json[node.kind], node.kind);
      expect(node.of).toHaveLength(parts.length);
      for (const [index, each] of node.of.entries()) {
        checkNode(each, parts[index]!, asked, isServed);
      }
      break;
    }
    case 'exclude':
      checkNode(node.of, objectIn(json['exclude'], 'exclude'), asked, isServed);
      break;
    case 'criterion':
      expect(node.criterion.kind).toBe(json['kind']);
      if (node.nested !== undefined) checkDefinition(node.nested, asked, isServed);
  }
}

function checkStanding(
  node: ExplainedNode,
  json: JsonObject,
  {past, audience, explanation, before, after}: Asked,
  isServed: boolean,
): void {
  const {holds, sinceMs, orEarlier, untilMs} = node;
  const {atMs} = explanation;
  const truth = (moment: number): boolean => past.holdsFor(audience, json, moment);
  const fail = (what: string): never => {
    const standing = JSON.stringify({holds, sinceMs, orEarlier, untilMs});
    throw new Error(`${what}: ${standing} of ${JSON.stringify(json)}`);
  };
  told.parts++;
  if (holds === undefined) {
    told.unknown++;
    if (isServed) fail('is calculated, and not known');
    return;
  }
  if (holds !== truth(atMs)) fail('is not so');
  const flipMs = after.find(moment => truth(moment) !== holds);
  // What nobody calculates may decide.
  if (untilMs !== flipMs && (isServed || untilMs !== undefined)) fail(`until ${flipMs}`);
  if (untilMs !== undefined) told.until++;
  if (sinceMs === undefined) return;
  const brokenMs = before.findLast(moment => moment >= sinceMs && truth(moment) !== holds);
  if (brokenMs !== undefined) fail(`was not so at ${brokenMs}`);
  if (orEarlier) told.sinceAtLeast++;
  else {
    told.sinceExactly++;
    if (sinceMs !== past.bornMs && truth(sinceMs - 1) === holds) fail('was so before');
  }
}

function seeds(offset: number): number[] {
  if (SEED !== undefined) return [Number(SEED)];
  return Array.from({length: HISTORIES * RUNS}, (_, i) => offset + i);
}

test(
  'explanations say what the contract says, at every moment around',
  () => {
    for (const seed of seeds(1)) run(seed, {crashes: false, slowFills: false});
  },
  300_000 * RUNS,
);

test(
  'with crashes, and definitions that take their time',
  () => {
    for (const seed of seeds(30_001)) run(seed, {crashes: true, slowFills: true});
  },
  300_000 * RUNS,
);

test('they tell nearly all that they could', () => {
  const {parts, unknown, sinceExactly, sinceAtLeast, until} = told;
  const known = parts - unknown;
  expect({parts: parts > 1_000 * RUNS || SEED !== undefined, until: until > 0}).toEqual({
    parts: true,
    until: true,
  });
  expect(sinceExactly / known).toBeGreaterThan(0.5);
  expect((sinceExactly + sinceAtLeast) / known).toBeGreaterThan(0.85);
});
