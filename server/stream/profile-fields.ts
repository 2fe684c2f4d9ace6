import type {ScopeId} from '../../engine/ids.ts';
import type {Value} from '../../engine/record.ts';
import type {ProfileView, Shards} from '../shards/protocol.ts';
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

/**
 * Adds identities and attributes to deltas and members: as they are at the moment of sending, read only
 * in the workspaces and the environment of the audience. A profile that was erased has none left.
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

  /**
   * `base` with the fields of the profile, in at most `bytesMax`. What would not fit, the longest
   * first, is left out and named in `omitted`: a frame cannot be cut, and half a value would be a lie.
   */
  encode(
    wire: Wire,
    base: object,
    {audience, view, bytesMax}: {audience: number; view: ProfileView | undefined; bytesMax: number},
  ): Piece {
    const identities = this.#identities(audience, view);
    const attributes = this.#attributes(audience, view);
    const omitted: string[] = [];
    for (;;) {
      const piece = wire.value({
        ...base,
        ...(identities === undefined ? {} : {identities: Object.fromEntries(identities)}),
        ...(attributes === undefined ? {} : {attributes: Object.fromEntries(attributes)}),
        ...(omitted.length === 0 ? {} : {omitted}),
      });
      if (wire.sizeOf(piece) <= bytesMax) return piece;
      const dropped = dropLongest([identities, attributes]);
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
