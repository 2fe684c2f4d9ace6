/** Who is in what since when: kept with the profile's histories, told as deltas. */
import type {Audience} from '../audiences/audience-table.ts';
import {ADD, ATTRIBUTE_UPDATE, CAUSE_PROFILE, DELETE} from '../deltas.ts';
import {NUMBERS} from '../histories/history-slab.ts';
import type {Ordinal} from '../ids.ts';
import {ScratchList} from '../scratch-list.ts';
import type {ShardState} from '../shard-state.ts';

/** The history of a profile's memberships: time of joining, audience id. */
export const MEMBERSHIPS = 0;

export interface MembershipChange {
  readonly member: boolean;
  readonly cause: number;
  readonly atMs: number;
}

export class Memberships {
  readonly #state: ShardState;
  /** Audiences joined since the record began: they have the attributes of now. */
  readonly #joined = new ScratchList<number>();

  constructor(state: ShardState) {
    this.#state = state;
  }

  begin(): void {
    this.#joined.clear();
  }

  tell(ordinal: Ordinal, audience: Audience, change: MembershipChange): void {
    const {table, deltas, slab, work} = this.#state;
    const {member, cause, atMs} = change;
    work.deltas++;
    deltas.push(
      audience.id,
      table.hi(ordinal),
      table.lo(ordinal),
      audience.version,
      member ? ADD : DELETE,
      cause,
      0,
      atMs,
    );
    slab.open(ordinal);
    if (member) {
      this.join(audience.id, atMs);
      this.#joined.push(audience.id);
    } else this.leave(audience.id);
    this.#state.onDirty(ordinal);
  }

  /** Of the opened profile. */
  join(audience: number, sinceMs: number): void {
    const {slab} = this.#state;
    slab.locateOrAdd(MEMBERSHIPS, NUMBERS);
    slab.insert(slab.entryCount, sinceMs, audience);
  }

  /** Of the opened profile. */
  leave(audience: number): void {
    const {slab} = this.#state;
    if (!slab.locate(MEMBERSHIPS)) return;
    const at = this.#indexOf(audience);
    if (at >= 0) slab.remove(at, 1);
  }

  /** NaN: not a member. */
  sinceMs(ordinal: Ordinal, audience: number): number {
    const {slab} = this.#state;
    if (!slab.open(ordinal) || !slab.locate(MEMBERSHIPS)) return NaN;
    const at = this.#indexOf(audience);
    return at < 0 ? NaN : slab.words[slab.entryAt + at * 2]!;
  }

  /** Audience ids and moments, flat, in order of joining. */
  list(ordinal: Ordinal): number[] {
    const {slab} = this.#state;
    const found: number[] = [];
    if (!slab.open(ordinal) || !slab.locate(MEMBERSHIPS)) return found;
    for (let i = 0; i < slab.entryCount; i++) {
      const at = slab.entryAt + i * 2;
      found.push(slab.words[at + 1]!, slab.words[at]!);
    }
    return found;
  }

  /** Watched attributes, by index, of a profile that was a member before the record. */
  tellAttributes(ordinal: Ordinal, attributes: ScratchList<number>, atMs: number): void {
    const {table, deltas, audiences} = this.#state;
    const memberships = this.list(ordinal);
    for (let a = 0; a < attributes.count; a++) {
      const attribute = attributes.items[a]!;
      for (let i = 0; i < memberships.length; i += 2) {
        const audience = audiences.get(memberships[i]!);
        if (audience === undefined || this.#hasJoined(audience.id)) continue;
        deltas.push(
          audience.id,
          table.hi(ordinal),
          table.lo(ordinal),
          audience.version,
          ATTRIBUTE_UPDATE,
          CAUSE_PROFILE,
          attribute,
          atMs,
        );
      }
    }
  }

  #hasJoined(audience: number): boolean {
    for (let i = 0; i < this.#joined.count; i++)
      if (this.#joined.items[i] === audience) return true;
    return false;
  }

  /** In the located memberships; −1 when it is not there. */
  #indexOf(audience: number): number {
    const {slab} = this.#state;
    for (let i = 0, at = slab.entryAt + 1; i < slab.entryCount; i++, at += 2) {
      if (slab.words[at] === audience) return i;
    }
    return -1;
  }
}
