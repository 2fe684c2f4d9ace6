/**
 * Workspaces, inputs, tokens and small facts; audiences have `audience-book.ts`. Every change names who
 * makes it and leaves an audit entry in the same transaction.
 */
import {randomInt} from 'node:crypto';
import {CatalogStore} from '../../storage/catalog-store.ts';
import type {CatalogWrite} from '../../storage/catalog-store.ts';
import {hashSecret, makeInputKey, makeInputSecret, makeToken} from './credentials.ts';
import type {
  ArchivedTables,
  AuditEntry,
  CalculatedAttribute,
  Input,
  ResidentTables,
  Role,
  Token,
  Workspace,
} from './entities.ts';
import {namesInput} from './named-inputs.ts';
import {Conflict} from './refusals.ts';

export type Write = CatalogWrite<ResidentTables, ArchivedTables>;

/** What a change may make others look again at: inputs and tokens, audiences, or nothing. */
export type Topic = 'credentials' | 'audiences' | 'other';

/** Who changes something, and when. */
export interface Actor {
  readonly name: string;
  readonly nowMs: number;
}

/** Far above what is sensible: they bound memory against a client that runs wild. */
export const CATALOG_BOUNDS = {
  workspacesMax: 10_000,
  inputsMax: 50_000,
  tokensMax: 50_000,
  audiencesMax: 50_000,
  calculatedAttributesMax: 10_000,
  cursorsPerTokenMax: 1_000,
} as const;

/** A bound of CATALOG_BOUNDS is reached. */
export class CatalogFullError extends Error {
  constructor(things: string, max: number) {
    super(`there are ${max} ${things} already, which is the most there may be`);
    this.name = 'CatalogFullError';
  }
}

export class Catalog {
  readonly store: CatalogStore<ResidentTables, ArchivedTables>;
  /** Tells this data folder from every other one; survives restarts. */
  readonly folderId: number;
  readonly #listeners: Record<Topic, (() => void)[]> = {credentials: [], audiences: [], other: []};

  private constructor(store: CatalogStore<ResidentTables, ArchivedTables>, folderId: number) {
    this.store = store;
    this.folderId = folderId;
  }

  static async open(folder: string): Promise<Catalog> {
    const store = await CatalogStore.open<ResidentTables, ArchivedTables>(folder, {
      resident: [
        'workspaces',
        'inputs',
        'tokens',
        'audiences',
        'deletedAudiences',
        'calculatedAttributes',
        'cursors',
        'watchedAttributes',
        'downloads',
        'facts',
      ],
      archived: ['versions', 'audit'],
    });
    const known = store.get('facts', 'folderId');
    const folderId = known ?? randomInt(1, 2 ** 32);
    if (known === undefined) await store.change(write => write.put('facts', 'folderId', folderId));
    return new Catalog(store, folderId);
  }

  get workspaces(): ReadonlyMap<number | string, Workspace> {
    return this.store.all('workspaces');
  }

  get inputs(): ReadonlyMap<number | string, Input> {
    return this.store.all('inputs');
  }

  get tokens(): ReadonlyMap<number | string, Token> {
    return this.store.all('tokens');
  }

  /** Told after a change of the topic, in memory; it may not be on disk yet. */
  onChange(topic: Topic, listener: () => void): void {
    this.#listeners[topic].push(listener);
  }

  /** One atomic change with its audit entries; resolves when durable. */
  async change<T>(topic: Topic, collect: (write: Write) => T): Promise<T> {
    const durable = this.store.change(collect);
    this.#tell(topic);
    try {
      return await durable;
    } catch (error) {
      this.#tell(topic);
      throw error;
    }
  }

  createWorkspace({name}: {name: string}, actor: Actor): Promise<Workspace> {
    this.refuseMoreThan(CATALOG_BOUNDS.workspacesMax, 'workspaces');
    return this.change('other', write => {
      const id = write.nextId('workspaces');
      const workspace = {id, name, createdBy: actor.name, createdMs: actor.nowMs};
      write.put('workspaces', id, workspace);
      audit(write, actor, {action: 'workspace.create', target: `workspace/${id}`, to: {name}});
      return workspace;
    });
  }

  /** Refused while anything is in it. What its profiles have there goes with the retention. */
  async removeWorkspace({id, name}: Workspace, actor: Actor): Promise<void> {
    await this.change('other', write => {
      const audiences = [...this.store.all('audiences').values()].filter(({workspaces}) =>
        workspaces.includes(id),
      );
      const inputs = [...this.inputs.values()].filter(({workspace}) => workspace === id);
      const calculated = this.#calculated(each => each.workspace === id);
      const inside = [
        ...named('audience', audiences),
        ...named('input', inputs),
        ...named('calculated attribute', calculated),
      ];
      if (inside.length > 0) {
        throw new Conflict(`workspace ${id} cannot be deleted while it has ${listed(inside)}`);
      }
      write.remove('workspaces', id);
      audit(write, actor, {action: 'workspace.delete', target: `workspace/${id}`, from: {name}});
    });
  }

