/**
 * What is known of profiles beyond their events, packed: some ten bytes a fact, in one block a profile, with
 * no object for the collector to walk. A fact is a name, a value and the time it was said; the latest wins in
 * whatever order facts arrive, of equal times the later arrival.
 *
 * A profile's block (see block-slab.ts) has its own words, then one section for each scope that knows it:
 *
 *     f64 born, f64 told                                                      of the profile
 *     u32 scope, u32 words of the section << 7 | times, f64 first, f64 last   of a section
 *     f64 × times                                                             times of its facts, each once
 *     cells                                                                   in order of arrival
 *
 * A cell is two words and what follows of its value (fact-values.ts). Facts that came together share their
 * time; when the 127 numbers of times are in use by others, a cell has its time in two words of its own.
 *
 * Use: `select(ordinal, index)`, then all that takes neither.
 */
import type {Ordinal, ScopeId} from '../ids.ts';
import type {EventRecord, Value} from '../record.ts';
import {BLOCK_WORDS_MAX, BlockSlab, HEADER_WORDS} from './block-slab.ts';
import {type FactKind, FactNames} from './fact-names.ts';
import {
  FactValues,
  followingWords,
  NAME_SHIFT,
  OWN_TIME,
  TIME_BITS,
  TIME_MASK,
  wordsToWrite,
} from './fact-values.ts';

const BORN_AT = HEADER_WORDS;
const TOLD_AT = HEADER_WORDS + 2;
const SECTIONS_AT = HEADER_WORDS + 4;
const SECTION_WORDS = 6;
const FIRST_AT = 2;
const LAST_AT = 4;

