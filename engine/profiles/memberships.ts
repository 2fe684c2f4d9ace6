/** Flips of roots become memberships, and deltas that tell of them. */
import type {Audience} from '../audiences/audience-table.ts';
import {ADD, ATTRIBUTE_UPDATE, CAUSE_PROFILE, DELETE} from '../deltas.ts';
import type {Ordinal} from '../ids.ts';
import {ScratchList} from '../scratch-list.ts';
import type {ShardState} from '../shard-state.ts';

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

  tell(ordinal: Ordinal, {id, version}: Audience, change: MembershipChange): void {
    this.tellOf(ordinal, id, version, change);
  }

  /** Hot: with ten thousand audiences for seventy of them an event. */
  tellOf(ordinal: Ordinal, audience: number, version: number, change: MembershipChange): void {
    const {table, deltas, membershipLists, work} = this.#state;
    const {member, cause, atMs} = change;
    work.deltas++;
    deltas.push(
      audience,
      table.hi(ordinal),
      table.lo(ordinal),
      version,
      member ? ADD : DELETE,
      cause,
      0,
      atMs,
    );
    if (member) {
      membershipLists.add(ordinal, audience, atMs);
      this.#joined.push(audience);
    } else membershipLists.remove(ordinal, audience);
    this.#state.onDirty(ordinal);
  }

  /** Watched attributes, by index, of a profile that was a member before the record. */
  tellAttributes(ordinal: Ordinal, attributes: ScratchList<number>, atMs: number): void {
    const {table, deltas, audiences, membershipLists} = this.#state;
    const memberships = membershipLists.list(ordinal);
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
}
