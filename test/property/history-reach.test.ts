/** Random histories say whatever a definition can say: what they never say, they cannot prove. */
import {beforeAll, describe, expect, test} from 'vitest';
import {CALCULATIONS} from '../../engine/definitions/calculated-attribute.ts';
import {OPERATORS} from '../../engine/definitions/parse-operand.ts';
import {WINDOW_FORMS} from '../../engine/definitions/parse-when.ts';
import {BUILT_IN_FIELDS, COMMERCE_ACTIONS} from '../../engine/definitions/vocabulary.ts';
import {DEVICE_FIELDS, EVENT_KINDS} from '../../engine/record.ts';
import {isList, isObject, type Json} from '../support/oracle-json.ts';
import {CROWD, randomHistory, type Step} from '../support/arbitraries.ts';

const HISTORIES = 200;
const said = new Map<string, Set<string>>();
let criteriaMost = 0;
let depthMost = 0;
let recordsMost = 0;

beforeAll(() => {
  for (let seed = 1; seed <= HISTORIES; seed++) {
    for (const step of randomHistory(seed, {kinds: 'all'}).steps) note(step);
  }
});

describe('everything is said', () => {
  test.each<[what: string, words: readonly string[]]>([
    ['step', ['records', 'advance', 'define', 'erase', 'remove', 'calculate']],
    ['event', EVENT_KINDS],
    ['combination', ['and', 'or', 'exclude']],
    ['kind', ['event', 'commerce', 'screen_view', 'session', 'crash', 'install', 'uninstall']],
    ['kind', ['upgrade', 'attribution_event', 'cart_abandonment', 'sequence', 'user_attribute']],
    ['kind', ['calculated_attribute', 'audience', 'consent', 'device', 'first_seen', 'last_seen']],
    ['kind', ['location', 'identity', 'attribution']],
    ['operator', [...new Set(Object.values(OPERATORS).flat())]],
    ['operator', ['exists', 'not_exists', 'member', 'not_member']],
    ['type', Object.keys(OPERATORS).filter(type => type !== 'boolean')],
    ['when', WINDOW_FORMS],
    ['function', ['count', 'sum', 'avg', 'min', 'max', 'distinct']],
    ['calculation', CALCULATIONS],
    ['action', COMMERCE_ACTIONS.filter(action => action !== 'remove_from_wishlist')],
    ['attribute', BUILT_IN_FIELDS],
    ['attribute', ['$product.attribute.size']],
    ['field', [...DEVICE_FIELDS, 'publisher', 'campaign']],
    ['state', ['given', 'not_given', 'opted_out', 'not_opted_out']],
    ['place', ['city', 'state', 'zip', 'dma', 'country', 'latitude']],
    ['unit', ['km', 'mi', 'm']],
    ['until', ['any', 'purchase', 'remove_from_wish_list']],
    ['narrowed', ['workspaces', 'inputs']],
    ['workspaces', ['1', '2', '1,2']],
    ['environment', ['production', 'development']],
    ['active', ['true', 'false']],
  ])('%s: %j', (what, words) => {
    expect(words.filter(word => said.get(what)?.has(word) !== true)).toEqual([]);
  });

  test('by up to 12 criteria at once, edited to more, and deep', () => {
    expect(criteriaMost).toBeGreaterThanOrEqual(12);
    expect(depthMost).toBeGreaterThanOrEqual(5);
  });

  test('about one record or several in a turn, and thousands in those of crowds', () => {
    expect(recordsMost).toBe(12);
    const crowd = randomHistory(30_001, {...CROWD, kinds: 'all'});
    const sizes = crowd.steps.flatMap(step =>
      step.kind === 'records' ? [step.records.length] : [],
    );
    expect(Math.min(...sizes)).toBe(1);
    expect(Math.max(...sizes)).toBe(CROWD.recordsMax);
  });
});

function note(step: Step): void {
  say('step', step.kind);
  if (step.kind === 'records') {
    recordsMost = Math.max(recordsMost, step.records.length);
    for (const {events} of step.records) for (const {kind} of events) say('event', kind);
  }
  if (step.kind === 'calculate') {
    say('calculation', step.attribute.calculation);
    walk(step.attribute.event, 1);
  }
  if (step.kind !== 'define') return;
  const {audience} = step;
  say('workspaces', audience.workspaces.join());
  say('environment', audience.environment);
  say('active', String(audience.active));
  criteriaMost = Math.max(criteriaMost, walk(audience.definition, 1));
}

/** How many criteria there are. */
function walk(json: Json, depth: number): number {
  depthMost = Math.max(depthMost, depth);
  if (isList(json)) return json.reduce((sum: number, each) => sum + walk(each, depth), 0);
  if (!isObject(json)) return 0;
  let criteria = 'kind' in json ? 1 : 0;
  for (const [name, value] of Object.entries(json)) {
    if (['and', 'or', 'exclude'].includes(name)) {
      say('combination', name);
      criteria += walk(value, depth + 1);
    } else if (name === 'until' && isList(value)) for (const each of value) say(name, String(each));
    else if (name === 'when' && isObject(value)) say(name, Object.keys(value).join());
    else if ((name === 'equals' || name === 'within') && isObject(value)) {
      for (const part of Object.keys(value)) say('place', part);
      walk(value, depth);
    } else if (name === 'workspaces' || name === 'inputs') say('narrowed', name);
    else if (isObject(value) || isList(value)) walk(value, depth);
    else say(name, String(value));
  }
  return criteria;
}

function say(what: string, word: string): void {
  const words = said.get(what) ?? new Set();
  said.set(what, words.add(word));
}
