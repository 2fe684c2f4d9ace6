/**
 * What is known of a profile beyond its events, by scope: a view of the shard's packed facts (see
 * facts/fact-store.ts). A view holds nothing but the ordinal, so it is always of the present; nobody keeps one
 * longer than the profile, because its ordinal is somebody else's then.
 */
import {
  ATTRIBUTE,
  ATTRIBUTION,
  CONSENT,
  DEVICE,
  type FactKind,
  IDENTITY,
  PLACE,
} from '../facts/fact-names.ts';
import {FactStore} from '../facts/fact-store.ts';
import type {Ordinal, ScopeId} from '../ids.ts';
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

/** A fact with the time it was said. */
export interface Fact {
  readonly name: string;
  /** undefined: removed, remembered so that an older change that comes late does not bring it back. */
  readonly value: Value | undefined;
  readonly timeMs: number;
}

/** All that is known of a profile, as plain values. */
export interface ProfileFacts {
  readonly born: number;
  readonly toldMs: number;
  readonly scopes: readonly ScopeFacts[];
}

export interface ScopeFacts {
  readonly scope: ScopeId;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly attributes: readonly Fact[];
  readonly identities: readonly Fact[];
  readonly consent: readonly Fact[];
  readonly device: readonly Fact[];
  readonly attribution: readonly Fact[];
  readonly location: LocationFix | undefined;
  readonly future: readonly EventRecord[];
}

export class ScopeData {
  readonly scope: ScopeId;
  readonly #facts: FactStore;
  readonly #ordinal: Ordinal;
  readonly #index: number;

  constructor(facts: FactStore, ordinal: Ordinal, index: number) {
    this.#facts = facts;
    this.#ordinal = ordinal;
    this.#index = index;
    this.scope = this.#open().scope;
  }

  /** Arrival of the first batch or time of the earliest event, whichever is earlier. */
  get firstMs(): number {
    return this.#open().firstMs;
  }

  /** Arrival of the last batch or time of the latest event up to now, whichever is later. */
  get lastMs(): number {
    return this.#open().lastMs;
  }

  attribute(name: string): Value | undefined {
    return this.#open().get(ATTRIBUTE, name);
  }

  identity(type: string): string | undefined {
    return this.#open().get(IDENTITY, type) as string | undefined;
  }

  /** undefined: never asked, or withdrawn without a state. */
  consent(regulation: string, purpose: string): boolean | undefined {
    return this.#open().get(CONSENT, `${regulation}:${purpose}`) as boolean | undefined;
  }

  device(field: string): Value | undefined {
    return this.#open().get(DEVICE, field);
  }

  /** `source`: install or uninstall; `field`: publisher or campaign. */
  attribution(source: string, field: string): Value | undefined {
    return this.#open().get(ATTRIBUTION, `${source}.${field}`);
  }

  get location(): LocationFix | undefined {
    return readPlace(this.#open());
  }

  /** Events whose time has not come, ascending. */
  get future(): readonly EventRecord[] {
    return this.#open().future;
  }

  /** When it was last said, if only that there is none any more; undefined: never. */
  saidMs(kind: FactKind, name: string): number | undefined {
    const timeMs = this.#open().timeOf(kind, name);
    return Number.isNaN(timeMs) ? undefined : timeMs;
  }

  /** In the order in which they were first said, the removed among them. */
  facts(kind: FactKind): Fact[] {
    const found: Fact[] = [];
    this.#open().forEach(kind, (name, value, timeMs) => found.push({name, value, timeMs}));
    return found;
  }

  noteArrival(arrivalMs: number): void {
    this.#noteLife(this.#open(), arrivalMs);
  }

  setAttribute({name, value, timeMs}: AttributeChange): boolean {
    return this.#open().set(ATTRIBUTE, name, value, timeMs);
  }

  /** The gateway's sequence number is the time here: the order in which claims were made. */
  setIdentity({type, value, sequence}: IdentityChange): boolean {
    return this.#open().set(IDENTITY, type, value, sequence);
  }

  setConsent({regulation, purpose, consented, timeMs}: ConsentChange): boolean {
    return this.#open().set(CONSENT, `${regulation}:${purpose}`, consented, timeMs);
  }

  setDevice(field: string, value: Value, timeMs: number): boolean {
    return this.#open().set(DEVICE, field, value, timeMs);
  }

  setLocation(fix: LocationFix): boolean {
    return writePlace(this.#open(), fix);
  }

  /** An event whose time has come. True when attribution changed. */
  noteEvent(event: EventRecord): boolean {
    const facts = this.#open();
    this.#noteLife(facts, event.timeMs);
    const source = attributionSource(event);
    if (source === undefined) return false;
    let changed = false;
    for (const field of ['publisher', 'campaign']) {
      const value = valueOf(event.fields, field);
      if (facts.set(ATTRIBUTION, `${source}.${field}`, value, event.timeMs)) changed = true;
    }
    return changed;
  }

  addFuture(event: EventRecord): void {
    this.#open().addFuture(event);
  }

  /** The first of the future's events, which is none any more. */
  takeFuture(): EventRecord | undefined {
    return this.#open().takeFuture();
  }

  snapshot(): ScopeFacts {
    return {
      scope: this.scope,
      firstMs: this.firstMs,
      lastMs: this.lastMs,
      attributes: this.facts(ATTRIBUTE),
      identities: this.facts(IDENTITY),
      consent: this.facts(CONSENT),
      device: this.facts(DEVICE),
      attribution: this.facts(ATTRIBUTION),
      location: this.location,
      future: [...this.future],
    };
  }

  /** Of a scope that knows nothing yet. */
  restore(known: ScopeFacts): void {
    const facts = this.#open();
    facts.firstMs = known.firstMs;
    facts.lastMs = known.lastMs;
    setAll(facts, ATTRIBUTE, known.attributes);
    setAll(facts, IDENTITY, known.identities);
    setAll(facts, CONSENT, known.consent);
    setAll(facts, DEVICE, known.device);
    setAll(facts, ATTRIBUTION, known.attribution);
    if (known.location !== undefined) writePlace(facts, known.location);
    for (const event of known.future) facts.addFuture(event);
  }

  #noteLife(facts: FactStore, timeMs: number): void {
    if (timeMs < facts.firstMs) facts.firstMs = timeMs;
    if (timeMs > facts.lastMs) facts.lastMs = timeMs;
  }

  #open(): FactStore {
    this.#facts.select(this.#ordinal, this.#index);
    return this.#facts;
  }
}

