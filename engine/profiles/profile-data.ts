/**
 * What is known of a profile beyond its events, by scope. Every kind of fact carries the time it was
 * said, and the latest wins in whatever order facts arrive; of equal times the later arrival.
 */
import type {ScopeId} from '../ids.ts';
import type {
  AttributeChange,
  ConsentChange,
  EventRecord,
  Fields,
  IdentityChange,
  LocationFix,
  ProfileRecord,
  Value,
} from '../record.ts';

export interface Timed<T> {
  /** undefined: removed, remembered so that an older change that comes late does not bring it back. */
  value: T | undefined;
  timeMs: number;
}

export class ScopeData {
  readonly scope: ScopeId;
  /** Arrival of the first batch or time of the earliest event, whichever is earlier. */
  firstMs = Infinity;
  /** Arrival of the last batch or time of the latest event up to now, whichever is later. */
  lastMs = -Infinity;
  readonly attributes = new Map<string, Timed<Value>>();
  /** `timeMs` is the gateway's sequence number here: the order in which claims were made. */
  readonly identities = new Map<string, Timed<string>>();
  /** By `regulation:purpose`. */
  readonly consent = new Map<string, Timed<boolean>>();
  readonly device = new Map<string, Timed<Value>>();
  /** `install.publisher`, `install.campaign`, `uninstall.publisher`, `uninstall.campaign`. */
  readonly attribution = new Map<string, Timed<Value>>();
  location: LocationFix | undefined;
  /** Events whose time has not come, ascending. */
  future: EventRecord[] = [];

  constructor(scope: ScopeId) {
    this.scope = scope;
  }

  /** For what may come of it: what events bring does not change the original. */
  copy(): ScopeData {
    const copy = new ScopeData(this.scope);
    copy.firstMs = this.firstMs;
    copy.lastMs = this.lastMs;
    for (const facts of FACTS) {
      const from: ReadonlyMap<string, Timed<Value>> = this[facts];
      const to = copy[facts] as Map<string, Timed<Value>>;
      for (const [name, {value, timeMs}] of from) to.set(name, {value, timeMs});
    }
    copy.location = this.location;
    copy.future = [...this.future];
    return copy;
  }

  attribute(name: string): Value | undefined {
    return this.attributes.get(name)?.value;
  }

  setAttribute(change: AttributeChange): boolean {
    return setLatest(this.attributes, change.name, change.value, change.timeMs);
  }

  setIdentity(change: IdentityChange): boolean {
    return setLatest(this.identities, change.type, change.value, change.sequence);
  }

  setConsent(change: ConsentChange): boolean {
    return setLatest(
      this.consent,
      `${change.regulation}:${change.purpose}`,
      change.consented,
      change.timeMs,
    );
  }

  setDevice(field: string, value: Value, timeMs: number): boolean {
    return setLatest(this.device, field, value, timeMs);
  }

  setLocation(fix: LocationFix): boolean {
    if (this.location !== undefined && fix.timeMs < this.location.timeMs) return false;
    this.location = fix;
    return true;
  }

  /** An event whose time has come. True when attribution changed. */
  noteEvent(event: EventRecord): boolean {
    if (event.timeMs < this.firstMs) this.firstMs = event.timeMs;
    if (event.timeMs > this.lastMs) this.lastMs = event.timeMs;
    const source = attributionSource(event);
    if (source === undefined) return false;
    let changed = false;
    for (const field of ['publisher', 'campaign']) {
      const value = valueOf(event.fields, field);
      if (setLatest(this.attribution, `${source}.${field}`, value, event.timeMs)) changed = true;
    }
    return changed;
  }

  addFuture(event: EventRecord): void {
    this.future.push(event);
    this.future.sort((a, b) => a.timeMs - b.timeMs);
  }
}

const FACTS = ['attributes', 'identities', 'consent', 'device', 'attribution'] as const;

export class ProfileData {
  /** Watermark of the entry that made it: what the journal has of an earlier life is not its own. */
  born = 0;
  /** Every change up to here was told: when its last record was applied. */
  toldMs = 0;
  readonly scopes: ScopeData[] = [];

  copy(): ProfileData {
    const copy = new ProfileData();
    copy.born = this.born;
    copy.toldMs = this.toldMs;
    for (const scope of this.scopes) copy.scopes.push(scope.copy());
    return copy;
  }

  find(scope: ScopeId): ScopeData | undefined {
    for (let i = 0; i < this.scopes.length; i++) {
      if (this.scopes[i]!.scope === scope) return this.scopes[i];
    }
    return undefined;
  }

  add(scope: ScopeId): ScopeData {
    const data = new ScopeData(scope);
    this.scopes.push(data);
    return data;
  }

  /** The last sign of life in any scope. */
  activityMs(): number {
    let last = -Infinity;
    for (const scope of this.scopes) if (scope.lastMs > last) last = scope.lastMs;
    return last;
  }

  nextFutureMs(): number {
    let next = Infinity;
    for (const scope of this.scopes) {
      const event = scope.future[0];
      if (event !== undefined && event.timeMs < next) next = event.timeMs;
    }
    return next;
  }
}

/** What a workspace that has just met a profile knows of it. */
export const EMPTY_SCOPE = new ScopeData(0);

/** The install's, or the uninstall's, attribution is told by this event; undefined: by neither. */
function attributionSource(event: EventRecord): 'install' | 'uninstall' | undefined {
  if (event.kind === 'uninstall') return 'uninstall';
  if (event.kind !== 'custom' || event.type !== 'attribution') return undefined;
  return event.name.toLowerCase() === 'attribution' ? 'install' : undefined;
}

function valueOf(fields: Fields, name: string): Value | undefined {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
  return undefined;
}

function setLatest<T>(
  map: Map<string, Timed<T>>,
  name: string,
  value: T | undefined,
  timeMs: number,
): boolean {
  const known = map.get(name);
  if (known === undefined) {
    map.set(name, {value, timeMs});
    return value !== undefined;
  }
  if (timeMs < known.timeMs) return false;
  const changed = !same(known.value, value);
  known.value = value;
  known.timeMs = timeMs;
  return changed;
}

function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
  return a.every((element, i) => element === b[i]);
}

/** Whether a record says anything of a profile but events. */
export function hasProfileChanges(record: ProfileRecord): boolean {
  return (
    record.attributes.length > 0 ||
    record.identities.length > 0 ||
    record.consent.length > 0 ||
    record.device.length > 0 ||
    record.location !== undefined
  );
}
