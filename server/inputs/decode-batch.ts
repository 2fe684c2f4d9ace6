/**
 * One raw batch of the Events API v2 to its canonical parts, or everything that is wrong with it. Lenient:
 * `null` is absent, unknown fields are kept as text, numbers and text stand in for one another.
 *
 * Not decided here, because it takes state: the profile when `mpid` is absent, which events were seen
 * before, the numbers of the identity claims, and a location by `ip`.
 */
import type {Environment, Mpid} from '../../engine/ids.ts';
import type {
  AttributeChange,
  ConsentChange,
  EventRecord,
  Fields,
  LocationFix,
} from '../../engine/record.ts';
import {readConsent} from './decode-consent.ts';
import {readDevice} from './decode-device.ts';
import {EventReader, type DecodedEvent} from './decode-events.ts';
import {withMember, withObject} from './decode-extra.ts';
import {Faults, type Problem} from './decode-faults.ts';
import {readClaim, readUserIdentities, type IdentityClaim} from './decode-identities.ts';
import {ATTRIBUTES_MAX, EVENTS_MAX} from './decode-limits.ts';
import {hasMoreThanLocation, readLocation} from './decode-location.ts';
import {
  isRawObject,
  readList,
  readObject,
  readText,
  readTimeMs,
  readValue,
} from './decode-values.ts';

export interface DecodedBatch {
  readonly environment: Environment;
  /** undefined: to be found by the identities. */
  readonly mpid: Mpid | undefined;
  /** source_request_id; '' when it has none. */
  readonly requestId: string;
  readonly ip: string | undefined;
  readonly arrivalMs: number;
  /** The batch's timestamp, else arrival; never later than arrival. */
  readonly batchMs: number;
  /** In the order sent, each with all that goes when it was seen before. */
  readonly events: readonly DecodedEvent[];
  /** Of the batch itself, all at `batchMs`; deletions last, so of equal names they win. */
  readonly attributes: readonly AttributeChange[];
  /** Of the batch itself; a type may occur twice, and the later one counts. */
  readonly identities: readonly IdentityClaim[];
  readonly consent: readonly ConsentChange[];
  readonly device: Fields;
  /** context.location, else the newest of an event. */
  readonly location: LocationFix | undefined;
  readonly extra: string;
}

export interface DecodeContext {
  readonly arrivalMs: number;
  /** Stands before every path of a problem; '' for a batch alone. */
  readonly path: string;
}

export type DecodeResult = {readonly batch: DecodedBatch} | {readonly problems: readonly Problem[]};

/** Hot: `raw` is what parseJson or parseMsgpack returned, and is not kept. Never throws. */
export function decodeBatch(raw: unknown, context: DecodeContext): DecodeResult {
  const faults = new Faults(context.path);
  if (!isRawObject(raw)) {
    faults.add('', 'The batch is not an object.');
    return {problems: faults.take()};
  }
  let events: unknown;
  let environment: unknown;
  let mpid: unknown;
  let requestId: unknown;
  let deviceId: unknown;
  let userIdentities: unknown;
  let userAttributes: unknown;
  let deletedAttributes: unknown;
  let deviceInfo: unknown;
  let applicationInfo: unknown;
  let consentState: unknown;
  let batchContext: unknown;
  let ip: unknown;
  let timestamp: unknown;
  let extra = '';
  for (const key in raw) {
    const value = raw[key];
    switch (key) {
      case 'events':
        events = value;
        break;
      case 'environment':
        environment = value;
        break;
      case 'mpid':
        mpid = value;
        break;
      case 'source_request_id':
        requestId = value;
        break;
      case 'mp_deviceid':
        deviceId = value;
        break;
      case 'user_identities':
        userIdentities = value;
        break;
      case 'user_attributes':
        userAttributes = value;
        break;
      case 'deleted_user_attributes':
        deletedAttributes = value;
        break;
      case 'device_info':
        deviceInfo = value;
        break;
      case 'application_info':
        applicationInfo = value;
        break;
      case 'consent_state':
        consentState = value;
        break;
      case 'context':
        batchContext = value;
        break;
      case 'ip':
        ip = value;
        break;
      case 'timestamp_unixtime_ms':
        timestamp = value;
        break;
      default:
        extra = withMember(extra, key, value, '', faults);
    }
  }

  const arrivalMs = context.arrivalMs;
  const sentMs = readTimeMs(timestamp, 'timestamp_unixtime_ms', faults) ?? arrivalMs;
  const batchMs = Math.min(sentMs, arrivalMs);

  const identities: IdentityClaim[] = [];
  extra = withObject(
    extra,
    'user_identities',
    readUserIdentities(userIdentities, identities, faults),
  );
  readClaim('mp_deviceid', deviceId, '', 'mp_deviceid', identities, faults);
  const device = readDevice(deviceInfo, applicationInfo, identities, faults);
  extra = withObject(extra, 'device_info', device.deviceExtra);
  extra = withObject(extra, 'application_info', device.applicationExtra);

  const attributes: AttributeChange[] = [];
  readUserAttributes(userAttributes, batchMs, attributes, faults);
  readDeletedAttributes(deletedAttributes, batchMs, attributes, faults);

  const consent: ConsentChange[] = [];
  if (readConsent(consentState, {batchMs, arrivalMs}, consent, faults)) {
    extra = withMember(extra, 'consent_state', consentState, '', faults);
  }

  let location: LocationFix | undefined;
  const contextObject = readObject(batchContext, 'context', faults);
  if (contextObject !== undefined) {
    location = readLocation(contextObject.location, batchMs, 'context.location', faults);
    let inner = '';
    for (const key in contextObject) {
      const value = contextObject[key];
      if (key !== 'location' || hasMoreThanLocation(value)) {
        inner = withMember(inner, key, value, 'context', faults);
      }
    }
    extra = withObject(extra, 'context', inner);
  }

  const reader = new EventReader({eventMs: sentMs, arrivalMs, fields: device.eventFields}, faults);
  const decodedEvents: DecodedEvent[] = [];
  const rawEvents = readList(events, 'events', EVENTS_MAX, faults) ?? [];
  for (let index = 0; index < rawEvents.length; index++) {
    const rawEvent = rawEvents[index];
    if (rawEvent === null) continue;
    const event = reader.read(rawEvent, index);
    if (event !== undefined) decodedEvents.push(event);
  }
  faults.enterEvent(-1);
  extra = withObject(extra, 'events', reader.extra);

  const batch: DecodedBatch = {
    environment: readEnvironment(environment, faults),
    mpid: readMpid(mpid, faults),
    requestId: readText(requestId, 'source_request_id', faults),
    ip: readText(ip, 'ip', faults) || undefined,
    arrivalMs,
    batchMs,
    events: decodedEvents,
    attributes,
    identities,
    consent,
    device: device.fields,
    location: location ?? reader.location,
    extra: extra === '' ? '' : `{${extra}}`,
  };
  return faults.any ? {problems: faults.take()} : {batch};
}

