/** The canonical workload in Muster's own forms: definitions, canonical records and client batches. */
import type {AudienceSpec} from '../engine/audiences/audience-spec.ts';
import {parseDefinition} from '../engine/definitions/parse-definition.ts';
import {mpidFrom, scopeOf} from '../engine/ids.ts';
import type {AttributeChange, EventRecord, ProfileRecord} from '../engine/record.ts';
import {
  ATTRIBUTES,
  type Literal,
  type Predicate,
  type WorkloadAudience,
} from './workload-audiences.ts';
import {eventName, type EventBlock, valueOf, type Workload, WORKLOAD_START_MS} from './workload.ts';

const DAY_MS = 86_400_000;
export const EVENT_RETENTION_MS = 30 * DAY_MS;
/** Nobody goes for want of activity: the population is the population. */
export const PROFILE_RETENTION_MS = 36_500 * DAY_MS;
const WORKSPACE = 1;
const INPUT = 1;

const LO_FACTOR = 0x9e3779b1;
/** LO_FACTOR × this ≡ 1 mod 2³². */
const LO_INVERSE = inverse(LO_FACTOR);

/** Scattered over 64 bits, as mpids are. */
export function mpidLoOf(profile: number): number {
  return Math.imul(profile, LO_FACTOR) >>> 0;
}

export function mpidHiOf(profile: number): number {
  return Math.imul(profile ^ 0x5bd1e995, 0x85ebca6b) | 0;
}

export function profileOf(mpidLo: number): number {
  return Math.imul(mpidLo, LO_INVERSE) >>> 0;
}

export function mpidOf(profile: number): bigint {
  return mpidFrom(mpidHiOf(profile), mpidLoOf(profile));
}

/** How windows are spelled; the live twin, for servers with a clock of their own, makes a day a second. */
export type Windows = (windowMs: number) => string;
export const inHours: Windows = windowMs => `${windowMs / 3_600_000}h`;
export const daysAsSeconds: Windows = windowMs => `${Math.max(1, Math.round(windowMs / DAY_MS))}s`;

export function definitionOf(
  audience: WorkloadAudience,
  predicates: readonly Predicate[],
  windows: Windows,
): object {
  const literal = ({predicate, negated}: Literal): object => {
    const criterion = criterionOf(predicates[predicate]!, windows);
    return negated ? {exclude: criterion} : criterion;
  };
  return {
    and: audience.clauses.map(clause =>
      clause.length === 1 ? literal(clause[0]!) : {or: clause.map(literal)},
    ),
  };
}

function criterionOf(predicate: Predicate, windows: Windows): object {
  if (predicate.kind === 'count') {
    return {
      kind: 'event',
      name: eventName(predicate.type),
      when: {within_last: windows(predicate.windowMs)},
      compare: {operator: 'greater_or_equal', value: predicate.atLeast},
    };
  }
  const {name} = ATTRIBUTES[predicate.attribute]!;
  const criterion = {kind: 'user_attribute', attribute: name};
  switch (predicate.kind) {
    case 'equals':
      return typeof predicate.value === 'boolean'
        ? {...criterion, operator: 'equals', value: predicate.value, type: 'boolean'}
        : {...criterion, operator: 'exact_match', value: predicate.value};
    case 'contains':
      return {...criterion, operator: 'contains', value: predicate.word};
    case 'range':
      // Whole numbers: below the end is at most the one before it.
      if (predicate.high === Infinity)
        return {...criterion, operator: 'greater_or_equal', value: predicate.low};
      if (predicate.low === -Infinity)
        return {...criterion, operator: 'less_than', value: predicate.high};
      return {...criterion, operator: 'between', value: [predicate.low, predicate.high - 1]};
  }
}

export function audienceSpecs(workload: Workload): AudienceSpec[] {
  return workload.audiences.map(audience => specOf(audience, workload));
}

