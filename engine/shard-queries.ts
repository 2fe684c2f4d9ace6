/** Questions about a shard's present, answered from rows and tables; they change nothing. */
import {isKeeper} from './audiences/keeper.ts';
import {bindCalculation} from './criteria/bound-criterion.ts';
import {CalculatedValue} from './criteria/calculated-value.ts';
import {ATTRIBUTE, CONSENT, DEVICE, IDENTITY} from './facts/fact-names.ts';
import {mpidFrom, type Ordinal} from './ids.ts';
import type {Fact} from './profiles/profile-data.ts';
import type {LocationFix, Value} from './record.ts';
import type {Shard} from './shard.ts';

export interface ProfileView {
  readonly mpid: bigint;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly scopes: readonly ProfileScopeView[];
  readonly audiences: readonly {readonly audience: number; readonly sinceMs: number}[];
}

export interface ProfileScopeView {
  readonly scope: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly attributes: readonly (readonly [name: string, value: Value])[];
  readonly identities: readonly (readonly [type: string, value: string])[];
  readonly consent: readonly {
    readonly regulation: string;
    readonly purpose: string;
    readonly consented: boolean;
    readonly timeMs: number;
  }[];
  readonly device: readonly (readonly [field: string, value: Value])[];
  readonly location: LocationFix | undefined;
  /** Calculated attributes that are complete, undefined for no value. Only when a moment was asked for. */
  readonly calculated?: readonly (readonly [name: string, value: Value | undefined])[];
}

export function memberCount(shard: Shard, audience: number): number {
  const root = shard.audiences.get(audience)?.root ?? -1;
  return root < 0 ? 0 : shard.propagation.count(root >> 1);
}

/** With `nowMs` what is calculated from events is told too, as of then. */
export function profileView(
  shard: Shard,
  hi: number,
  lo: number,
  nowMs?: number,
): ProfileView | undefined {
  const ordinal = shard.table.find(hi, lo);
  const data = ordinal < 0 ? undefined : shard.data(ordinal);
  if (data === undefined) return undefined;
  const memberships = shard.membershipLists.list(ordinal);
  const audiences: {audience: number; sinceMs: number}[] = [];
  for (let i = 0; i < memberships.length; i += 2) {
    audiences.push({audience: memberships[i]!, sinceMs: memberships[i + 1]!});
  }
  const scopes = data.scopes.map((scope): ProfileScopeView => ({
    scope: scope.scope,
    firstSeenMs: scope.firstMs,
    lastSeenMs: scope.lastMs,
    attributes: present(scope.facts(ATTRIBUTE)),
    identities: present(scope.facts(IDENTITY)) as [string, string][],
    consent: scope.facts(CONSENT).flatMap(({name, value, timeMs}) => {
      if (typeof value !== 'boolean') return [];
      const [regulation = '', ...purpose] = name.split(':');
      return [{regulation, purpose: purpose.join(':'), consented: value, timeMs}];
    }),
    device: present(scope.facts(DEVICE)),
    location: scope.location,
    ...(nowMs !== undefined && {calculated: calculatedValues(shard, {ordinal, scope, nowMs})}),
  }));
  return {
    mpid: mpidFrom(hi, lo),
    firstSeenMs: Math.min(...scopes.map(scope => scope.firstSeenMs)),
    lastSeenMs: Math.max(...scopes.map(scope => scope.lastSeenMs)),
    scopes,
    audiences: audiences.sort((a, b) => a.audience - b.audience),
  };
}

function calculatedValues(
  shard: Shard,
  {ordinal, scope: {scope}, nowMs}: {ordinal: Ordinal; scope: {scope: number}; nowMs: number},
): (readonly [string, Value | undefined])[] {
  const {audiences, criteria, slab, texts} = shard;
  const {eventRetentionMs} = shard.options;
  const values: (readonly [string, Value | undefined])[] = [];
  for (const {id, environment, calculated: [spec] = []} of audiences.specs()) {
    if (!isKeeper(id) || spec === undefined) continue;
    const audience = audiences.get(id);
    if (audience === undefined || audience.root < 0 || audience.next !== undefined) continue;
    if (audience.failed !== undefined) continue;
    const bound = bindCalculation(spec, {environment, eventRetentionMs});
    const history = criteria.historyByKey(bound.history.key);
    if (bound.scope !== scope || history === undefined) continue;
    const calculated = new CalculatedValue(bound, {history: history.id, eventRetentionMs, texts});
    slab.open(ordinal);
    calculated.read(slab, nowMs);
    values.push([spec.name, calculated.value]);
  }
  return values.sort(([a], [b]) => (a < b ? -1 : 1));
}

function present(facts: readonly Fact[]): (readonly [string, Value])[] {
  const found: (readonly [string, Value])[] = [];
  for (const {name, value} of facts) if (value !== undefined) found.push([name, value]);
  return found;
}
