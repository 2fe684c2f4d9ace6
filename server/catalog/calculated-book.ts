/**
 * Makes, changes and deletes calculated attributes. A change is judged against everything that is there,
 * made in one step, and answered when every shard has learned it, with all the audiences it concerns.
 */
import {isDeepStrictEqual} from 'node:util';
import {keeperId} from '../../engine/audiences/keeper.ts';
import type {Calculation} from '../../engine/definitions/calculated-attribute.ts';
import type {Problem} from '../../engine/definitions/definition.ts';
import {parseCalculatedAttribute} from '../../engine/definitions/parse-calculated-attribute.ts';
import type {AudienceBook} from './audience-book.ts';
import {calculatedReferences} from './calculated-references.ts';
import type {CalculatedAttributes} from './calculated-attributes.ts';
import {CATALOG_BOUNDS, audit} from './catalog.ts';
import type {Actor, Catalog} from './catalog.ts';
import {ENVIRONMENTS} from './entities.ts';
import type {Audience, CalculatedAttribute} from './entities.ts';
import {Conflict, Unacceptable} from './refusals.ts';

export interface CalculatedFields {
  readonly workspace: number;
  readonly name: string;
  readonly calculation: Calculation;
  /** JSON as it was sent: which events. */
  readonly event: unknown;
  readonly attribute: string | undefined;
  /** JSON as it was sent: in which period; undefined: as long as events are kept. */
  readonly when: unknown;
}

export interface CalculatedBookParts {
  readonly catalog: Catalog;
  readonly attributes: CalculatedAttributes;
  readonly audiences: AudienceBook;
  readonly eventRetentionMs: number;
}

export class CalculatedBook {
  readonly #parts: CalculatedBookParts;

  constructor(parts: CalculatedBookParts) {
    this.#parts = parts;
  }

  get attributes(): CalculatedAttributes {
    return this.#parts.attributes;
  }

  async create(fields: CalculatedFields, actor: Actor): Promise<CalculatedAttribute> {
    const {catalog} = this.#parts;
    catalog.refuseMoreThan(CATALOG_BOUNDS.calculatedAttributesMax, 'calculatedAttributes');
    this.#refuseProblems(fields);
    this.#refuseTaken(fields);
    const made = await catalog.change('audiences', write => {
      const id = write.nextId('calculatedAttributes');
      const attribute: CalculatedAttribute = {
        ...fields,
        id,
        version: 1,
        createdBy: actor.name,
        createdMs: actor.nowMs,
        lastModifiedBy: actor.name,
        lastModifiedMs: actor.nowMs,
      };
      write.put('calculatedAttributes', id, attribute);
      const target = `calculated_attribute/${id}`;
      audit(write, actor, {action: 'calculated_attribute.create', target, to: fields});
      return attribute;
    });
    await this.#tell(made);
    return made;
  }

  /** Only what is there is changed. Audiences that use it are calculated anew. */
  async update(
    current: CalculatedAttribute,
    changes: Partial<Omit<CalculatedFields, 'workspace'>>,
    actor: Actor,
  ): Promise<CalculatedAttribute> {
    const keys = Object.keys(changes) as (keyof typeof changes)[];
    const changed = keys.filter(key => !isDeepStrictEqual(current[key], changes[key]));
    if (changed.length === 0) return current;
    const next = {...current, ...changes};
    this.#refuseProblems(next);
    if (next.name !== current.name) {
      this.#refuseTaken(next);
      this.#refuseWhileUsed(current, 'given another name');
    }
    const made = await this.#parts.catalog.change('audiences', write => {
      const attribute: CalculatedAttribute = {
        ...next,
        version: current.version + 1,
        lastModifiedBy: actor.name,
        lastModifiedMs: actor.nowMs,
      };
      write.put('calculatedAttributes', attribute.id, attribute);
      audit(write, actor, {
        action: 'calculated_attribute.update',
        target: `calculated_attribute/${attribute.id}`,
        from: Object.fromEntries(changed.map(key => [key, current[key]])),
        to: Object.fromEntries(changed.map(key => [key, attribute[key]])),
      });
      return attribute;
    });
    await this.#tell(made);
    return made;
  }

  async remove(current: CalculatedAttribute, actor: Actor): Promise<void> {
    this.#refuseWhileUsed(current, 'deleted');
    const {id} = current;
    await this.#parts.catalog.change('audiences', write => {
      write.remove('calculatedAttributes', id);
      const target = `calculated_attribute/${id}`;
      audit(write, actor, {action: 'calculated_attribute.delete', target, from: current});
    });
    const keepers = ENVIRONMENTS.map(environment => keeperId(id, environment));
    await this.#parts.audiences.tellShards({audiences: [], keepers: [], remove: keepers});
  }

  /** Audiences whose definitions ask for it, drafts included; by id. */
  users({name, workspace}: CalculatedAttribute): Audience[] {
    return this.#parts.audiences
      .list()
      .filter(audience =>
        calculatedReferences(audience.definition).some(
          reference =>
            reference.name === name &&
            (reference.workspaces ?? audience.workspaces).includes(workspace),
        ),
      );
  }

  async #tell(attribute: CalculatedAttribute): Promise<void> {
    const keepers = this.#parts.attributes.keepersOf(attribute);
    const audiences = this.users(attribute);
    await this.#parts.audiences.tellShards({audiences, keepers, remove: []});
  }

  #refuseProblems(fields: CalculatedFields): void {
    const {catalog, eventRetentionMs} = this.#parts;
    const {workspace} = fields;
    if (!catalog.workspaces.has(workspace)) {
      const message = `there is no workspace ${workspace}`;
      throw new Unacceptable([{path: 'workspace', message}]);
    }
    const hasInput = (id: number): boolean => catalog.inputs.get(id)?.workspace === workspace;
    const parsed = parseCalculatedAttribute(fields, {eventRetentionMs, hasInput});
    if ('problems' in parsed) throw new Unacceptable(parsed.problems);
  }

  /** What is wrong by now, though it was not when it was saved: its period is longer than events are kept. */
  problemsOf(attribute: CalculatedAttribute): readonly Problem[] {
    const {eventRetentionMs} = this.#parts;
    const parsed = parseCalculatedAttribute(attribute, {eventRetentionMs, hasInput: () => true});
    return 'problems' in parsed ? parsed.problems : [];
  }

  #refuseTaken({workspace, name}: CalculatedFields): void {
    const known = this.#parts.attributes.find(workspace, name);
    if (known === undefined) return;
    throw new Conflict(
      `workspace ${workspace} has a calculated attribute ${JSON.stringify(name)}: ${known.id}`,
    );
  }

  #refuseWhileUsed(attribute: CalculatedAttribute, what: string): void {
    const users = this.users(attribute);
    if (users.length === 0) return;
    const names = users.map(({id, name}) => `${id} (${name})`).join(', ');
    const {id, name} = attribute;
    throw new Conflict(
      `calculated attribute ${id} (${name}) cannot be ${what} while audiences use it: ${names}`,
    );
  }
}
