/**
 * What the contract says of one profile at any moment, past or to come, by the times at which events
 * happened and things were said: the oracle asked anew, with what was there then. A second opinion for
 * explanations.
 */
import {scopeOf} from '../../engine/ids.ts';
import type {ProfileRecord} from '../../engine/record.ts';
import {findCity} from './arbitraries-world.ts';
import {numberIn, objectIn, objectsIn} from './oracle-json.ts';
import type {Json, JsonObject} from './oracle-json.ts';
import {momentsBetween} from './oracle-moments.ts';
import type {Retentions} from './oracle-moments.ts';
import {isLoss} from './oracle-users.ts';
import {nestedIn, Oracle} from './oracle.ts';
import type {OracleAudience} from './oracle.ts';

/** They ask for all that was heard of a profile, not for events that the retention still keeps. */
const OF_FACTS = new Set<unknown>(['first_seen', 'last_seen', 'attribution']);

export class OraclePast {
  readonly #oracle: Oracle;
  readonly #retentions: Retentions;
  readonly #mpid: string;
  readonly #nowMs: number;
  readonly #records: readonly ProfileRecord[];
  readonly #then = new Map<string, Oracle>();

  /** Of the moments before now, what was said since is taken away. */
  constructor(oracle: Oracle, retentions: Retentions, mpid: string, nowMs: number) {
    this.#oracle = oracle;
    this.#retentions = retentions;
    this.#mpid = mpid;
    this.#nowMs = nowMs;
    this.#records = oracle.records(mpid);
  }

  /** When the profile was first heard of. */
  get bornMs(): number {
    const heard = this.#records.filter(record => !isLoss(record)).map(heardMs);
    return Math.min(...heard);
  }

  /** Every moment at which something may change. */
  moments(audience: OracleAudience, span: {fromMs: number; toMs: number}): number[] {
    const definitions = [
      ...this.#reached(audience).map(({definition}) => definition),
      ...this.#oracle.calculatedAttributes().map(({event, when = {}}) => [event, when]),
    ];
    return momentsBetween({...this.#retentions, ...span, records: this.#records, definitions});
  }

  isMember(audience: OracleAudience, atMs: number): boolean {
    const scopes = audience.workspaces.map(each => scopeOf(each, audience.environment));
    const known = this.#records.some(
      record => scopes.includes(record.scope) && heardMs(record) <= atMs,
    );
    return known && this.holdsFor(audience, objectIn(audience.definition, 'definition'), atMs);
  }

  /** A part of the audience's definition. */
  holdsFor(audience: OracleAudience, expression: JsonObject, atMs: number): boolean {
    const holds = (each: JsonObject): boolean => this.holdsFor(audience, each, atMs);
    if (expression['and'] !== undefined) return objectsIn(expression['and'], 'and').every(holds);
    if (expression['or'] !== undefined) return objectsIn(expression['or'], 'or').some(holds);
    if (expression['exclude'] !== undefined) {
      return !holds(objectIn(expression['exclude'], 'exclude'));
    }
    if (expression['kind'] === 'audience') {
      const id = numberIn(expression['audience'], 'audience');
      return this.isMember(this.audience(id), atMs) === (expression['operator'] === 'member');
    }
    const then = this.#oracleOf(atMs, OF_FACTS.has(expression['kind']));
    const asker = {...audience, inputs: audience.inputs};
    return then.criterionHolds(expression as Json, asker, this.#mpid, atMs);
  }

  audience(id: number): OracleAudience {
    const audience = this.#oracle.audiences().find(each => each.id === id);
    if (audience === undefined) throw new Error(`no audience ${id}`);
    return audience;
  }

  #reached(audience: OracleAudience): OracleAudience[] {
    const nested = nestedIn(audience.definition).map(id => this.audience(id));
    return [audience, ...nested.flatMap(each => this.#reached(each))];
  }

  /** What a batch that came later said of earlier times counts from then, if the workspace knew of the profile. */
  #asOf(record: ProfileRecord, atMs: number): ProfileRecord | undefined {
    const hasCome = record.arrivalMs <= atMs;
    const ofScope = this.#records.filter(({scope}) => scope === record.scope);
    const knownMs = Math.min(...ofScope.map(heardMs));
    if (!hasCome && (isLoss(record) || knownMs > atMs)) return undefined;
    const {location} = record;
    return {
      ...record,
      arrivalMs: hasCome ? record.arrivalMs : knownMs,
      events: record.events.filter(({timeMs}) => timeMs <= atMs),
      attributes: record.attributes.filter(({timeMs}) => timeMs <= atMs),
      consent: record.consent.filter(({timeMs}) => timeMs <= atMs),
      identities: hasCome ? record.identities : [],
      device: record.batchMs <= atMs ? record.device : [],
      location: location !== undefined && location.timeMs <= atMs ? location : undefined,
    };
  }

  #oracleOf(atMs: number, ofFacts: boolean): Oracle {
    const key = `${atMs} ${ofFacts}`;
    let then = this.#then.get(key);
    if (then === undefined) {
      const {eventRetentionMs} = this.#retentions;
      then = new Oracle({eventRetentionMs, profileRetentionMs: Infinity, findCity});
      for (const audience of this.#oracle.audiences()) then.setAudience(audience);
      for (const attribute of this.#oracle.calculatedAttributes()) then.setCalculated(attribute);
      for (const record of this.#records) {
        const counting = ofFacts ? record : withoutStale(record, eventRetentionMs);
        const known = atMs >= this.#nowMs ? counting : this.#asOf(counting, atMs);
        if (known !== undefined) then.apply(known, atMs);
      }
      this.#then.set(key, then);
    }
    return then;
  }
}

/** An event counts from its time, even if it was told later. */
function heardMs({arrivalMs, events}: ProfileRecord): number {
  return Math.min(arrivalMs, ...events.map(({timeMs}) => timeMs));
}

/** What was too old when it came never counted. */
function withoutStale(record: ProfileRecord, eventRetentionMs: number): ProfileRecord {
  const isStale = (timeMs: number): boolean => timeMs < record.arrivalMs - eventRetentionMs;
  const events = record.events.map(event =>
    isStale(event.timeMs) ? {...event, kind: 'other' as const, name: '', type: ''} : event,
  );
  return {...record, events};
}
