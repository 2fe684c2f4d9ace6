/** Whether a definition can be saved in a scope, with every fault at once. */
import {parseDefinition} from '../../engine/definitions/parse-definition.ts';
import {calculatedNames} from '../../engine/audiences/audience-spec.ts';
import type {CalculatedAttributeSpec} from '../../engine/definitions/calculated-attribute.ts';
import type {ParseContext} from '../../engine/definitions/parse-definition.ts';
import type {Expression, Problem} from '../../engine/definitions/definition.ts';
import {CalculatedAttributes} from './calculated-attributes.ts';
import type {Catalog} from './catalog.ts';
import type {Audience, AudienceScope} from './entities.ts';
import type {Environment} from '../../engine/ids.ts';
import {findChain, nestedReferences} from './nesting.ts';
import type {NestedReference} from './nesting.ts';

export interface DefinitionSettings {
  readonly eventRetentionMs: number;
  readonly findCity: (name: string) => ReturnType<ParseContext['findCity']>;
}

export interface CheckedDefinition {
  readonly definition: unknown;
  readonly scope: Pick<AudienceScope, 'workspaces' | 'inputs'>;
  /** undefined: not known, and whether what it nests is of the same one is not judged. */
  readonly environment: Environment | undefined;
  /** The audience it is for; undefined: one that is not made yet, or a question without one. */
  readonly audience: Audience | undefined;
  /** Whether the person who asks may nest the other audience. */
  readonly mayNest: (other: Audience) => boolean;
}

/** A definition without a fault, with what the names in it mean. */
export interface SoundDefinition {
  readonly expression: Expression;
  readonly calculated: readonly CalculatedAttributeSpec[] | undefined;
}

/** Names were judged when the definition was saved. */
const EVERYTHING = {
  hasAudience: () => true,
  hasInput: () => true,
  hasCalculatedAttribute: () => true,
};

export class DefinitionCheck {
  readonly calculated: CalculatedAttributes;
  readonly #catalog: Catalog;
  readonly #settings: DefinitionSettings;
  /** Definitions are never changed in place. */
  readonly #references = new WeakMap<object, readonly NestedReference[]>();
  readonly #savedProblems = new WeakMap<object, readonly Problem[]>();

  constructor({catalog, settings}: {catalog: Catalog; settings: DefinitionSettings}) {
    this.#catalog = catalog;
    this.#settings = settings;
    this.calculated = new CalculatedAttributes(catalog);
  }

  /** Faults of workspaces and inputs: unknown, none, or of another workspace. */
  scopeProblems({workspaces, inputs}: CheckedDefinition['scope']): Problem[] {
    const problems: Problem[] = [];
    for (const [index, id] of workspaces.entries()) {
      if (this.#catalog.workspaces.has(id)) continue;
      problems.push({path: `workspaces[${index}]`, message: `there is no workspace ${id}`});
    }
    for (const [index, id] of (inputs ?? []).entries()) {
      if (this.#hasInput(workspaces, id)) continue;
      const message = `there is no input ${id} in the workspaces of the audience`;
      problems.push({path: `inputs[${index}]`, message});
    }
    return problems;
  }

  /** What is asked of the shards, or every fault of the definition. */
  check(checked: CheckedDefinition): SoundDefinition | {problems: readonly Problem[]} {
    const {definition, scope, environment, audience, mayNest} = checked;
    const kept = new Set(this.nestedIn(audience?.definition).map(each => each.audience));
    const parsed = parseDefinition(definition, {
      ...this.#settings,
      workspaces: scope.workspaces,
      inputs: scope.inputs,
      hasAudience: id => {
        const other = this.#catalog.store.get('audiences', id);
        // What it nests already it may go on nesting, whoever saves it.
        return other !== undefined && (kept.has(id) || id === audience?.id || mayNest(other));
      },
      hasInput: id => this.#hasInput(scope.workspaces, id),
      hasCalculatedAttribute: (name, workspaces) => this.calculated.has(name, workspaces),
    });
    if ('problems' in parsed) return parsed;
    const problems = this.#nestingProblems(definition, {self: audience?.id, environment});
    return problems.length > 0 ? {problems} : this.#sound(parsed.expression, scope);
  }

  /**
   * A definition that was found right when it was saved, even if the event retention is shorter now;
   * undefined when this program cannot read it.
   */
  savedDefinition({definition, workspaces, inputs}: Audience): SoundDefinition | undefined {
    const parsed = parseDefinition(definition, {
      ...this.#settings,
      ...EVERYTHING,
      eventRetentionMs: Infinity,
      workspaces,
      inputs,
    });
    return 'expression' in parsed ? this.#sound(parsed.expression, {workspaces}) : undefined;
  }

  /** What is wrong by now with a definition that was found right when it was saved: it looks back too far, or cannot be read. */
  savedProblems({definition, workspaces, inputs}: Audience): readonly Problem[] {
    if (typeof definition !== 'object' || definition === null) return [];
    let problems = this.#savedProblems.get(definition);
    if (problems === undefined) {
      const parsed = parseDefinition(definition, {
        ...this.#settings,
        ...EVERYTHING,
        workspaces,
        inputs,
      });
      problems = 'problems' in parsed ? parsed.problems : [];
      this.#savedProblems.set(definition, problems);
    }
    return problems;
  }

  #sound(expression: Expression, {workspaces}: Pick<AudienceScope, 'workspaces'>): SoundDefinition {
    const names = calculatedNames(expression);
    return {expression, calculated: this.calculated.specsOf(names, workspaces)};
  }

  /** Audiences whose definitions nest this one, by id. */
  nesting(id: number): Audience[] {
    return [...this.#catalog.store.all('audiences').values()].filter(other =>
      this.nestedIn(other.definition).some(({audience}) => audience === id),
    );
  }

  nestedIn(definition: unknown): readonly NestedReference[] {
    if (typeof definition !== 'object' || definition === null) return [];
    let references = this.#references.get(definition);
    if (references === undefined) {
      references = nestedReferences(definition);
      this.#references.set(definition, references);
    }
    return references;
  }

  #nestingProblems(
    definition: unknown,
    {self, environment}: {self: number | undefined; environment: Environment | undefined},
  ): Problem[] {
    const problems: Problem[] = [];
    for (const {audience, path} of nestedReferences(definition)) {
      const chain = self === undefined ? undefined : this.#chain(audience, self);
      const other = this.#catalog.store.get('audiences', audience);
      if (chain !== undefined) {
        const message = `audiences would nest one another: ${[self, ...chain].join(' → ')}`;
        problems.push({path, message});
      } else if (other?.definition === undefined) {
        problems.push({path, message: `audience ${audience} has no definition yet`});
      } else if (environment !== undefined && other.environment !== environment) {
        const message = `audience ${audience} is of the ${other.environment} environment, and this is ${environment}: their data live apart`;
        problems.push({path, message});
      }
    }
    return problems;
  }

  #chain(from: number, to: number): number[] | undefined {
    return findChain(from, to, id => {
      const definition = this.#catalog.store.get('audiences', id)?.definition;
      return this.nestedIn(definition).map(({audience}) => audience);
    });
  }

  #hasInput(workspaces: readonly number[], id: number): boolean {
    const input = this.#catalog.inputs.get(id);
    return input !== undefined && workspaces.includes(input.workspace);
  }
}