export function specOf(audience: WorkloadAudience, workload: Workload): AudienceSpec {
  return specOfDefinition(audience.id, definitionOf(audience, workload.predicates, inHours));
}

export function specOfDefinition(id: number, definition: object): AudienceSpec {
  const parsed = parseDefinition(definition, {
    eventRetentionMs: EVENT_RETENTION_MS,
    workspaces: [WORKSPACE],
    inputs: undefined,
    hasAudience: () => false,
    hasInput: () => true,
    hasCalculatedAttribute: () => undefined,
    findCity: () => undefined,
  });
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return {
    id,
    version: 1,
    active: true,
    expression: parsed.expression,
    workspaces: [WORKSPACE],
    inputs: undefined,
    environment: 'production',
  };
}

/** A profile with all its attributes and no event, as of the start. */
export function populationRecord(workload: Workload, profile: number): ProfileRecord {
  const codes = new Int32Array(ATTRIBUTES.length);
  workload.profileCodes(profile, codes);
  const attributes = ATTRIBUTES.map(({name}, attribute): AttributeChange => ({
    name,
    value: valueOf(attribute, codes[attribute]!),
    timeMs: WORKLOAD_START_MS,
  }));
  return recordOf(profile, {timeMs: WORKLOAD_START_MS, events: [], attributes});
}

export function eventRecord(workload: Workload, block: EventBlock, index: number): ProfileRecord {
  const timeMs = workload.timeOf(block.first + index);
  const event: EventRecord = {
    kind: 'custom',
    name: eventName(block.type[index]!),
    type: 'other',
    timeMs,
    fields: EVENT_FIELDS,
    items: [],
  };
  const attribute = block.attribute[index]!;
  const attributes: AttributeChange[] = [];
  if (attribute >= 0) {
    const value = valueOf(attribute, block.code[index]!);
    attributes.push({name: ATTRIBUTES[attribute]!.name, value, timeMs});
  }
  return recordOf(block.profile[index]!, {timeMs, events: [event], attributes});
}

const EVENT_FIELDS = ['source', 'bench', 'position', 3, '$app_version', '4.12.0'];

function recordOf(
  profile: number,
  {
    timeMs,
    events,
    attributes,
  }: {timeMs: number; events: EventRecord[]; attributes: AttributeChange[]},
): ProfileRecord {
  return {
    mpidHi: mpidHiOf(profile),
    mpidLo: mpidLoOf(profile),
    scope: scopeOf(WORKSPACE, 'production'),
    inputId: INPUT,
    arrivalMs: timeMs,
    batchMs: timeMs,
    events,
    attributes,
    identities: [],
    consent: [],
    device: [],
    location: undefined,
    seen: [],
    extra: '',
  };
}

/** The client batch that creates a profile. */
export function populationBatch(workload: Workload, profile: number): object {
  const {attributes} = populationRecord(workload, profile);
  return {
    mpid: String(mpidOf(profile)),
    environment: 'production',
    user_attributes: Object.fromEntries(attributes.map(({name, value}) => [name, value])),
  };
}

/** The client batch of one event. Without a time: it happens when it arrives. */
export function eventBatch(workload: Workload, block: EventBlock, index: number): object {
  const {events, attributes} = eventRecord(workload, block, index);
  return {
    mpid: String(mpidOf(block.profile[index]!)),
    environment: 'production',
    application_info: {application_version: '4.12.0'},
    ...(attributes.length === 0
      ? {}
      : {user_attributes: Object.fromEntries(attributes.map(({name, value}) => [name, value]))}),
    events: events.map(({name}) => ({
      event_type: 'custom_event',
      data: {
        event_name: name,
        custom_event_type: 'other',
        custom_attributes: {source: 'bench', position: 3},
      },
    })),
  };
}

/** By Newton's iteration: each step doubles the bits that are right. */
function inverse(odd: number): number {
  let result = odd;
  for (let step = 0; step < 5; step++) {
    result = Math.imul(result, 2 - Math.imul(odd, result));
  }
  return result;
}
