/**
 * The examples of docs/criteria.md, run. A story tells who did what when, and who is a member then:
 *
 *     0s                ada: event "View" {"color": "blue"}
 *     1d                bob (input 2, at 2h): event "View"
 *     7d                members: ada
 *     7d + 1ms          members: nobody
 *
 * Moments are counted from the start of the story, or are instants (`2018-09-09 13:00`). `at` is when an
 * event happened, where that is not when it arrived. What somebody does is written as a batch of the
 * Events API and goes through the decoder of the server.
 */
import {mpidHi, mpidLo, scopeOf} from '../../engine/ids.ts';
import type {ProfileRecord} from '../../engine/record.ts';
import {durationMs} from '../../engine/values/duration.ts';
import {decodeBatch, keptParts} from '../../server/inputs/decode-batch.ts';
import {Stage, type StageAudience} from '../support/stage.ts';

export const START_MS = Date.parse('2026-03-10T12:00:00.000Z');

/** What a line said that did not come true. */
export interface Untrue {
  readonly line: string;
  readonly found: string;
}

export function tellStory(audiences: readonly StageAudience[], text: string): Untrue[] {
  const lines = text.split('\n').filter(line => line.trim() !== '');
  const options = lines[0]!.startsWith('retention') ? retentionsOf(lines.shift()!) : {};
  const startMs = Math.min(START_MS, ...lines.map(line => momentOf(timeOf(line), START_MS)));
  const stage = new Stage({startMs, ...options});
  const told = new Telling(stage, startMs);
  // A second definition of an audience is saved by a line of the story.
  const first = audiences.filter(
    (each, at) => audiences.findIndex(({id}) => id === each.id) === at,
  );
  const later = audiences.filter(each => !first.includes(each));
  stage.define(...first);
  const untrue: Untrue[] = [];
  for (const line of lines) {
    const found = told.tell(line, later);
    if (found !== undefined) untrue.push({line, found});
  }
  return untrue;
}

const LINE = /^\s*(.+?)\s{2,}(\S.*)$/;

function timeOf(line: string): string {
  const [, time] = LINE.exec(line) ?? [];
  if (time === undefined)
    throw new Error(`a story line needs a time, two spaces and the rest: ${line}`);
  return time;
}

class Telling {
  readonly #stage: Stage;
  readonly #startMs: number;
  readonly #names = new Map<string, bigint>();
  #sequence = 0;

  constructor(stage: Stage, startMs: number) {
    this.#stage = stage;
    this.#startMs = startMs;
  }

