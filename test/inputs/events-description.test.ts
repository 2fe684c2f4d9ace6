import {describe, expect, test} from 'vitest';
import type {TSchema} from 'typebox';
import {PRODUCT_ACTIONS} from '../../engine/definitions/vocabulary.ts';
import {exampleOf} from '../../server/api/example-of.ts';
import {validator} from '../../server/api/validate.ts';
import {decodeBatch} from '../../server/inputs/decode-batch.ts';
import {EVENT_TYPES} from '../../server/inputs/decode-events.ts';
import {EventBatch} from '../../server/inputs/events-description.ts';
import type {Json} from '../support/server-client.ts';

const isDescribed = validator(EventBatch);
const everything = withAll(EventBatch) as Json & {events: Json[]};
const data = everything.events[0]!['data'] as Json;

function problemsOf(batch: unknown): unknown {
  const decoded = decodeBatch(batch, {arrivalMs: 1_790_000_000_000, path: ''});
  return 'problems' in decoded ? decoded.problems : [];
}

/** With every field of every object, whatever the examples leave out. */
function withAll(schema: TSchema): unknown {
  const {properties, items} = schema as {
    properties?: Record<string, TSchema>;
    items?: TSchema;
  };
  if (properties !== undefined) {
    return Object.fromEntries(
      Object.entries(properties).map(([name, part]) => [name, withAll(part)]),
    );
  }
  return items === undefined ? exampleOf(schema, '') : [withAll(items)];
}

describe('what the description says can be sent', () => {
  test('is taken with every field there is', () => {
    expect(isDescribed(everything)).toEqual({value: everything});
    const own = {...everything, events: [{event_type: 'custom_event', data}]};
    expect(problemsOf(own)).toEqual([]);
  });

  test.each([...EVENT_TYPES, 'of_some_other_kind'])('is taken as %s', type => {
    const {new: _, old: __, ...rest} = data;
    const changed = {identity_type: 'email', identity: 'm.hyde@example.com'};
    const own = type === 'user_identity_change' ? {...rest, new: changed} : data;
    const batch = {...everything, events: [{event_type: type, data: own}]};
    expect(isDescribed(batch)).toEqual({value: batch});
    expect(problemsOf(batch)).toEqual([]);
  });

  test.each(PRODUCT_ACTIONS)('is taken with the product action %s', action => {
    const event = {event_type: 'commerce_event', data: {product_action: {action}}};
    expect(isDescribed({events: [event]})).toHaveProperty('value');
    expect(problemsOf({events: [event]})).toEqual([]);
  });
});

test.each([
  {events: 'none'},
  {events: [{data: {}}]},
  {mpid: 'me'},
  {environment: 'staging'},
  {user_attributes: 'gold'},
  {events: Array.from({length: 10_001}, () => ({event_type: 'session_start'}))},
])('what it does not allow is not taken: number %#', batch => {
  expect(isDescribed(batch)).toHaveProperty('problems');
  expect(problemsOf(batch)).not.toEqual([]);
});