export class FactStore {
  readonly names = new FactNames();
  readonly #slab = new BlockSlab();
  readonly values = new FactValues(this.#slab);
  /** By ordinal, then by place of the scope: events whose time has not come, ascending. */
  readonly #future = new Map<Ordinal, Map<number, EventRecord[]>>();
  #ordinal = -1;
  #index = 0;
  /** Offset of the selected section. */
  #section = 0;
  readonly #inUse = new Uint8Array(OWN_TIME);
  /** Facts that the bounds left no place for, ever. */
  refused = 0;

  // ── Profiles ──────────────────────────────────────────────────────────────────────────────────

  has(ordinal: Ordinal): boolean {
    return this.#slab.has(ordinal);
  }

  /** Has the first of the profile's facts near: see fetch-ahead.ts. */
  touch(ordinal: Ordinal): number {
    return this.#slab.touch(ordinal);
  }

  add(ordinal: Ordinal, born: number): void {
    this.#slab.add(ordinal);
    this.#slab.insert(BORN_AT, SECTIONS_AT - BORN_AT);
    this.#setDouble(BORN_AT, born);
  }

  /** Nothing of it stays. */
  release(ordinal: Ordinal): void {
    const slab = this.#slab;
    slab.open(ordinal);
    for (let section = SECTIONS_AT; section < slab.used; section += this.#wordsOf(section)) {
      this.#section = section;
      const end = this.#end();
      for (let at = this.#firstCell(); at < end; at = this.#after(at)) {
        this.values.drop(at);
        this.names.release(slab.words[slab.base + at]! >>> NAME_SHIFT);
      }
    }
    slab.release(ordinal);
    this.#future.delete(ordinal);
    this.values.forgetRead();
  }

  born(ordinal: Ordinal): number {
    this.#slab.open(ordinal);
    return this.#double(BORN_AT);
  }

  toldMs(ordinal: Ordinal): number {
    this.#slab.open(ordinal);
    return this.#double(TOLD_AT);
  }

  setToldMs(ordinal: Ordinal, timeMs: number): void {
    this.#slab.open(ordinal);
    this.#setDouble(TOLD_AT, timeMs);
  }

  // ── Scopes ────────────────────────────────────────────────────────────────────────────────────

  scopeCount(ordinal: Ordinal): number {
    const slab = this.#slab;
    slab.open(ordinal);
    let count = 0;
    for (let at = SECTIONS_AT; at < slab.used; at += this.#wordsOf(at)) count++;
    return count;
  }

  /** Selects the new scope, the last one. */
  addScope(ordinal: Ordinal, scope: ScopeId): void {
    const index = this.scopeCount(ordinal);
    const slab = this.#slab;
    const section = slab.used;
    slab.insert(section, SECTION_WORDS);
    slab.words[slab.base + section] = scope;
    slab.words[slab.base + section + 1] = SECTION_WORDS << TIME_BITS;
    this.#ordinal = ordinal;
    this.#index = index;
    this.#section = section;
    this.firstMs = Infinity;
    this.lastMs = -Infinity;
    this.values.forgetRead();
  }

  select(ordinal: Ordinal, index: number): void {
    this.#slab.open(ordinal);
    let section = SECTIONS_AT;
    for (let i = 0; i < index; i++) section += this.#wordsOf(section);
    this.#ordinal = ordinal;
    this.#index = index;
    this.#section = section;
  }

  get scope(): ScopeId {
    return this.#slab.words[this.#slab.base + this.#section]!;
  }

  get firstMs(): number {
    return this.#double(this.#section + FIRST_AT);
  }

  set firstMs(timeMs: number) {
    this.#setDouble(this.#section + FIRST_AT, timeMs);
  }

  get lastMs(): number {
    return this.#double(this.#section + LAST_AT);
  }

  set lastMs(timeMs: number) {
    this.#setDouble(this.#section + LAST_AT, timeMs);
  }

  /** Events whose time has not come, ascending. */
  get future(): readonly EventRecord[] {
    return this.#future.size === 0 ? NO_EVENTS : (this.#futureOf() ?? NO_EVENTS);
  }

  addFuture(event: EventRecord): void {
    const known = this.#futureOf();
    if (known !== undefined) {
      known.push(event);
      known.sort((a, b) => a.timeMs - b.timeMs);
      return;
    }
    const scopes = this.#future.get(this.#ordinal);
    if (scopes === undefined) this.#future.set(this.#ordinal, new Map([[this.#index, [event]]]));
    else scopes.set(this.#index, [event]);
  }

  /** The first event of the future, which it no longer is. */
  takeFuture(): EventRecord | undefined {
    const events = this.#futureOf();
    const event = events?.shift();
    if (events?.length === 0) {
      const scopes = this.#future.get(this.#ordinal)!;
      scopes.delete(this.#index);
      if (scopes.size === 0) this.#future.delete(this.#ordinal);
    }
    return event;
  }

  #futureOf(): EventRecord[] | undefined {
    return this.#future.get(this.#ordinal)?.get(this.#index);
  }

  // ── Facts ─────────────────────────────────────────────────────────────────────────────────────

  get(kind: FactKind, name: string): Value | undefined {
    const at = this.#find(this.names.find(kind, name));
    return at === 0 ? undefined : this.values.read(at);
  }

  /** NaN: never said. */
  timeOf(kind: FactKind, name: string): number {
    const at = this.#find(this.names.find(kind, name));
    return at === 0 ? NaN : this.#timeAt(at);
  }

  /** undefined removes. True when the value changed; what the bounds leave no place for is not taken. */
  set(kind: FactKind, name: string, value: Value | undefined, timeMs: number): boolean {
    let at = this.#find(this.names.find(kind, name));
    if (at !== 0 && timeMs < this.#timeAt(at)) return false;
    if (!this.#hasPlaceFor(value)) return this.#refuse();
    this.values.forgetRead();
    if (at === 0) {
      if (this.#count() >= FACTS_MAX) return this.#refuse();
      return this.#append(this.names.acquire(kind, name), value, timeMs);
    }
    const changed = !this.values.isSame(at, value);
    at = this.#setTime(at, timeMs);
    if (changed) this.#setValue(at, value);
    return changed;
  }

  forEach(
    kind: FactKind,
    visit: (name: string, value: Value | undefined, timeMs: number) => void,
  ): void {
    const {names} = this;
    const {words, base} = this.#slab;
    const end = this.#end();
    for (let at = this.#firstCell(); at < end; at = this.#after(at)) {
      const name = words[base + at]! >>> NAME_SHIFT;
      if (names.kindOf(name) !== kind) continue;
      visit(names.nameOf(name), this.values.read(at), this.#timeAt(at));
    }
  }

  // ── All of it ─────────────────────────────────────────────────────────────────────────────────

  /** Of the packed part; names, shared texts and lists not counted. */
  get byteLength(): number {
    return this.#slab.byteLength;
  }

  /** All memory in which facts are packed: nothing of the erased may be found there. */
  memory(): Uint8Array[] {
    return this.#slab.memory();
  }

  // ── Cells of the selected section ─────────────────────────────────────────────────────────────

  /** 0: there is none. Hot: for each fact that is read or set. */
  #find(name: number): number {
    if (name < 0) return 0;
    const {words, base} = this.#slab;
    const section = base + this.#section;
    const info = words[section + 1]!;
    const end = section + (info >>> TIME_BITS);
    let at = section + SECTION_WORDS + (info & TIME_MASK) * 2;
    while (at < end) {
      const word = words[at]!;
      if (word >>> NAME_SHIFT === name) return at - base;
      at += 2 + followingWords(word, words[at + 1]!);
    }
    return 0;
  }

  #wordsOf(section: number): number {
    return this.#slab.words[this.#slab.base + section + 1]! >>> TIME_BITS;
  }

  #times(): number {
    return this.#slab.words[this.#slab.base + this.#section + 1]! & TIME_MASK;
  }

  #firstCell(): number {
    return this.#section + SECTION_WORDS + this.#times() * 2;
  }

  #end(): number {
    return this.#section + this.#wordsOf(this.#section);
  }

  /** Counts only where there may be too many. */
  #count(): number {
    const end = this.#end();
    let at = this.#firstCell();
    if ((end - at) / 2 < FACTS_MAX) return 0;
    let count = 0;
    for (; at < end; at = this.#after(at)) count++;
    return count;
  }

  #after(at: number): number {
    const {words, base} = this.#slab;
    return at + 2 + followingWords(words[base + at]!, words[base + at + 1]!);
  }

  #refuse(): false {
    this.refused++;
    return false;
  }