  /** What is so instead of what the line says. */
  tell(line: string, later: readonly StageAudience[]): string | undefined {
    const [, time = '', rest = ''] = LINE.exec(line) ?? [];
    const nowMs = momentOf(time, this.#startMs);
    if (nowMs < this.#stage.shard.nowMs) throw new Error(`a story does not go back: ${line}`);
    const saved = /^audience (\d+) is saved$/.exec(rest);
    const members = /^members(?: of (\d+))?: (.+)$/.exec(rest);
    const deed = /^(\w+)(?: \(([^)]*)\))?: (.+)$/.exec(rest);
    if (saved !== null) {
      this.#stage.advance(nowMs);
      this.#stage.define(later.find(({id}) => id === Number(saved[1]))!);
    } else if (members !== null) {
      this.#stage.advance(nowMs);
      const expected = members[2] === 'nobody' ? [] : members[2]!.split(', ');
      const found = this.#stage.members(Number(members[1] ?? 1)).map(mpid => this.#nameOf(mpid));
      if (found.sort().join() !== expected.sort().join()) return found.join(', ') || 'nobody';
    } else if (deed !== null) {
      const [, name = '', circumstances = '', what = ''] = deed;
      this.#stage.send(this.#recordOf(name, what, {nowMs, circumstances}));
    } else throw new Error(`not a line of a story: ${line}`);
    return undefined;
  }

  #recordOf(
    name: string,
    what: string,
    {nowMs, circumstances}: {nowMs: number; circumstances: string},
  ): ProfileRecord {
    const mpid = this.#names.get(name) ?? BigInt(this.#names.size + 1);
    this.#names.set(name, mpid);
    const said = circumstancesOf(circumstances);
    const happenedMs = said.at === undefined ? nowMs : momentOf(said.at, this.#startMs);
    const raw = {environment: said.environment, ...batchOf(what, happenedMs)};
    const result = decodeBatch(raw, {arrivalMs: nowMs, path: ''});
    if ('problems' in result) throw new Error(`${what}: ${JSON.stringify(result.problems)}`);
    const {batch} = result;
    const {events, attributes, identities} = keptParts(batch, new Set());
    return {
      mpidHi: mpidHi(mpid),
      mpidLo: mpidLo(mpid),
      scope: scopeOf(said.workspace, batch.environment),
      inputId: said.input,
      arrivalMs: nowMs,
      batchMs: batch.batchMs,
      events,
      attributes,
      identities: identities.map(claim => ({...claim, sequence: ++this.#sequence})),
      consent: batch.consent,
      device: batch.device,
      location: batch.location,
      seen: [],
      extra: batch.extra,
    };
  }

  #nameOf(mpid: string): string {
    return [...this.#names].find(([, each]) => String(each) === mpid)?.[0] ?? mpid;
  }
}

function circumstancesOf(text: string): {
  workspace: number;
  input: number;
  environment: string;
  at: string | undefined;
} {
  const said = {
    workspace: 1,
    input: 1,
    environment: 'production',
    at: undefined as string | undefined,
  };
  for (const each of text.split(', ').filter(part => part !== '')) {
    const [, word, value = ''] = /^(\w+) ?(.*)$/.exec(each)!;
    if (word === 'workspace') said.workspace = Number(value);
    else if (word === 'input') said.input = Number(value);
    else if (word === 'development') said.environment = 'development';
    else if (word === 'at') said.at = value;
    else throw new Error(`unknown circumstance: ${each}`);
  }
  return said;
}

/** What somebody did, as the body of a request. */
function batchOf(what: string, timestamp_unixtime_ms: number): object {
  const [, verb = '', name, json] =
    /^(\w+)(?: ("[^"]*"|\w+))?(?: (\{.*\}|\[.*\]))?$/.exec(what) ?? [];
  const given = json === undefined ? undefined : (JSON.parse(json) as object);
  const word = name?.replaceAll('"', '');
  const event = (event_type: string, data: object): object => ({
    events: [{event_type, data: {...data, timestamp_unixtime_ms}}],
  });
  const custom_attributes = given;
  switch (verb) {
    case 'event':
      return event('custom_event', {event_name: word, ...typed(given)});
    case 'attribution':
      return event('custom_event', {
        event_name: word,
        custom_event_type: 'attribution',
        custom_attributes,
      });
    case 'commerce':
      return event('commerce_event', {
        ...outsideAction(given),
        product_action: {action: word, ...given},
      });
    case 'promotion':
      return event('commerce_event', {promotion_action: {action: word, promotions: given}});
    case 'impression':
      return event('commerce_event', {product_impressions: [given]});
    case 'screen':
      return event('screen_view', {screen_name: word, custom_attributes});
    case 'session':
      return event(word === 'end' ? 'session_end' : 'session_start', {...given});
    case 'crash':
      return event('crash_report', {...given});
    case 'install':
      return event('first_run', {custom_attributes});
    case 'uninstall':
      return event('uninstall', {custom_attributes});
    case 'upgrade':
      return event('application_state_transition', {is_upgrade: true, custom_attributes});
    case 'attributes':
      return {timestamp_unixtime_ms, user_attributes: given};
    case 'removes':
      return {timestamp_unixtime_ms, deleted_user_attributes: given};
    case 'identities':
      return {timestamp_unixtime_ms, user_identities: given};
    case 'consent':
      return {timestamp_unixtime_ms, consent_state: given};
    case 'device':
      return {timestamp_unixtime_ms, device_info: given};
    case 'application':
      return {timestamp_unixtime_ms, application_info: given};
    case 'location':
      return {timestamp_unixtime_ms, context: {location: given}};
    case 'batch':
      return {timestamp_unixtime_ms, ...given};
    case 'arrives':
      return {timestamp_unixtime_ms};
    default:
      throw new Error(`nobody can do this in a story: ${what}`);
  }
}

/** `type` is the type of the event, all else are its attributes. */
function typed(given: object | undefined): object {
  const {type, ...custom_attributes} = {...given} as {type?: string};
  return {custom_attributes, ...(type === undefined ? {} : {custom_event_type: type})};
}

/** What belongs beside the product action. */
function outsideAction(given: object | undefined): object {
  const {currency_code, custom_attributes} = {...given} as {[field: string]: unknown};
  return {currency_code, custom_attributes};
}

/** `7d`, `7d + 1ms`, `7d - 1ms` after the start, or an instant. */
export function momentOf(text: string, startMs: number): number {
  if (/^\d{4}-/.test(text)) return instantOf(text);
  const [first = '', ...others] = text.split(/\s*(?=[+-])/);
  const parts = others.map(
    part => (part.startsWith('-') ? -1 : 1) * lengthMs(part.slice(1).trim()),
  );
  return parts.reduce((sum, part) => sum + part, startMs + lengthMs(first.trim()));
}

export function instantOf(text: string): number {
  const iso = text.includes(' ') ? `${text.replace(' ', 'T')}Z` : `${text}T00:00Z`;
  const instant = Date.parse(iso);
  if (Number.isNaN(instant)) throw new Error(`not an instant: ${text}`);
  return instant;
}

function lengthMs(text: string): number {
  const milliseconds = /^(\d+)ms$/.exec(text)?.[1];
  const ms = milliseconds === undefined ? durationMs(text) : Number(milliseconds);
  if (ms === undefined) throw new Error(`not a duration: ${text}`);
  return ms;
}

function retentionsOf(line: string): {eventRetentionMs?: number; profileRetentionMs?: number} {
  const [, events, profiles] =
    /^retention: events (\w+)(?:, profiles (\w+))?$/.exec(line.trim()) ?? [];
  if (events === undefined) throw new Error(`not a retention: ${line}`);
  const eventRetentionMs = lengthMs(events);
  return profiles === undefined
    ? {eventRetentionMs}
    : {eventRetentionMs, profileRetentionMs: lengthMs(profiles)};
}
