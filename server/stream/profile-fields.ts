import type {ScopeId, Watermark} from '../../engine/ids.ts';
import type {Value} from '../../engine/record.ts';
import type {FormerView, ProfileView, Shards} from '../shards/protocol.ts';
import type {Piece, Wire} from './wire.ts';

/** What a subscriber wants to know of each profile, within what it was granted. */
export interface WantedFields {
  readonly identities: readonly string[] | undefined;
  readonly attributes: readonly string[] | undefined;
}

/** A delta or a member on its way out. */
export interface Bearer {
  readonly shard: number;
  readonly audience: number;
  readonly mpid: bigint;
}

export interface DeltaBearer extends Bearer {
  /** Of the entry that the delta is in. */
  readonly watermark: Watermark;
  readonly isAdd: boolean;
}

/** What is known of the profile of a delta or member. */
export interface Known {
  readonly view: ProfileView | undefined;
  /** Of a delta: the identities that went by it. */
  readonly former?: FormerView | undefined;
}

/**
 * Adds identities and attributes to deltas and members: as they are at the moment of sending, read only
 * in the workspaces and the environment of the audience. A delete has those by which its reader knows the
 * profile: the former ones, when they went with it. Of an update the former ones are told apart, as removed.
 */
export class ProfileFields {
  readonly #wanted: WantedFields;
  readonly #shards: Shards;
  readonly #scopesOf: (audience: number) => readonly ScopeId[];

  constructor(
    wanted: WantedFields,
    shards: Shards,
    scopesOf: (audience: number) => readonly ScopeId[],
  ) {
    this.#wanted = wanted;
    this.#shards = shards;
    this.#scopesOf = scopesOf;
  }

  /** Profiles by mpid; of the same profile in several bearers, one look. */
  async fetch(bearers: readonly Bearer[]): Promise<ReadonlyMap<bigint, ProfileView>> {
    const byShard = new Map<number, Set<bigint>>();
    for (const {shard, mpid} of bearers) {
      const mpids = byShard.get(shard);
      if (mpids === undefined) byShard.set(shard, new Set([mpid]));
      else mpids.add(mpid);
    }
    const found = new Map<bigint, ProfileView>();
    const fetchOf = async (shard: number, mpids: readonly bigint[]): Promise<void> => {
      const views = await this.#shards.call(shard, 'profiles', {mpids});
      for (const view of views) if (view !== undefined) found.set(view.mpid, view);
    };
    await Promise.all([...byShard].map(([shard, mpids]) => fetchOf(shard, [...mpids])));
    return found;
  }

  /** For deltas, beside `fetch`: what their profiles have no longer. */
  async fetchFormer(bearers: readonly DeltaBearer[]): Promise<(FormerView | undefined)[]> {
    const found: (FormerView | undefined)[] = bearers.map(() => undefined);
    if (this.#wanted.identities === undefined) return found;
    const byShard = new Map<number, number[]>();
    for (const [at, {shard, isAdd}] of bearers.entries()) {
      if (isAdd) continue;
      const places = byShard.get(shard);
      if (places === undefined) byShard.set(shard, [at]);
      else places.push(at);
    }
    const fetchOf = async (shard: number, places: readonly number[]): Promise<void> => {
      const asked = places.map(at => {
        const {mpid, watermark} = bearers[at]!;
        return {mpid, watermark};
      });
      const views = await this.#shards.call(shard, 'former', {asked});
      for (const [at, view] of views.entries()) found[places[at]!] = view;
    };
    await Promise.all([...byShard].map(([shard, places]) => fetchOf(shard, places)));
    return found;
  }

  /**
   * `base` with the fields of the profile, in at most `bytesMax`. What would not fit, the longest
   * first, is left out and named in `omitted`: a frame cannot be cut, and half a value would be a lie.
   */
  encode(
    wire: Wire,
    base: object,
    {audience, known, bytesMax}: {audience: number; known: Known; bytesMax: number},
  ): Piece {
    const {former} = known;
    const view = former?.isGone === true ? undefined : known.view;
    const isDelete = 'action' in base && base.action === 'delete';
    const identities = this.#identities(audience, view);
    const removed = this.#former(audience, former);
    if (isDelete) for (const [type, value] of removed) identities?.set(type, value);
    else dropEqual(removed, identities);
    const attributes = this.#attributes(audience, view);
    const hasRemoved = !isDelete && removed.size > 0;
    const omitted: string[] = [];
    for (;;) {
      const piece = wire.value({
        ...base,
        ...(identities === undefined ? {} : {identities: Object.fromEntries(identities)}),
        ...(hasRemoved ? {identities_removed: Object.fromEntries(removed)} : {}),
        ...(attributes === undefined ? {} : {attributes: Object.fromEntries(attributes)}),
        ...(omitted.length === 0 ? {} : {omitted}),
      });
      if (wire.sizeOf(piece) <= bytesMax) return piece;
      const dropped = dropLongest([identities, hasRemoved ? removed : undefined, attributes]);
      if (dropped === undefined) return wire.value(base);
      omitted.push(dropped);
    }
  }

  #identities(audience: number, view: ProfileView | undefined): Map<string, Value> | undefined {
    const {identities} = this.#wanted;
    if (identities === undefined) return undefined;
    return this.#collect(audience, view, identities, scope => scope.identities);
  }

  #attributes(audience: number, view: ProfileView | undefined): Map<string, Value> | undefined {
    const {attributes} = this.#wanted;
    if (attributes === undefined) return undefined;
    return this.#collect(audience, view, attributes, scope => scope.attributes);
  }

  /** Of the types wanted, by the first scope of the audience that had it. */
  #former(audience: number, former: FormerView | undefined): Map<string, Value> {
    const found = new Map<string, Value>();
    if (former === undefined) return found;
    for (const scopeId of this.#scopesOf(audience)) {
      for (const {scope, type, value} of former.identities) {
        if (scope !== scopeId || found.has(type)) continue;
        if (this.#wanted.identities?.includes(type) === true) found.set(type, value);
      }
    }
    return found;
  }

  /** By the first scope of the audience that has it. */
  #collect(
    audience: number,
    view: ProfileView | undefined,
    names: readonly string[],
    pairsOf: (scope: ProfileView['scopes'][number]) => readonly (readonly [string, Value])[],
  ): Map<string, Value> {
    const found = new Map<string, Value>();
    for (const scopeId of this.#scopesOf(audience)) {
      const scope = view?.scopes.find(candidate => candidate.scope === scopeId);
      if (scope === undefined) continue;
      for (const [name, value] of pairsOf(scope)) {
        if (names.includes(name) && !found.has(name)) found.set(name, value);
      }
    }
    return found;
  }
}

/** Another workspace of the audience still has it. */
function dropEqual(removed: Map<string, Value>, present: Map<string, Value> | undefined): void {
  for (const [type, value] of removed) if (present?.get(type) === value) removed.delete(type);
}

function dropLongest(maps: readonly (Map<string, Value> | undefined)[]): string | undefined {
  let longest = {map: undefined as Map<string, Value> | undefined, name: '', length: -1};
  for (const map of maps) {
    for (const [name, value] of map ?? []) {
      const length = JSON.stringify(value).length;
      if (length > longest.length) longest = {map, name, length};
    }
  }
  if (longest.map === undefined) return undefined;
  longest.map.delete(longest.name);
  return longest.name;
}
