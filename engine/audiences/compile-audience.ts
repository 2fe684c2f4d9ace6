/**
 * An audience's definition as a node of the shared graph: its expression and its population. A nested
 * audience is its own root, with its own workspaces, inputs and environment, so it means there what it
 * means alone.
 */
import {assert, must, unreachable} from '../assert.ts';
import {
  bindCriterion,
  bindPopulation,
  type BindingContext,
  type BoundCriterion,
} from '../criteria/bound-criterion.ts';
import type {Criterion, Expression} from '../definitions/definition.ts';
import {normalizeExpression} from '../definitions/normalize-expression.ts';
import type {Clause} from '../expressions/clauses.ts';
import {type ExpressionGraph, type Literal, not} from '../expressions/expression-graph.ts';
import type {AudienceSpec} from './audience-spec.ts';

/** A longer clause is a node of its own: its parents would run over it with each of its literals. */
const CLAUSE_MAX = 4;

export interface CompileContext {
  readonly graph: ExpressionGraph;
  readonly eventRetentionMs: number;
  readonly specOf: (audience: number) => AudienceSpec | undefined;
  /** A criterion that no audience had before; called before anything is built on it. */
  readonly onCriterion: (slot: number, bound: BoundCriterion) => void;
  /** Receives the slots of new combinations, children before parents. */
  readonly created: number[];
}

type Combination = Extract<Expression, {kind: 'and' | 'or'}>;

/** The root: never negated, because every member is in the population. */
export function compileAudience(spec: AudienceSpec, context: CompileContext): Literal {
  const root = compileNested(spec, context, []);
  assert((root & 1) === 0, 'a root is not negated');
  return root;
}

function compileNested(
  spec: AudienceSpec,
  context: CompileContext,
  within: readonly number[],
): Literal {
  assert(
    !within.includes(spec.id),
    `audiences do not nest in a circle: ${[...within, spec.id].join(' → ')}`,
  );
  const path = [...within, spec.id];
  const binding: BindingContext = {
    workspaces: spec.workspaces,
    inputs: spec.inputs,
    environment: spec.environment,
    eventRetentionMs: context.eventRetentionMs,
    calculated: spec.calculated,
  };
  const criterion = (bound: BoundCriterion): Literal => {
    const {slot, created} = context.graph.criterion(bound.key);
    if (created) context.onCriterion(slot, bound);
    return slot * 2;
  };
  const compileCriterion = (part: Criterion): Literal => {
    if (part.kind !== 'audience') return criterion(bindCriterion(part, binding));
    const nested = must(context.specOf(part.audience), `audience ${part.audience} is known`);
    const root = compileNested(nested, context, path);
    return part.operator === 'member' ? root : not(root);
  };
  const compile = (part: Expression): Literal => {
    switch (part.kind) {
      case 'criterion':
        return compileCriterion(part.criterion);
      case 'exclude':
        return not(compile(part.of));
      case 'and':
      case 'or':
        return combine(part);
      default:
        return unreachable(part);
    }
  };
  const clauseOf = (part: Expression, within: 'and' | 'or'): Clause => {
    const isShort = 'of' in part && Array.isArray(part.of) && part.of.length <= CLAUSE_MAX;
    if (isShort && part.kind !== within) return part.of.map(compile);
    return [compile(part)];
  };
  const combine = ({kind, of}: Combination, ...more: readonly Clause[]): Literal => {
    const clauses = of.map(part => clauseOf(part, kind));
    return context.graph.combine(kind, [...more, ...clauses], context.created);
  };
  const expression = normalizeExpression(spec.expression);
  const all: Combination = expression.kind === 'and' ? expression : {kind: 'and', of: [expression]};
  return combine(all, [criterion(bindPopulation(binding))]);
}