export interface KeptParts {
  readonly events: readonly EventRecord[];
  readonly attributes: readonly AttributeChange[];
  readonly identities: readonly IdentityClaim[];
}

/**
 * The lists of a ProfileRecord without the events at `dropped` (positions in `batch.events`). What an event
 * changed comes before what the batch says, which is how things stood when it was sent: of equal times the
 * later in the list counts.
 */
export function keptParts(batch: DecodedBatch, dropped: ReadonlySet<number>): KeptParts {
  const events: EventRecord[] = [];
  let attributes: AttributeChange[] | undefined;
  let identities: IdentityClaim[] | undefined;
  for (let index = 0; index < batch.events.length; index++) {
    if (dropped.size > 0 && dropped.has(index)) continue;
    const event = batch.events[index]!;
    for (const record of event.records) events.push(record);
    if (event.attributes.length > 0) (attributes ??= []).push(...event.attributes);
    if (event.identities.length > 0) (identities ??= []).push(...event.identities);
  }
  return {
    events,
    attributes: attributes === undefined ? batch.attributes : attributes.concat(batch.attributes),
    identities: identities === undefined ? batch.identities : identities.concat(batch.identities),
  };
}

function readUserAttributes(
  raw: unknown,
  timeMs: number,
  into: AttributeChange[],
  faults: Faults,
): void {
  const attributes = readObject(raw, 'user_attributes', faults);
  for (const name in attributes) {
    const value = readValue(attributes[name], 'user_attributes', name, faults);
    if (value !== undefined) into.push({name, value, timeMs});
  }
  if (into.length > ATTRIBUTES_MAX) {
    faults.add(
      'user_attributes',
      `has ${into.length} attributes, and ${ATTRIBUTES_MAX} is the limit.`,
    );
  }
}

function readDeletedAttributes(
  raw: unknown,
  timeMs: number,
  into: AttributeChange[],
  faults: Faults,
): void {
  const names = readList(raw, 'deleted_user_attributes', ATTRIBUTES_MAX, faults) ?? [];
  for (let index = 0; index < names.length; index++) {
    if (names[index] === null) continue;
    const name = readText(names[index], `deleted_user_attributes[${index}]`, faults);
    into.push({name, value: undefined, timeMs});
  }
}

/** 'unknown' is a value of the published models, and means the default. */
function readEnvironment(raw: unknown, faults: Faults): Environment {
  switch (typeof raw === 'string' ? raw.toLowerCase() : raw) {
    case undefined:
    case null:
    case '':
    case 'production':
    case 'unknown':
      return 'production';
    case 'development':
      return 'development';
    default:
      faults.add('environment', 'is neither "production" nor "development".');
      return 'production';
  }
}

function readMpid(raw: unknown, faults: Faults): Mpid | undefined {
  if (raw === undefined || raw === null || raw === '') return undefined;
  let mpid: bigint | undefined;
  if (typeof raw === 'bigint') mpid = raw;
  else if (typeof raw === 'string') mpid = /^-?[0-9]{1,20}$/.test(raw) ? BigInt(raw) : undefined;
  else if (typeof raw === 'number' && Number.isSafeInteger(raw)) mpid = BigInt(raw);
  if (mpid !== undefined && BigInt.asIntN(64, mpid) === mpid) return mpid;
  faults.add('mpid', 'is not a signed 64-bit integer.');
  return undefined;
}
