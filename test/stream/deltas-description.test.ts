import {expect, test} from 'vitest';
import {validator} from '../../server/api/validate.ts';
import {isProblem, parseClientMessage} from '../../server/stream/client-message.ts';
import {Ack, Subscribe, Unsubscribe} from '../../server/stream/deltas-description.ts';
import {STREAM_BOUNDS} from '../../server/stream/stream-parts.ts';

const schemas = [Subscribe, Ack, Unsubscribe].map(schema => validator(schema));

/** From an audience to one more than may be named. */
const many = Array.from({length: STREAM_BOUNDS.audiencesPerSubscribeMax + 1}, (_, i) => i + 1);

test.each([
  {type: 'subscribe', audiences: 'all', from: 'snapshot'},
  {type: 'subscribe', audiences: [1], name: 'crm'},
  {type: 'subscribe', audiences: many.slice(1), from: 'now', identities: [], variants: ['Control']},
  {type: 'subscribe', audiences: 'some', from: 'now'},
  {type: 'subscribe', audiences: [], from: 'now'},
  {type: 'subscribe', audiences: many, from: 'now'},
  {type: 'subscribe', audiences: [0], from: 'now'},
  {type: 'subscribe', audiences: 'all', from: 7},
  {type: 'subscribe', audiences: 'all', from: 'now', name: ''},
  {type: 'subscribe', audiences: 'all', from: 'now', name: 'x'.repeat(129)},
  {type: 'subscribe', audiences: 'all', from: 'now', attributes: ['']},
  {type: 'subscribe', audiences: 'all', from: 'now', identities: 'email'},
  {type: 'subscribe', from: 'now'},
  {type: 'ack', cursor: 'AbO'},
  {type: 'ack', cursor: 3},
  {type: 'ack'},
  {type: 'unsubscribe'},
  {type: 'resubscribe'},
  {},
])('is read exactly when the description allows it (%#)', message => {
  const isAllowed = schemas.some(validate => 'value' in validate(message));
  expect(!isProblem(parseClientMessage(message, STREAM_BOUNDS))).toBe(isAllowed);
});