export class ProfileData {
  readonly #facts: FactStore;
  readonly #ordinal: Ordinal;
  readonly #scopes: ScopeData[] = [];

  constructor(facts: FactStore, ordinal: Ordinal) {
    this.#facts = facts;
    this.#ordinal = ordinal;
  }

  /** A profile of no shard. */
  static of(known: ProfileFacts = NOTHING): ProfileData {
    const facts = new FactStore();
    facts.add(0, known.born);
    const data = new ProfileData(facts, 0);
    data.restore(known);
    return data;
  }

  /** Watermark of the entry that made it: what the journal has of an earlier life is not its own. */
  get born(): number {
    return this.#facts.born(this.#ordinal);
  }

  /** Every change up to here was told: when its last record was applied. */
  get toldMs(): number {
    return this.#facts.toldMs(this.#ordinal);
  }

  set toldMs(timeMs: number) {
    this.#facts.setToldMs(this.#ordinal, timeMs);
  }

  get scopes(): readonly ScopeData[] {
    const scopes = this.#scopes;
    const count = this.#facts.scopeCount(this.#ordinal);
    while (scopes.length < count) {
      scopes.push(new ScopeData(this.#facts, this.#ordinal, scopes.length));
    }
    return scopes;
  }

  find(scope: ScopeId): ScopeData | undefined {
    const {scopes} = this;
    for (let i = 0; i < scopes.length; i++) {
      if (scopes[i]!.scope === scope) return scopes[i];
    }
    return undefined;
  }

  add(scope: ScopeId): ScopeData {
    this.#facts.addScope(this.#ordinal, scope);
    return this.scopes.at(-1)!;
  }

  /** The last sign of life in any scope. */
  activityMs(): number {
    let last = -Infinity;
    for (const {lastMs} of this.scopes) if (lastMs > last) last = lastMs;
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

  /** Of the present; changes of the profile do not change it. */
  snapshot(): ProfileFacts {
    return {
      born: this.born,
      toldMs: this.toldMs,
      scopes: this.scopes.map(scope => scope.snapshot()),
    };
  }

  /** The same profile apart from the shard, to be asked and changed without consequence. */
  copy(): ProfileData {
    return ProfileData.of(this.snapshot());
  }

  /** Of a profile of which nothing is known but when it was born. */
  restore(known: ProfileFacts): void {
    this.toldMs = known.toldMs;
    for (const scope of known.scopes) this.add(scope.scope).restore(scope);
  }
}

const NOTHING: ProfileFacts = {born: 0, toldMs: 0, scopes: []};

/** What a workspace that has just met a profile knows of it. */
export const EMPTY_SCOPE = ProfileData.of().add(0);

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

function setAll(facts: FactStore, kind: FactKind, known: readonly Fact[]): void {
  for (const {name, value, timeMs} of known) facts.set(kind, name, value, timeMs);
}

/** The parts of a place that are texts. */
const PLACE_TEXTS = ['city', 'state', 'stateName', 'zip', 'dma', 'country'] as const;

/** A place is one fact; its parts lie side by side, and a latitude, perhaps undefined, is in every place. */
function writePlace(facts: FactStore, fix: LocationFix): boolean {
  const {timeMs} = fix;
  if (timeMs < facts.timeOf(PLACE, 'latitude')) return false;
  facts.set(PLACE, 'latitude', fix.latitude, timeMs);
  const set = (part: string, value: Value | undefined): void => {
    if (value === undefined && facts.get(PLACE, part) === undefined) return;
    facts.set(PLACE, part, value, timeMs);
  };
  set('longitude', fix.longitude);
  for (const part of PLACE_TEXTS) set(part, fix[part]);
  return true;
}

function readPlace(facts: FactStore): LocationFix | undefined {
  const timeMs = facts.timeOf(PLACE, 'latitude');
  if (Number.isNaN(timeMs)) return undefined;
  const number = (part: string): number | undefined => facts.get(PLACE, part) as number | undefined;
  const text = (part: string): string | undefined => facts.get(PLACE, part) as string | undefined;
  const stateName = text('stateName');
  return {
    latitude: number('latitude'),
    longitude: number('longitude'),
    city: text('city'),
    state: text('state'),
    ...(stateName !== undefined && {stateName}),
    zip: text('zip'),
    dma: text('dma'),
    country: text('country'),
    timeMs,
  };
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
