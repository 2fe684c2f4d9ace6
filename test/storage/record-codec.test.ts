import fc from 'fast-check';
import {expect, test} from 'vitest';
import {EVENT_KINDS, type ProfileRecord} from '../../engine/record.ts';
import {EventSkim} from '../../storage/event-skim.ts';
import {UnreadableRecordError} from '../../storage/packed-values.ts';
import {decodeRecords, recordEnd, recordMpid, RecordWriter} from '../../storage/record-codec.ts';

/** As the edge lets them through: without halves of surrogate pairs. */
const text = fc.oneof(
  fc.constantFrom('', 'color', 'Möbel 🪑', '\u0000', 'x'.repeat(243), 'é'.repeat(122)),
  fc.string({unit: 'grapheme'}),
  fc.string({minLength: 60, maxLength: 300}),
);
const number = fc.oneof(
  fc.integer(),
  fc.double({noNaN: true, noDefaultInfinity: true}),
  fc.constantFrom(0, -0, 2 ** 31, -(2 ** 31), Number.MAX_SAFE_INTEGER),
);
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null));
const value = fc.oneof(scalar, fc.array(scalar, {maxLength: 300}));
const fields = fc.array(fc.tuple(text, value), {maxLength: 8}).map(pairs => pairs.flat());
const timeMs = fc.integer({min: -8.64e15, max: 8.64e15});
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, {nil: undefined});
const place = optional(text);

const record: fc.Arbitrary<ProfileRecord> = fc.record({
  mpidHi: fc.integer({min: -(2 ** 31), max: 2 ** 31 - 1}),
  mpidLo: fc.integer({min: 0, max: 2 ** 32 - 1}),
  scope: fc.integer({min: -2, max: 2 ** 31 - 1}),
  inputId: fc.integer({min: 0, max: 2 ** 32 - 1}),
  arrivalMs: timeMs,
  batchMs: timeMs,
  events: fc.array(
    fc.record({
      kind: fc.constantFrom(...EVENT_KINDS),
      name: text,
      type: text,
      timeMs,
      fields,
      items: fc.array(fields, {maxLength: 3}),
    }),
    {maxLength: 6},
  ),
  attributes: fc.array(fc.record({name: text, value: optional(value), timeMs}), {maxLength: 4}),
  identities: fc.array(fc.record({type: text, value: optional(text), sequence: fc.maxSafeNat()}), {
    maxLength: 3,
  }),
  consent: fc.array(
    fc.record({
      regulation: fc.constantFrom('gdpr' as const, 'ccpa' as const),
      purpose: text,
      consented: optional(fc.boolean()),
      timeMs,
    }),
    {maxLength: 3},
  ),
  device: fields,
  location: optional(
    fc.record({
      latitude: optional(fc.double({noNaN: true, min: -90, max: 90})),
      longitude: optional(fc.double({noNaN: true, min: -180, max: 180})),
      city: place,
      state: place,
      zip: place,
      dma: place,
      country: place,
      timeMs,
    }),
  ),
  seen: fc.array(fc.integer({min: 0, max: 2 ** 32 - 1}), {maxLength: 300}),
  extra: text,
});

function encoded(records: readonly ProfileRecord[]): Uint8Array {
  const writer = new RecordWriter();
  let bytes = 0;
  for (const each of records) bytes += writer.push(each);
  expect(writer.bytes).toBe(bytes);
  return writer.take();
}

test('records come back as they were written, together and each alone', () => {
  fc.assert(
    fc.property(fc.array(record, {maxLength: 5}), records => {
      const bytes = encoded(records);
      expect([...decodeRecords(bytes)]).toEqual(records);
      let at = 0;
      for (const each of records) {
        const {hi, lo} = recordMpid(bytes, at);
        expect({hi, lo}).toEqual({hi: each.mpidHi, lo: each.mpidLo});
        const end = recordEnd(bytes, at);
        expect([...decodeRecords(bytes.subarray(at, end))]).toEqual([each]);
        at = end;
      }
      expect(at).toBe(bytes.byteLength);
    }),
    {numRuns: 300},
  );
});

const ANY_EVENT = EVENT_KINDS.map(kind => ({
  key: kind,
  kind,
  names: undefined,
  type: undefined,
  scopes: Array.from({length: 8}, (_, scope) => scope),
  inputs: undefined,
  where: [],
}));

/** Reads it in every way there is; says whether it was told to be damaged. Nothing else may be thrown. */
function isRefused(bytes: Uint8Array): boolean {
  const ways = [
    () => [...decodeRecords(bytes)],
    () => {
      for (let at = 0; at < bytes.byteLength; at = recordEnd(bytes, at)) recordMpid(bytes, at);
    },
    () => new EventSkim(ANY_EVENT).forEach(bytes, () => {}),
  ];
  let refused = false;
  for (const way of ways) {
    try {
      way();
    } catch (error) {
      expect(error).toBeInstanceOf(UnreadableRecordError);
      refused = true;
    }
  }
  return refused;
}

test('bytes that are no records are refused, or read as some, and never read for ever', () => {
  fc.assert(
    fc.property(fc.uint8Array({maxLength: 400}), bytes => void isRefused(bytes)),
    {numRuns: 2_000},
  );
});

test('records with bytes changed or missing are refused, or read as others', () => {
  fc.assert(
    fc.property(
      fc.array(record, {minLength: 1, maxLength: 3}),
      fc.array(fc.tuple(fc.nat(), fc.integer({min: 0, max: 255})), {minLength: 1, maxLength: 4}),
      fc.nat(),
      (records, changes, cut) => {
        const bytes = encoded(records);
        expect(isRefused(bytes.subarray(0, 1 + (cut % (bytes.length - 1))))).toBe(
          !isWhole(bytes, 1 + (cut % (bytes.length - 1))),
        );
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        isRefused(bytes);
      },
    ),
    {numRuns: 500},
  );
});

function isWhole(bytes: Uint8Array, cut: number): boolean {
  let at = 0;
  while (at < cut) at = recordEnd(bytes, at);
  return at === cut;
}

test('a list within a list is refused: nobody writes one', () => {
  const bytes = encoded([
    {...EMPTY, attributes: [{name: 'list', value: [1, [2] as unknown as number], timeMs: 1}]},
  ]);
  expect(() => [...decodeRecords(bytes)]).toThrow(UnreadableRecordError);
});

test('the text of one record is not that of another with the same hash', () => {
  // More different short texts than the decoder remembers.
  const names = Array.from({length: 20_000}, (_, i) => `name ${i}`);
  const records = names.map(name => ({...EMPTY, extra: name}));
  const read = [...decodeRecords(encoded([...records, ...records]))].map(({extra}) => extra);
  expect(read).toEqual([...names, ...names]);
});

const EMPTY: ProfileRecord = {
  mpidHi: 0,
  mpidLo: 0,
  scope: 2,
  inputId: 1,
  arrivalMs: 1,
  batchMs: 1,
  events: [],
  attributes: [],
  identities: [],
  consent: [],
  device: [],
  location: undefined,
  seen: [],
  extra: '',
};
