/**
 * The contract, read as simply as it can be read: who is a member is worked out anew from every record
 * of a profile, at the moment asked for. A second opinion for everything that is incremental, so it shares
 * no code with the engine. Slow on purpose.
 *
 * Time comes before data: a record applied at `nowMs` meets a state in which all that time does up to and
 * including `nowMs` is done. So a profile whose last moment has passed is gone before the record arrives.
 */
import {mpidFrom, scopeOf, workspaceOf} from '../../engine/ids.ts';
import type {Environment} from '../../engine/ids.ts';
import type {ProfileRecord, Value} from '../../engine/record.ts';
import {calculate} from './oracle-calculated.ts';
import type {OracleCalculated} from './oracle-calculated.ts';
import {cartAbandonmentHolds, eventCriterionHolds, sequenceHolds} from './oracle-events.ts';
import type {Asker, Sight} from './oracle-events.ts';
import {isList, isObject, objectIn, objectsIn} from './oracle-json.ts';
import type {Json, JsonObject} from './oracle-json.ts';
import {momentsBetween} from './oracle-moments.ts';
import type {Retentions} from './oracle-moments.ts';
import {isLoss, userCriterionHolds} from './oracle-users.ts';
import type {References} from './oracle-users.ts';

export interface OracleAudience {
  readonly id: number;
  readonly workspaces: readonly number[];
  /** undefined: every input of the workspaces. */
  readonly inputs?: readonly number[] | undefined;
  readonly environment: Environment;
  /** Contract JSON. */
  readonly definition: Json;
  /** Drafts and inactive audiences can be nested all the same, and asked for their members. */
  readonly active: boolean;
}

export interface OracleOptions extends Retentions, References {}

export interface Flip {
  readonly atMs: number;
  readonly member: boolean;
}

interface Profile {
  /** In the order in which they were applied. */
  readonly records: ProfileRecord[];
  /** When the last of them was applied. */
  appliedMs: number;
}

export class Oracle {
  readonly #options: OracleOptions;
  readonly #profiles = new Map<string, Profile>();
  readonly #audiences = new Map<number, OracleAudience>();
  readonly #calculated = new Map<string, OracleCalculated>();
  #nowMs = -Infinity;

  /** Calculated attributes are those set here, unless `options` knows others. */
  constructor(options: OracleOptions) {
    const own: References = {
      calculate: (name, scope, sight) => {
        const attribute = this.#attribute(name, scope);
        return attribute && calculate(attribute, scope, sight);
      },
      isCalculated: (name, scope) => this.#attribute(name, scope) !== undefined,
    };
    this.#options = options.calculate === undefined ? {...own, ...options} : options;
  }

  /** Records come in the order in which the engine applied them, `nowMs` never going back. */
  apply(record: ProfileRecord, nowMs: number): void {
    this.#reach(nowMs);
    const mpid = mpidFrom(record.mpidHi, record.mpidLo).toString();
    const known = this.#profiles.get(mpid);
    const records = known !== undefined && this.#isAlive(known, nowMs) ? known.records : [];
    // A loss is about nobody when there is nobody.
    if (isLoss(record) && records.length === 0) return;
    this.#profiles.set(mpid, {records: [...records, record], appliedMs: nowMs});
  }

  erase(mpidHi: number, mpidLo: number, nowMs: number): void {
    this.#reach(nowMs);
    this.#profiles.delete(mpidFrom(mpidHi, mpidLo).toString());
  }

  setAudience(audience: OracleAudience): void {
    this.#audiences.set(audience.id, audience);
  }

  removeAudience(id: number): void {
    this.#audiences.delete(id);
  }

  /** A new one, or a new meaning of one. */
  setCalculated(attribute: OracleCalculated): void {
    this.#calculated.set(`${attribute.workspace} ${attribute.name}`, attribute);
  }

