import fc from 'fast-check';
import {expect, test} from 'vitest';
import {expressionKey} from '../../../engine/definitions/canonical-key.ts';
import {normalizeExpression} from '../../../engine/definitions/normalize-expression.ts';
import {parseDefinition} from '../../../engine/definitions/parse-definition.ts';
import type {ParseContext} from '../../../engine/definitions/parse-definition.ts';
import {printExpression} from '../../../engine/definitions/print-expression.ts';
import {DAY_MS} from '../../../engine/values/calendar.ts';

const context: ParseContext = {
  eventRetentionMs: 30 * DAY_MS,
  workspaces: [1],
  inputs: undefined,
  hasAudience: id => id < 5,
  hasInput: id => id < 5,
  hasCalculatedAttribute: () => undefined,
  findCity: () => undefined,
};

/** Words that definitions are made of, so that random JSON often nearly is one. */
const WORDS = words(`
  event commerce screen_view session crash install upgrade sequence cart_abandonment user_attribute
  audience consent device first_seen location identity attribution exists equals contains in between
  pattern includes within_last between_ago before count sum member 7d 31d 2018-09-09 2018-02-30 10.2
  gdpr ccpa given purchase os_version email km Paris $app_version $nothing __proto__ any`);
const FIELDS = words(`
  and or exclude kind name action where when measure compare attribute operator value type function
  steps within wait until workspaces inputs audience regulation state purpose field equals identity
  event city radius unit latitude longitude within_last between_ago before on between after event_type
  __proto__ constructor`);

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

const {json: anyJson} = fc.letrec<{json: unknown}>(tie => ({
  json: fc.oneof(
    {depthSize: 'medium', withCrossShrink: true},
    fc.constantFrom<unknown>(null, true, false, 0, 1, -1, 2.5, 1e300, '', ...WORDS),
    fc.array(tie('json'), {maxLength: 4}),
    fc
      .array(fc.tuple(fc.constantFrom(...FIELDS), tie('json')), {maxLength: 6})
      .map(fields => JSON.parse(objectText(fields)) as unknown),
  ),
}));

/** Through text, so that `__proto__` is a field like any other. */
function objectText(fields: readonly (readonly [string, unknown])[]): string {
  return `{${fields.map(([name, value]) => `"${name}":${JSON.stringify(value)}`).join(',')}}`;
}

test('whatever JSON comes, the answer is an expression or faults with a place', () => {
  fc.assert(
    fc.property(anyJson, json => {
      const parsed = parseDefinition(json, context);
      if ('problems' in parsed) {
        expect(parsed.problems.length).toBeGreaterThan(0);
        for (const {path, message} of parsed.problems) {
          expect(path).toMatch(/^definition/);
          expect(message).not.toBe('');
        }
        return;
      }
      const normal = normalizeExpression(parsed.expression);
      expect(expressionKey(normal)).toBe(expressionKey(parsed.expression));
      expect(printExpression(normal)).not.toBe('');
    }),
    {numRuns: 3_000},
  );
});

test('plain JSON of any shape never throws', () => {
  fc.assert(
    fc.property(fc.jsonValue(), json => {
      parseDefinition(json, context);
    }),
    {numRuns: 1_000},
  );
});

/** Sound definitions with one part replaced: what people get wrong. */
const SOUND: readonly unknown[] = [
  {
    and: [
      {
        kind: 'commerce',
        action: 'purchase',
        where: [{attribute: '$product.name', operator: 'in', value: ['a', 'b']}],
        when: {between_ago: ['1d', '6d']},
        measure: {function: 'sum', attribute: '$product.price'},
        compare: {operator: 'between', value: [1, 2]},
      },
      {or: [{kind: 'audience', audience: 1, operator: 'member'}, {exclude: {kind: 'crash'}}]},
      {
        kind: 'sequence',
        steps: [{kind: 'install'}, {kind: 'event', name: 'x', within: '1d'}],
        when: {on: '2018-09-09'},
      },
      {
        kind: 'location',
        within: {latitude: 1, longitude: 2, radius: {value: 1, unit: 'km'}},
      },
      {kind: 'cart_abandonment', wait: '1h', until: ['any']},
      {kind: 'first_seen', when: {within_last: '7d'}},
    ],
  },
];

test('one wrong part of a sound definition never throws', () => {
  const places: (readonly (string | number)[])[] = [];
  const collect = (part: unknown, place: readonly (string | number)[]): void => {
    places.push(place);
    if (typeof part !== 'object' || part === null) return;
    for (const [field, value] of Object.entries(part)) collect(value, [...place, field]);
  };
  collect(SOUND[0], []);
  expect('problems' in parseDefinition(SOUND[0], context)).toBe(false);
  fc.assert(
    fc.property(fc.constantFrom(...places), anyJson, (place, wrong) => {
      const parsed = parseDefinition(replaced(SOUND[0], place, wrong), context);
      if ('expression' in parsed) printExpression(parsed.expression);
    }),
    {numRuns: 2_000},
  );
});

function replaced(part: unknown, place: readonly (string | number)[], by: unknown): unknown {
  const [field, ...rest] = place;
  if (field === undefined) return by;
  if (Array.isArray(part)) {
    return part.map((each: unknown, index) =>
      String(index) === String(field) ? replaced(each, rest, by) : each,
    );
  }
  const object = part as {readonly [name: string]: unknown};
  return {...object, [field]: replaced(object[field], rest, by)};
}
