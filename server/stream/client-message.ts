/** What a client may say, and the reading of it: lenient about what is not asked, strict about what is. */
import {didYouMean, quoted} from '../../engine/definitions/faults.ts';
import {canonicalIdentityType, IDENTITY_TYPES} from '../../engine/identity-types.ts';
import {IDENTITY_MARK} from '../../engine/profiles/former-identities.ts';
import type {StreamBounds} from './stream-parts.ts';

export type ClientMessage = SubscribeMessage | AckMessage | {readonly type: 'unsubscribe'};

export interface SubscribeMessage {
  readonly type: 'subscribe';
  readonly audiences: 'all' | readonly number[];
  /** 'now', 'snapshot' or a cursor; undefined when it was left out, which only a name allows. */
  readonly from: string | undefined;
  readonly name: string | undefined;
  readonly identities: readonly string[] | undefined;
  readonly attributes: readonly string[] | undefined;
  readonly variants: readonly string[] | undefined;
}

export interface AckMessage {
  readonly type: 'ack';
  readonly cursor: string;
}

/** Sent as `{"type":"error"}`. Codes are part of the interface: programs branch on them. */
export interface StreamProblem {
  readonly code: StreamErrorCode;
  readonly message: string;
}

export const STREAM_ERROR_CODES = [
  'bad_message',
  'unknown_type',
  'already_subscribed',
  'not_subscribed',
  'unknown_audience',
  'identity_not_granted',
  'variants_unavailable',
  'bad_cursor',
  'too_many_subscriptions',
  'too_many_attributes',
  'unavailable',
] as const;
export type StreamErrorCode = (typeof STREAM_ERROR_CODES)[number];

export function isProblem(value: object): value is StreamProblem {
  return 'code' in value;
}

export const NAME_LENGTH_MAX = 128;
export const WORD_LENGTH_MAX = 256;
export const IDENTITIES_MAX = 64;
export const VARIANTS_MAX = 64;

export function parseClientMessage(
  value: unknown,
  bounds: StreamBounds,
): ClientMessage | StreamProblem {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return bad('a message is an object with a type');
  }
  const fields = new Map<string, unknown>(Object.entries(value));
  const type = fields.get('type');
  switch (type) {
    case 'subscribe':
      return parseSubscribe(fields, bounds);
    case 'ack': {
      const cursor = fields.get('cursor');
      return typeof cursor === 'string' ? {type, cursor} : bad('cursor must be a string');
    }
    case 'unsubscribe':
      return {type};
    default:
      return typeof type === 'string'
        ? {code: 'unknown_type', message: 'type must be subscribe, ack or unsubscribe'}
        : bad('type must be a string');
  }
}

function parseSubscribe(
  fields: ReadonlyMap<string, unknown>,
  bounds: StreamBounds,
): SubscribeMessage | StreamProblem {
  const audiences = parseAudiences(fields.get('audiences'), bounds.audiencesPerSubscribeMax);
  if (typeof audiences === 'object' && 'code' in audiences) return audiences;
  const from = fields.get('from') ?? undefined;
  const name = fields.get('name') ?? undefined;
  if (name !== undefined && (typeof name !== 'string' || !isWord(name, NAME_LENGTH_MAX))) {
    return bad(`name must be a string of 1 to ${NAME_LENGTH_MAX} characters`);
  }
  if (from !== undefined && (typeof from !== 'string' || from === '')) {
    return bad('from must be "now", "snapshot" or a cursor');
  }
  if (from === undefined && name === undefined) {
    return bad('from must be "now", "snapshot" or a cursor, unless a name is given');
  }
  const lists: Record<'identities' | 'attributes' | 'variants', readonly string[] | undefined> = {
    identities: undefined,
    attributes: undefined,
    variants: undefined,
  };
  const limits = {
    identities: IDENTITIES_MAX,
    attributes: bounds.attributesPerSubscribeMax,
    variants: VARIANTS_MAX,
  };
  for (const field of ['identities', 'attributes', 'variants'] as const) {
    const words = parseWords(fields.get(field), limits[field]);
    if (words === 'bad') {
      return bad(`${field} must be an array of at most ${limits[field]} non-empty strings`);
    }
    lists[field] = words;
  }
  if (lists.attributes?.some(name => name.startsWith(IDENTITY_MARK)) === true) {
    return bad('attributes: a name cannot begin with a null character');
  }
  const identities = parseIdentityTypes(lists.identities);
  if (identities !== undefined && 'code' in identities) return identities;
  return {type: 'subscribe', audiences, from, name, ...lists, identities};
}

function parseAudiences(value: unknown, limit: number): 'all' | readonly number[] | StreamProblem {
  if (value === 'all') return 'all';
  if (!Array.isArray(value) || value.length === 0 || value.length > limit) {
    return bad(`audiences must be "all" or an array of 1 to ${limit} audience ids`);
  }
  const ids = new Set<number>();
  for (const item of value as unknown[]) {
    // msgpack libraries write integers beyond 32 bits in ways that are read as a bigint.
    const id = typeof item === 'bigint' ? Number(item) : item;
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1) {
      return bad('audiences must be positive integers');
    }
    ids.add(id);
  }
  return [...ids];
}

/** undefined for an absent or empty list: asking for nothing. */
function parseWords(value: unknown, limit: number): readonly string[] | undefined | 'bad' {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || value.length > limit) return 'bad';
  const words = new Set<string>();
  for (const item of value as unknown[]) {
    if (typeof item !== 'string' || !isWord(item, WORD_LENGTH_MAX)) return 'bad';
    words.add(item);
  }
  return words.size === 0 ? undefined : [...words];
}

/** In any spelling that clients use; deltas carry the canonical one. */
function parseIdentityTypes(
  spellings: readonly string[] | undefined,
): readonly string[] | undefined | StreamProblem {
  const types = new Set<string>();
  for (const spelling of spellings ?? []) {
    const type = canonicalIdentityType(spelling);
    if (type === undefined) {
      const hint = didYouMean(spelling, IDENTITY_TYPES);
      return bad(`identities: ${quoted(spelling)} is not an identity type${hint}`);
    }
    types.add(type);
  }
  return spellings === undefined ? undefined : [...types];
}

function isWord(text: string, lengthMax: number): boolean {
  return text.length > 0 && text.length <= lengthMax;
}

function bad(message: string): StreamProblem {
  return {code: 'bad_message', message};
}
