/**
 * Audiences and their versions. A change is judged against all the others and made in one step; it is
 * answered when it is on disk and every shard has it.
 */
import {isDeepStrictEqual} from 'node:util';
import type {Environment} from '../../engine/ids.ts';
import type {Problem} from '../../engine/definitions/definition.ts';
import type {FailedAudience, ShardAudience, Shards} from '../shards/protocol.ts';
import {AUDIENCE_ID_MAX} from '../../engine/profiles/membership-lists.ts';
import {CATALOG_BOUNDS, CatalogFullError, audit} from './catalog.ts';
import type {Actor, Catalog, Write} from './catalog.ts';
import type {CheckedDefinition, DefinitionCheck} from './definition-check.ts';
import type {Access, Audience, AudienceVersion} from './entities.ts';
import {Conflict, NotTold, Unacceptable} from './refusals.ts';

/** What its owner decides of an audience. `definition: undefined` is none. */
export type AudienceFields = Pick<
  Audience,
  | 'name'
  | 'externalName'
  | 'description'
  | 'tags'
  | 'environment'
  | 'workspaces'
  | 'inputs'
  | 'definition'
> & {readonly access: Access; readonly owner: string};

export interface AudienceActor extends Actor {
  readonly mayNest: CheckedDefinition['mayNest'];
}

export class AudienceBook {
  readonly #catalog: Catalog;
  readonly #shards: Shards;
  readonly #check: DefinitionCheck;
  /** Told when a deletion is durable. */
  onRemoved: () => void = () => {};
  /** Told once of each audience that the shards cannot calculate as it is defined, and why. */
  onFailed: (failed: FailedAudience) => void = () => {};
  #failed = new Map<number, string>();

  constructor({
    catalog,
    shards,
    check,
  }: {
    catalog: Catalog;
    shards: Shards;
    check: DefinitionCheck;
  }) {
    this.#catalog = catalog;
    this.#shards = shards;
    this.#check = check;
  }

  get(id: number): Audience | undefined {
    return this.#catalog.store.get('audiences', id);
  }