  calculatedAttributes(): readonly OracleCalculated[] {
    return [...this.#calculated.values()];
  }

  /** Of the profile's present life, in the order in which they were applied. */
  records(mpid: string): readonly ProfileRecord[] {
    return this.#profiles.get(mpid)?.records ?? [];
  }

  /** In a scope that knows the profile; undefined: it has no value. */
  calculated(name: string, scope: number, mpid: string, nowMs: number): Value | undefined {
    const sight = this.#sight(mpid, nowMs);
    return sight && this.#options.calculate?.(name, scope, sight);
  }

  /** The time of the latest step; nothing earlier can be asked. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Time passes and nothing comes. */
  advance(nowMs: number): void {
    this.#reach(nowMs);
  }

  audiences(): readonly OracleAudience[] {
    return [...this.#audiences.values()];
  }

  /** Decimal mpids of the profiles that exist at `nowMs`, which is not before the last record. */
  profiles(nowMs: number): string[] {
    return [...this.#profiles.keys()].filter(mpid => this.#sight(mpid, nowMs) !== undefined);
  }

  members(audienceId: number, nowMs: number): Set<string> {
    return new Set(this.profiles(nowMs).filter(mpid => this.holds(audienceId, mpid, nowMs)));
  }

  /** Membership: in the population, and the expression holds. */
  holds(audienceId: number, mpid: string, nowMs: number): boolean {
    const sight = this.#sight(mpid, nowMs);
    return sight !== undefined && this.#isMember(this.#audience(audienceId), sight);
  }

  /** One criterion of an audience, for a profile of whatever population. */
  criterionHolds(criterion: Json, asker: Asker, mpid: string, nowMs: number): boolean {
    const sight = this.#sight(mpid, nowMs);
    return sight !== undefined && this.#expressionHolds(objectIn(criterion, 'it'), asker, sight);
  }

  /** Changes by time alone after `fromMs` until `toMs`; not before the last record. */
  flips(audienceId: number, mpid: string, span: {fromMs: number; toMs: number}): Flip[] {
    const records = this.#profiles.get(mpid)?.records ?? [];
    const definitions = [
      ...this.#reached(audienceId).map(audience => audience.definition),
      ...this.#calculatedJson(),
    ];
    let member = this.holds(audienceId, mpid, span.fromMs);
    const found: Flip[] = [];
    for (const atMs of momentsBetween({...this.#options, ...span, records, definitions})) {
      const now = this.holds(audienceId, mpid, atMs);
      if (now !== member) found.push({atMs, member: now});
      member = now;
    }
    return found;
  }

  /** The audience and all that it nests. */
  #reached(id: number): OracleAudience[] {
    const audience = this.#audience(id);
    return [audience, ...nestedIn(audience.definition).flatMap(each => this.#reached(each))];
  }

  #attribute(name: string, scope: number): OracleCalculated | undefined {
    return this.#calculated.get(`${workspaceOf(scope)} ${name}`);
  }

  #calculatedJson(): Json[] {
    return this.calculatedAttributes().map(({event, when = {}}) => [event, when]);
  }

  #reach(nowMs: number): void {
    if (nowMs < this.#nowMs) throw new Error(`time goes back from ${this.#nowMs} to ${nowMs}`);
    this.#nowMs = nowMs;
  }

  #audience(id: number): OracleAudience {
    const audience = this.#audiences.get(id);
    if (audience === undefined) throw new Error(`no audience ${id}`);
    return audience;
  }

  /** undefined: there is no such profile at that moment. */
  #sight(mpid: string, nowMs: number): Sight | undefined {
    const profile = this.#profiles.get(mpid);
    if (profile === undefined || !this.#isAlive(profile, nowMs)) return undefined;
    const {eventRetentionMs} = this.#options;
    return {nowMs, eventRetentionMs, records: profile.records};
  }

  /**
   * Activity is the arrival of a batch, or an event whose time the clock reaches. Between one and the
   * next at most the profile retention may pass; an event that is reached in the very millisecond in
   * which the profile would go keeps it.
   */
  #isAlive(profile: Profile, nowMs: number): boolean {
    if (nowMs < profile.appliedMs) throw new Error('asked for a past that records have changed');
    const {profileRetentionMs} = this.#options;
    const arrivals = profile.records
      .filter(record => !isLoss(record))
      .map(record => record.arrivalMs);
    const times = profile.records.flatMap(record => record.events.map(event => event.timeMs));
    const reached = [...arrivals, ...times].filter(timeMs => timeMs <= profile.appliedMs);
    let lastMs = Math.max(...reached);
    const coming = times.filter(timeMs => timeMs > profile.appliedMs && timeMs <= nowMs);
    for (const timeMs of coming.toSorted((a, b) => a - b)) {
      if (timeMs > lastMs + profileRetentionMs + 1) return false;
      lastMs = timeMs;
    }
    return nowMs - lastMs <= profileRetentionMs;
  }

  #isMember(audience: OracleAudience, sight: Sight): boolean {
    const scopes = audience.workspaces.map(each => scopeOf(each, audience.environment));
    if (!sight.records.some(record => scopes.includes(record.scope))) return false;
    const {workspaces, inputs, environment} = audience;
    const definition = objectIn(audience.definition, 'definition');
    return this.#expressionHolds(definition, {workspaces, inputs, environment}, sight);
  }

  #expressionHolds(expression: JsonObject, asker: Asker, sight: Sight): boolean {
    const holds = (each: JsonObject): boolean => this.#expressionHolds(each, asker, sight);
    if (expression['and'] !== undefined) return objectsIn(expression['and'], 'and').every(holds);
    if (expression['or'] !== undefined) return objectsIn(expression['or'], 'or').some(holds);
    if (expression['exclude'] !== undefined) {
      return !holds(objectIn(expression['exclude'], 'exclude'));
    }
    return this.#criterionHolds(expression, asker, sight);
  }

  #criterionHolds(criterion: JsonObject, asker: Asker, sight: Sight): boolean {
    switch (criterion['kind']) {
      case 'event':
      case 'commerce':
      case 'screen_view':
      case 'session':
      case 'crash':
      case 'install':
      case 'uninstall':
      case 'upgrade':
      case 'attribution_event':
        return eventCriterionHolds(criterion, asker, sight);
      case 'cart_abandonment':
        return cartAbandonmentHolds(criterion, asker, sight);
      case 'sequence':
        return sequenceHolds(criterion, asker, sight);
      case 'audience': {
        const member = this.#isMember(this.#audience(Number(criterion['audience'])), sight);
        return criterion['operator'] === 'member' ? member : !member;
      }
      default:
        return userCriterionHolds(criterion, asker, sight, this.#options);
    }
  }
}

/** Ids of the audiences that a definition names. */
export function nestedIn(json: Json): number[] {
  if (isList(json)) return json.flatMap(nestedIn);
  if (!isObject(json)) return [];
  if (json['kind'] === 'audience') return [Number(json['audience'])];
  return Object.values(json).flatMap(nestedIn);
}
