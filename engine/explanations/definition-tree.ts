/** A definition as it was written, with those that it nests, over leaves that can be asked at any moment. */
import {must, unreachable} from '../assert.ts';
import type {AudienceSpec} from '../audiences/audience-spec.ts';
import {
  bindCriterion,
  bindPopulation,
  type BindingContext,
  type BoundCriterion,
} from '../criteria/bound-criterion.ts';
import {canonicalCriterion} from '../definitions/canonical-criterion.ts';
import type {Criterion, Expression} from '../definitions/definition.ts';
import type {ShardState} from '../shard-state.ts';
import {type Leaf, leafOf} from './leaf.ts';

export type Node =
  | {readonly kind: 'and' | 'or'; readonly of: readonly Node[]}
  | {readonly kind: 'exclude'; readonly of: Node}
  /** `leaf` is a position among the leaves. */
  | {readonly kind: 'leaf'; readonly criterion: Criterion; readonly leaf: number}
  | {
      readonly kind: 'audience';
      readonly criterion: Extract<Criterion, {kind: 'audience'}>;
      readonly tree: AudienceTree;
      /** It was not named before: here its definition is spelled out. */
      readonly isFirst: boolean;
    };

export interface AudienceTree {
  readonly spec: AudienceSpec;
  /** Position of the leaf that says whether it knows the profile. */
  readonly population: number;
  readonly whole: Node;
}

export interface DefinitionTree {
  readonly root: AudienceTree;
  /** Equal criteria over equal data are one. */
  readonly leaves: readonly Leaf[];
}

export function treeOf(state: ShardState, spec: AudienceSpec): DefinitionTree {
  const builder = new Builder(state);
  return {root: builder.audience(spec), leaves: builder.leaves};
}

class Builder {
  readonly leaves: Leaf[] = [];
  readonly #state: ShardState;
  readonly #byKey = new Map<string, number>();
  readonly #audiences = new Map<number, AudienceTree>();

  constructor(state: ShardState) {
    this.#state = state;
  }

  audience(spec: AudienceSpec): AudienceTree {
    const {workspaces, inputs, environment, calculated} = spec;
    const {eventRetentionMs} = this.#state.options;
    const binding = {workspaces, inputs, environment, calculated, eventRetentionMs};
    const population = this.#leaf(bindPopulation(binding));
    return {spec, population, whole: this.#node(spec.expression, binding)};
  }

  #node(expression: Expression, binding: BindingContext): Node {
    switch (expression.kind) {
      case 'criterion':
        return this.#criterion(expression.criterion, binding);
      case 'exclude':
        return {kind: 'exclude', of: this.#node(expression.of, binding)};
      case 'and':
      case 'or':
        return {kind: expression.kind, of: expression.of.map(each => this.#node(each, binding))};
      default:
        return unreachable(expression);
    }
  }

  #criterion(criterion: Criterion, binding: BindingContext): Node {
    if (criterion.kind !== 'audience') {
      const leaf = this.#leaf(bindCriterion(canonicalCriterion(criterion), binding));
      return {kind: 'leaf', criterion, leaf};
    }
    const {audience} = criterion;
    const known = this.#audiences.get(audience);
    if (known !== undefined) return {kind: 'audience', criterion, tree: known, isFirst: false};
    const spec = must(this.#state.audiences.spec(audience), `audience ${audience} is known`);
    const tree = this.audience(spec);
    this.#audiences.set(audience, tree);
    return {kind: 'audience', criterion, tree, isFirst: true};
  }

  #leaf(bound: BoundCriterion): number {
    let position = this.#byKey.get(bound.key);
    if (position === undefined) {
      position = this.leaves.push(leafOf(this.#state, bound)) - 1;
      this.#byKey.set(bound.key, position);
    }
    return position;
  }
}