  /** By ascending id. */
  list(): Audience[] {
    return [...this.#catalog.store.all('audiences').values()].sort((a, b) => a.id - b.id);
  }

  /** Newest first, below `before`. */
  versions(id: number, page: {before: number | undefined; limit: number}): AudienceVersion[] {
    return this.#catalog.store.newest('versions', {prefix: [id], ...page});
  }

  version(id: number, version: number): AudienceVersion | undefined {
    return this.#catalog.store.archived('versions', [id, version]);
  }

  async create(fields: AudienceFields, actor: AudienceActor): Promise<Audience> {
    this.#catalog.refuseMoreThan(CATALOG_BOUNDS.audiencesMax, 'audiences');
    this.#refuseProblems(fields, undefined, actor);
    const audience = await this.#catalog.change('audiences', write => {
      const id = write.nextId('audiences');
      // Ids are never given again, and those of audiences that are gone count.
      if (id > AUDIENCE_ID_MAX) throw new CatalogFullError('audiences made', AUDIENCE_ID_MAX);
      const version = fields.definition === undefined ? 0 : 1;
      const made: Audience = {
        ...fields,
        id,
        version,
        lastVersion: version,
        status: 'draft',
        createdBy: actor.name,
        createdMs: actor.nowMs,
        lastModifiedBy: actor.name,
        lastModifiedMs: actor.nowMs,
      };
      putAudience(write, made, actor);
      audit(write, actor, {action: 'audience.create', target: `audience/${id}`, to: fields});
      return made;
    });
    if (audience.version > 0) await this.#define([audience], []);
    return audience;
  }

  /** Only what is there is changed; a field that is there and undefined is emptied. */
  async update(
    current: Audience,
    changes: Partial<AudienceFields>,
    actor: AudienceActor,
    action = 'audience.update',
  ): Promise<Audience> {
    const changed = changedKeys(current, changes);
    if (changed.length === 0) return current;
    const fields: Audience = {...current, ...changes};
    const meansOther = changed.some(key => MEANING.has(key));
    // What looks back too far by now can still be renamed.
    if (meansOther) this.#refuseProblems(fields, current, actor);
    if (fields.definition === undefined && current.definition !== undefined) {
      this.#refuseWhileNested(current, 'left without a definition');
    }
    if (fields.environment !== current.environment) {
      this.#refuseWhileNested(current, 'moved to the other environment');
    }
    const next = {...fields, ...versionAfter(fields, current, meansOther)};
    const made = await this.#replace(current, next, actor, {action, changed});
    if (!meansOther) return made;
    if (made.definition !== undefined) await this.#define([made], []);
    else if (current.definition !== undefined) await this.#define([], [made.id]);
    return made;
  }

  /** Ready at once; it fills in the background. */
  async activate(current: Audience, actor: Actor): Promise<Audience> {
    if (current.definition === undefined) {
      throw new Unacceptable([{path: 'definition', message: 'an audience needs one to be active'}]);
    }
    return this.#setStatus(current, 'active', actor);
  }

  async deactivate(current: Audience, actor: Actor): Promise<Audience> {
    if (current.status === 'draft') throw new Conflict('a draft is not active');
    return this.#setStatus(current, 'inactive', actor);
  }

  /** The definition of a version, with the scope it was saved in, as a new version. */
  restore(current: Audience, version: AudienceVersion, actor: AudienceActor): Promise<Audience> {
    const {definition, workspaces, inputs, environment} = version;
    const changes = {definition, workspaces, inputs, environment};
    return this.update(current, changes, actor, 'audience.restore');
  }

  async remove(current: Audience, actor: Actor): Promise<void> {
    this.#refuseWhileNested(current, 'deleted');
    const {id, owner, access, workspaces, environment} = current;
    await this.#catalog.change('audiences', write => {
      write.remove('audiences', id);
      write.put('deletedAudiences', id, {id, owner, access, workspaces, environment});
      write.removeArchived('versions', [id]);
      audit(write, actor, {action: 'audience.delete', target: `audience/${id}`, from: current});
    });
    this.onRemoved();
    if (current.definition !== undefined) await this.#define([], [id]);
  }

  /** What is wrong with a definition whose scope may be unknown: then it is judged in all workspaces. */
  problemsIn(
    {
      definition,
      workspaces,
      inputs,
      environment,
    }: {
      definition: unknown;
      workspaces: readonly number[] | undefined;
      inputs: readonly number[] | undefined;
      environment: Environment | undefined;
    },
    {audience, mayNest}: Pick<CheckedDefinition, 'audience' | 'mayNest'>,
  ): readonly Problem[] {
    const everywhere = [...this.#catalog.workspaces.values()].map(({id}) => id);
    const scope = {workspaces: workspaces ?? everywhere, inputs};
    const checked = this.#check.check({definition, scope, environment, audience, mayNest});
    const problems = 'problems' in checked ? checked.problems : [];
    return [...this.#check.scopeProblems(scope), ...problems];
  }

  /** What is wrong by now with the definition, though it was not when it was saved. */
  problemsOf(audience: Audience): readonly Problem[] {
    return this.#check.savedProblems(audience);
  }

  /**
   * For the start of the server: gives the shards the complete list, and takes from them what was
   * deleted while they could not be told.
   */
  async resendAll(): Promise<void> {
    const withDefinition = this.list().filter(({definition}) => definition !== undefined);
    const wanted = new Set(withDefinition.map(({id}) => id));
    const states = await this.#shards.callAll('states', undefined);
    const known = new Set(states.flat().map(({id}) => id));
    const {calculated} = this.#check;
    const keepers = calculated.list().flatMap(attribute => calculated.keepersOf(attribute));
    for (const {id} of keepers) wanted.add(id);
    const remove = [...known].filter(id => !wanted.has(id));
    await this.tellShards({audiences: withDefinition, keepers, remove});
  }

  /** What these audiences mean now, and what else the shards have to keep or forget. */
  async tellShards({
    audiences,
    keepers,
    remove,
  }: {
    readonly audiences: readonly Audience[];
    readonly keepers: readonly ShardAudience[];
    readonly remove: readonly number[];
  }): Promise<void> {
    const readable = audiences.flatMap(audience => this.#shardAudience(audience) ?? []);
    let failed: FailedAudience[][];
    try {
      const upsert = [...keepers, ...readable];
      failed = (await this.#shards.callAll('define', {upsert, remove})) as FailedAudience[][];
    } catch (cause) {
      throw new NotTold(cause);
    }
    this.#tellFailed(failed.flat());
  }

  #tellFailed(all: readonly FailedAudience[]): void {
    const sums = new Map<number, FailedAudience>();
    for (const one of all) {
      sums.set(one.id, {...one, size: one.size + (sums.get(one.id)?.size ?? 0)});
    }
    for (const one of [...sums.values()].sort((a, b) => a.id - b.id)) {
      if (this.#failed.get(one.id) !== one.failed) this.onFailed(one);
    }
    this.#failed = new Map([...sums].map(([id, {failed}]) => [id, failed]));
  }

  #setStatus(current: Audience, status: 'active' | 'inactive', actor: Actor): Promise<Audience> {
    if (current.status === status) return Promise.resolve(current);
    const action = status === 'active' ? 'audience.activate' : 'audience.deactivate';
    const change = {action, changed: ['status' as const]};
    return this.#replace(current, {...current, status}, actor, change).then(async made => {
      await this.#define([made], []);
      return made;
    });
  }

  #replace(
    current: Audience,
    next: Audience,
    actor: Actor,
    {action, changed}: {action: string; changed: readonly (keyof Audience)[]},
  ): Promise<Audience> {
    return this.#catalog.change('audiences', write => {
      const made = {...next, lastModifiedBy: actor.name, lastModifiedMs: actor.nowMs};
      write.put('audiences', made.id, made);
      if (made.version !== current.version && made.version > 0) archiveVersion(write, made, actor);
      audit(write, actor, {
        action,
        target: `audience/${made.id}`,
        from: pick(current, changed),
        to: pick(made, changed),
      });
      return made;
    });
  }

  #refuseProblems(
    fields: AudienceFields,
    audience: Audience | undefined,
    {mayNest}: AudienceActor,
  ): void {
    const problems: Problem[] = this.#check.scopeProblems(fields);
    if (fields.definition !== undefined) {
      const {definition, environment} = fields;
      const checked = this.#check.check({
        definition,
        scope: fields,
        environment,
        audience,
        mayNest,
      });
      if ('problems' in checked) problems.push(...checked.problems);
    }
    if (problems.length > 0) throw new Unacceptable(problems);
  }

  #refuseWhileNested({id}: Audience, what: string): void {
    const nesting = this.#check.nesting(id);
    if (nesting.length === 0) return;
    const names = nesting.map(other => `${other.id} (${other.name})`).join(', ');
    throw new Conflict(`audience ${id} cannot be ${what} while others nest it: ${names}`);
  }

  #define(audiences: readonly Audience[], remove: readonly number[]): Promise<void> {
    return this.tellShards({audiences, keepers: [], remove});
  }

  #shardAudience(audience: Audience): ShardAudience | undefined {
    const sound = this.#check.savedDefinition(audience);
    if (sound === undefined) return undefined;
    const {expression, calculated} = sound;
    const {id, version, status, workspaces, inputs, environment} = audience;
    return {
      id,
      version,
      active: status === 'active',
      expression,
      workspaces,
      inputs,
      environment,
      ...(calculated && {calculated}),
    };
  }
}