  /** Its credentials are refused from this moment on; what it sent stays. Refused while an audience names it. */
  async removeInput(
    {id, workspace, name, type, platform, key}: Input,
    actor: Actor,
  ): Promise<void> {
    await this.change('credentials', write => {
      const users = [...this.store.all('audiences').values()].filter(
        each => namesInput(each, id) || namesInput(each.definition, id),
      );
      const calculated = this.#calculated(({event}) => namesInput(event, id));
      const all = [...named('audience', users), ...named('calculated attribute', calculated)];
      if (all.length > 0) {
        const names = listed(all);
        throw new Conflict(`input ${id} cannot be deleted while it is named by ${names}`);
      }
      write.remove('inputs', id);
      const from = {workspace, name, type, platform, key};
      audit(write, actor, {action: 'input.delete', target: `input/${id}`, from});
    });
  }

  /** The workspace must exist. The secret is nowhere else. */
  createInput(
    {workspace, name, type, platform}: Pick<Input, 'workspace' | 'name' | 'type' | 'platform'>,
    actor: Actor,
  ): Promise<{input: Input; secret: string}> {
    this.refuseMoreThan(CATALOG_BOUNDS.inputsMax, 'inputs');
    const secret = makeInputSecret();
    return this.change('credentials', write => {
      const id = write.nextId('inputs');
      const input: Input = {
        id,
        workspace,
        name,
        type,
        platform,
        key: makeInputKey(),
        secretHash: hashSecret(secret),
        createdBy: actor.name,
        createdMs: actor.nowMs,
      };
      write.put('inputs', id, input);
      const to = {workspace, name, type, platform, key: input.key};
      audit(write, actor, {action: 'input.create', target: `input/${id}`, to});
      return {input, secret};
    });
  }

  /** The secret is nowhere else. */
  createToken(
    {name, role, audiences, identities}: TokenGrant,
    actor: Actor,
  ): Promise<{token: Token; secret: string}> {
    this.refuseMoreThan(CATALOG_BOUNDS.tokensMax, 'tokens');
    const secret = makeToken();
    return this.change('credentials', write => {
      const id = write.nextId('tokens');
      const grant = {name, role, audiences, identities};
      const token: Token = {
        id,
        ...grant,
        hash: hashSecret(secret),
        createdBy: actor.name,
        createdMs: actor.nowMs,
      };
      write.put('tokens', id, token);
      audit(write, actor, {action: 'token.create', target: `token/${id}`, to: grant});
      return {token, secret};
    });
  }

  /** It is refused from this moment on, and its named cursors are forgotten. */
  async revokeToken(token: Token, actor: Actor): Promise<void> {
    const {id, name, role, audiences, identities} = token;
    await this.change('credentials', write => {
      write.remove('tokens', id);
      for (const key of this.store.all('cursors').keys()) {
        if (String(key).startsWith(`${id}/`)) write.remove('cursors', key);
      }
      const from = {name, role, audiences, identities};
      audit(write, actor, {action: 'token.revoke', target: `token/${id}`, from});
    });
  }

  /** Newest first, below `before`. */
  auditEntries({before, limit}: {before: number | undefined; limit: number}): AuditEntry[] {
    return this.store.newest('audit', {prefix: [], before, limit});
  }

  #calculated(isMeant: (attribute: CalculatedAttribute) => boolean): CalculatedAttribute[] {
    return [...this.store.all('calculatedAttributes').values()].filter(isMeant);
  }

  #tell(topic: Topic): void {
    for (const listener of this.#listeners[topic]) listener();
  }

  close(): Promise<void> {
    return this.store.close();
  }

  refuseMoreThan(max: number, things: BoundedTable): void {
    if (this.store.all(things).size < max) return;
    throw new CatalogFullError(
      things.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`),
      max,
    );
  }
}

type BoundedTable = 'workspaces' | 'inputs' | 'tokens' | 'audiences' | 'calculatedAttributes';

export interface TokenGrant {
  readonly name: string;
  readonly role: Role;
  readonly audiences: readonly number[] | undefined;
  readonly identities: readonly string[] | undefined;
}

function named(
  kind: string,
  things: readonly {readonly id: number; readonly name: string}[],
): string[] {
  return things.map(({id, name}) => `${kind} ${id} (${name})`);
}

const LISTED_MAX = 20;

function listed(names: readonly string[]): string {
  const more = names.length - LISTED_MAX;
  return names.slice(0, LISTED_MAX).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** Adds the entry to the change it belongs to. */
export function audit(
  write: Write,
  actor: Actor,
  {
    action,
    target,
    from = null,
    to = null,
  }: {action: string; target: string; from?: unknown; to?: unknown},
): void {
  const id = write.nextId('audit');
  write.archive('audit', [id], {id, atMs: actor.nowMs, who: actor.name, action, target, from, to});
}