  #append(name: number, value: Value | undefined, timeMs: number): boolean {
    if (name < 0) return this.#refuse();
    const number = this.#numberOf(timeMs, 0);
    const word = this.values.encode(value, ((name << NAME_SHIFT) | number) >>> 0);
    const at = this.#end();
    this.#insert(at, 2 + followingWords(word, this.values.word));
    const slab = this.#slab;
    slab.words[slab.base + at] = word;
    slab.words[slab.base + at + 1] = this.values.word;
    if (number === OWN_TIME) this.#setDouble(at + 2, timeMs);
    this.values.write(at, value);
    return value !== undefined;
  }

  #timeAt(at: number): number {
    const number = this.#slab.words[this.#slab.base + at]! & TIME_MASK;
    if (number === OWN_TIME) return this.#double(at + 2);
    return this.#double(this.#section + SECTION_WORDS + number * 2);
  }

  /** Where the cell is then. */
  #setTime(at: number, timeMs: number): number {
    const slab = this.#slab;
    const before = slab.words[slab.base + at]!;
    if ((before & TIME_MASK) === OWN_TIME) {
      this.#setDouble(at + 2, timeMs);
      return at;
    }
    if (this.#timeAt(at) === timeMs) return at;
    const times = this.#times();
    const number = this.#numberOf(timeMs, at);
    const movedTo = at + (this.#times() - times) * 2;
    slab.words[slab.base + movedTo] = ((before & ~TIME_MASK) | number) >>> 0;
    if (number === OWN_TIME) {
      this.#insert(movedTo + 2, 2);
      this.#setDouble(movedTo + 2, timeMs);
    }
    return movedTo;
  }

  /** Of a time that a cell is to have, which may be one that only the cell at `except` had. */
  #numberOf(timeMs: number, except: number): number {
    const {doubles, words, base} = this.#slab;
    const times = this.#times();
    const timesAt = this.#section + SECTION_WORDS;
    const first = (base + timesAt) >> 1;
    for (let i = times - 1; i >= 0; i--) if (doubles[first + i] === timeMs) return i;
    if (times > 0 && this.#wordsOf(this.#section) <= TIDY_WORDS_MAX) {
      const inUse = this.#inUse;
      inUse.fill(0, 0, times);
      const end = this.#end();
      for (let at = timesAt + times * 2; at < end; at = this.#after(at)) {
        const number = words[base + at]! & TIME_MASK;
        if (at !== except && number !== OWN_TIME) inUse[number] = 1;
      }
      for (let i = 0; i < times; i++) {
        if (inUse[i] === 1) continue;
        doubles[first + i] = timeMs;
        return i;
      }
    }
    if (times === OWN_TIME) return OWN_TIME;
    this.#insert(timesAt + times * 2, 2);
    this.#slab.words[this.#slab.base + this.#section + 1]! += 1;
    this.#setDouble(timesAt + times * 2, timeMs);
    return times;
  }

  #setValue(at: number, value: Value | undefined): void {
    const {values} = this;
    const slab = this.#slab;
    values.drop(at);
    const word = values.encode(value, slab.words[slab.base + at]!);
    const had = followingWords(slab.words[slab.base + at]!, slab.words[slab.base + at + 1]!);
    const has = followingWords(word, values.word);
    if (has > had) this.#insert(at + 2 + had, has - had);
    else if (has < had) this.#remove(at + 2 + has, had - has);
    slab.words[slab.base + at] = word;
    slab.words[slab.base + at + 1] = values.word;
    values.write(at, value);
  }

  #insert(at: number, words: number): void {
    const slab = this.#slab;
    slab.insert(at, words);
    slab.words[slab.base + this.#section + 1]! += words << TIME_BITS;
  }

  #remove(at: number, words: number): void {
    const slab = this.#slab;
    slab.remove(at, words);
    slab.words[slab.base + this.#section + 1]! -= words << TIME_BITS;
  }

  #double(at: number): number {
    return this.#slab.doubles[(this.#slab.base + at) >> 1]!;
  }

  #setDouble(at: number, value: number): void {
    this.#slab.doubles[(this.#slab.base + at) >> 1] = value;
  }

  /** Whether a new fact with this value fits into the block. */
  #hasPlaceFor(value: Value | undefined): boolean {
    return this.#slab.used + NEW_FACT_WORDS + wordsToWrite(value) <= BLOCK_WORDS_MAX;
  }
}

const NO_EVENTS: readonly EventRecord[] = [];
/** A profile's section may have so many facts, the removed among them; a fact with one more name is not taken. */
const FACTS_MAX = 10_000;
/** In a longer section times that no cell has any more are left alone: to find them takes too long. */
const TIDY_WORDS_MAX = 1024;
/** A cell, its time and a new time of the section. */
const NEW_FACT_WORDS = 6;
