import fc from 'fast-check';
import {expect, test} from 'vitest';
import type {BoundFilter} from '../../engine/criteria/bound-criterion.ts';
import {EVENT_KINDS, type EventRecord, type ProfileRecord} from '../../engine/record.ts';
import {EventSkim} from '../../storage/event-skim.ts';
import {RecordWriter} from '../../storage/record-codec.ts';

const scalar = fc.oneof(
  fc.string(),
  fc.string({minLength: 200, maxLength: 400}),
  fc.double({noNaN: true}),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const fields = fc
  .array(fc.tuple(fc.string(), fc.oneof(scalar, fc.array(scalar, {maxLength: 20}))))
  .map(pairs => pairs.flat());
const name = fc.oneof(
  fc.constantFrom('Add To Cart', 'Möbel 🪑', '', 'x'.repeat(40), 'y'.repeat(300)),
  fc.string(),
);
const event: fc.Arbitrary<EventRecord> = fc.record({
  kind: fc.constantFrom(...EVENT_KINDS),
  name,
  type: fc.constantFrom('', 'other', 'navigation'),
  timeMs: fc.integer({min: 0, max: 2e12}),
  fields,
  items: fc.array(fields, {maxLength: 3}),
});
const record: fc.Arbitrary<ProfileRecord> = fc.record({
  mpidHi: fc.integer({min: -(2 ** 31), max: 2 ** 31 - 1}),
  mpidLo: fc.integer({min: 0, max: 2 ** 32 - 1}),
  scope: fc.integer({min: -2, max: 5}),
  inputId: fc.integer({min: 0, max: 3}),
  arrivalMs: fc.integer({min: 0, max: 2e12}),
  batchMs: fc.integer({min: 0, max: 2e12}),
  events: fc.array(event, {maxLength: 20}),
  attributes: fc.array(
    fc.record({
      name: fc.string(),
      value: fc.option(scalar, {nil: undefined}),
      timeMs: fc.nat(),
    }),
    {maxLength: 3},
  ),
  identities: fc.constant([]),
  consent: fc.constant([]),
  device: fields,
  location: fc.constant(undefined),
  seen: fc.constant([]),
  extra: fc.string(),
});
const filter: fc.Arbitrary<BoundFilter> = fc.record({
  key: fc.constant('key'),
  kind: fc.constantFrom(...EVENT_KINDS),
  names: fc.option(fc.array(name, {minLength: 1, maxLength: 3}), {nil: undefined}),
  type: fc.constant(undefined),
  scopes: fc.uniqueArray(fc.integer({min: 0, max: 5}), {minLength: 1, maxLength: 3}),
  inputs: fc.option(fc.uniqueArray(fc.integer({min: 0, max: 3}), {minLength: 1}), {nil: undefined}),
  where: fc.constant([]),
});

function meets({kind, name: eventName}: EventRecord, {scope, inputId}: ProfileRecord) {
  return ({kind: wanted, names, scopes, inputs}: BoundFilter): boolean =>
    kind === wanted &&
    scopes.includes(scope) &&
    (names === undefined || names.includes(eventName)) &&
    (inputs === undefined || inputs.includes(inputId));
}

test('every event that meets a filter is told, whole and in its place, and hardly another one', () => {
  fc.assert(
    fc.property(
      fc.array(record, {maxLength: 10}),
      fc.array(filter, {maxLength: 4}),
      (records, filters) => {
        const writer = new RecordWriter();
        for (const each of records) writer.push(each);
        const told: unknown[] = [];
        new EventSkim(filters).forEach(writer.take(), (found, place) =>
          told.push([found, {...place}]),
        );
        const expected = records.flatMap(each =>
          each.events
            .filter(found => filters.some(meets(found, each)))
            .map(found => {
              const {mpidHi, mpidLo, scope, inputId} = each;
              return [found, {mpidHi, mpidLo, scope, inputId}];
            }),
        );
        expect(told).toEqual(expected);
      },
    ),
    {numRuns: 300},
  );
});
