/** Records and events for hand-worked cases: only what the case is about has to be said. */
import {mpidHi, mpidLo, scopeOf} from '../../engine/ids.ts';
import type {Environment} from '../../engine/ids.ts';
import type {EventRecord, Fields, ProfileRecord, Value} from '../../engine/record.ts';

export type Attributes = {readonly [name: string]: Value};

export function fields(attributes: Attributes): Fields {
  return Object.entries(attributes).flat();
}

export interface RecordParts extends Partial<
  Omit<ProfileRecord, 'mpidHi' | 'mpidLo' | 'scope' | 'attributes'>
> {
  readonly mpid?: bigint;
  readonly workspace?: number;
  readonly environment?: Environment;
  /** User attributes, changed at the batch's time; undefined removes. */
  readonly attributes?: {readonly [name: string]: Value | undefined};
}

/** A batch of profile 1 in workspace 1, production, input 1, that arrives at `arrivalMs`. */
export function record(arrivalMs: number, parts: RecordParts = {}): ProfileRecord {
  const {mpid = 1n, workspace = 1, environment = 'production', attributes = {}, ...rest} = parts;
  const batchMs = rest.batchMs ?? arrivalMs;
  return {
    mpidHi: mpidHi(mpid),
    mpidLo: mpidLo(mpid),
    scope: scopeOf(workspace, environment),
    inputId: 1,
    arrivalMs,
    events: [],
    identities: [],
    consent: [],
    device: [],
    location: undefined,
    seen: [],
    extra: '',
    ...rest,
    batchMs,
    attributes: Object.entries(attributes).map(([name, value]) => ({name, value, timeMs: batchMs})),
  };
}

export function custom(timeMs: number, name: string, attributes: Attributes = {}): EventRecord {
  return {kind: 'custom', name, type: 'other', timeMs, fields: fields(attributes), items: []};
}

export function commerce(
  timeMs: number,
  name: string,
  products: readonly Attributes[] = [],
): EventRecord {
  return {kind: 'commerce', name, type: '', timeMs, fields: [], items: products.map(fields)};
}

export function plain(
  timeMs: number,
  kind: EventRecord['kind'],
  attributes: Attributes = {},
): EventRecord {
  return {kind, name: '', type: '', timeMs, fields: fields(attributes), items: []};
}
