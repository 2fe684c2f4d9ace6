/** Calculated attributes as definitions ask for them: by name, in the workspaces of an audience. */
import {keeperOf} from '../../engine/audiences/keeper.ts';
import type {CalculatedAttributeSpec} from '../../engine/definitions/calculated-attribute.ts';
import {parseCalculatedAttribute} from '../../engine/definitions/parse-calculated-attribute.ts';
import type {ShardAudience} from '../shards/protocol.ts';
import type {Catalog} from './catalog.ts';
import {ENVIRONMENTS} from './entities.ts';
import type {CalculatedAttribute} from './entities.ts';

export class CalculatedAttributes {
  readonly #catalog: Catalog;
  /** Entities are never changed in place. */
  readonly #specs = new WeakMap<CalculatedAttribute, CalculatedAttributeSpec>();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  get(id: number): CalculatedAttribute | undefined {
    return this.#catalog.store.get('calculatedAttributes', id);
  }

  /** By ascending id. */
  list(): CalculatedAttribute[] {
    const all = this.#catalog.store.all('calculatedAttributes').values();
    return [...all].sort((a, b) => a.id - b.id);
  }

  find(workspace: number, name: string): CalculatedAttribute | undefined {
    return this.list().find(each => each.workspace === workspace && each.name === name);
  }

  /** Whether any of the workspaces has one of this name. */
  has(name: string, workspaces: readonly number[]): boolean {
    return workspaces.some(workspace => this.find(workspace, name) !== undefined);
  }

  /** What the names mean in the workspaces; undefined: there is nothing to be known. */
  specsOf(
    names: readonly string[],
    workspaces: readonly number[],
  ): readonly CalculatedAttributeSpec[] | undefined {
    if (names.length === 0) return undefined;
    return this.list()
      .filter(({name, workspace}) => names.includes(name) && workspaces.includes(workspace))
      .flatMap(attribute => this.#specOf(attribute) ?? []);
  }

  /** What makes every shard keep an attribute's history, in both environments. */
  keepersOf(attribute: CalculatedAttribute): ShardAudience[] {
    const spec = this.#specOf(attribute);
    if (spec === undefined) return [];
    const {id, version} = attribute;
    return ENVIRONMENTS.map(environment => keeperOf(spec, {id, version, environment}));
  }

  /** It was found right when it was saved; undefined when this program cannot read it any more. */
  #specOf(attribute: CalculatedAttribute): CalculatedAttributeSpec | undefined {
    const known = this.#specs.get(attribute);
    if (known !== undefined) return known;
    const context = {eventRetentionMs: Infinity, hasInput: () => true};
    const parsed = parseCalculatedAttribute(attribute, context);
    if ('problems' in parsed) return undefined;
    this.#specs.set(attribute, parsed.spec);
    return parsed.spec;
  }
}