const MEANING: ReadonlySet<keyof Audience> = new Set<keyof Audience>([
  'definition',
  'workspaces',
  'inputs',
  'environment',
]);

function versionAfter(
  fields: Audience,
  current: Audience,
  meansOther: boolean,
): Pick<Audience, 'version' | 'lastVersion' | 'status'> {
  const {lastVersion, status} = current;
  if (fields.definition === undefined) return {version: 0, lastVersion, status: 'draft'};
  if (!meansOther) return {version: current.version, lastVersion, status};
  return {version: lastVersion + 1, lastVersion: lastVersion + 1, status};
}

function putAudience(write: Write, audience: Audience, actor: Actor): void {
  write.put('audiences', audience.id, audience);
  if (audience.version > 0) archiveVersion(write, audience, actor);
}

function archiveVersion(write: Write, audience: Audience, actor: Actor): void {
  const {id, version, definition, workspaces, inputs, environment} = audience;
  write.archive('versions', [id, version], {
    audience: id,
    version,
    definition,
    workspaces,
    inputs,
    environment,
    savedBy: actor.name,
    savedMs: actor.nowMs,
  });
}

function changedKeys(
  current: Audience,
  changes: Partial<AudienceFields>,
): (keyof AudienceFields)[] {
  const keys = Object.keys(changes) as (keyof AudienceFields)[];
  return keys.filter(key => !isDeepStrictEqual(current[key], changes[key]));
}

function pick(audience: Audience, keys: readonly (keyof Audience)[]): Record<string, unknown> {
  return Object.fromEntries(keys.map(key => [key, audience[key]]));
}
