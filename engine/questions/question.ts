/**
 * A definition that nobody maintains as a question to a shard: its criteria as leaves, each answered in
 * the cheapest way that is exact, or left open. Compiling looks into the shard's graph and changes nothing.
 */
import {assert, must, unreachable} from '../assert.ts';
import type {AudienceSpec} from '../audiences/audience-spec.ts';
import {
  bindCriterion,
  bindPopulation,
  type BindingContext,
  type BoundCriterion,
  type HistorySpec,
} from '../criteria/bound-criterion.ts';
import {historiesOfBound} from '../criteria/criteria-table.ts';
import {compileTruth, type CriterionTruth} from '../criteria/criterion-truth.ts';
import {canonicalCriterion} from '../definitions/canonical-criterion.ts';
import type {Criterion, Expression} from '../definitions/definition.ts';
import type {ShardState} from '../shard-state.ts';
import {all, any, type Formula, leaf, not} from './formula.ts';

export type Leaf =
  /** Kept for everybody: a bit of every row. */
  | {readonly kind: 'bit'; readonly slot: number}
  /** Told by what the shard keeps of a profile: its facts, or histories that other criteria need too. */
  | {readonly kind: 'truth'; readonly truth: CriterionTruth}
  /** About events of which no history is kept: only the journal knows. */
  | {readonly kind: 'events'; readonly bound: BoundCriterion};

/** Something whose size is asked for. */
export interface QuestionPart {
  /** Of a criterion in the definition; '' for the whole, 'added' and 'dropped' for what a change does. */
  readonly path: string;
  readonly formula: Formula;
}

export interface Question {
  readonly leaves: readonly Leaf[];
  readonly parts: readonly QuestionPart[];
}

export interface AskedDefinition {
  /** Its `id` and `version` are not looked at. */
  readonly spec: AudienceSpec;
  /** The audience that would be given the definition: who would be added and dropped? */
  readonly instead: number | undefined;
}

/** Sizes of the whole and of every criterion within the population, and of the change when there is one. */
export function compileQuestion(state: ShardState, {spec, instead}: AskedDefinition): Question {
  const compiler = new Compiler(state);
  const parts = compiler.parts(spec);
  if (instead !== undefined) {
    const whole = must(parts[0], 'a definition has a size').formula;
    const root = state.audiences.get(instead)?.root ?? -1;
    const before = root < 0 ? undefined : compiler.bit(root >> 1);
    const nobody = all([whole, not(whole)]);
    parts.push(
      {path: 'added', formula: before === undefined ? whole : all([whole, not(before)])},
      {path: 'dropped', formula: before === undefined ? nobody : all([before, not(whole)])},
    );
  }
  return {leaves: compiler.leaves, parts};
}

class Compiler {
  readonly leaves: Leaf[] = [];
  readonly #state: ShardState;
  #byKey = new Map<string, Formula>();

  constructor(state: ShardState) {
    this.#state = state;
  }

  parts(spec: AudienceSpec): QuestionPart[] {
    const binding = this.#binding(spec);
    const population = this.#leaf(bindPopulation(binding));
    const parts: QuestionPart[] = [];
    const whole = this.#expression(spec.expression, binding, [], {path: 'definition', parts});
    const within = parts.map(({path, formula}) => ({path, formula: all([population, formula])}));
    return [{path: '', formula: all([population, whole])}, ...within];
  }

  bit(slot: number): Formula {
    return this.#once(`slot ${slot}`, () => ({kind: 'bit', slot}));
  }

  /** With `tell` each criterion is also a part of its own. */
  #expression(
    expression: Expression,
    binding: BindingContext,
    within: readonly number[],
    tell?: {readonly path: string; readonly parts: QuestionPart[]},
  ): Formula {
    const inside = (place: string) => tell && {...tell, path: `${tell.path}.${place}`};
    switch (expression.kind) {
      case 'criterion': {
        const formula = this.#criterion(expression.criterion, binding, within);
        tell?.parts.push({path: tell.path, formula});
        return formula;
      }
      case 'exclude':
        return not(this.#expression(expression.of, binding, within, inside('exclude')));
      case 'and':
      case 'or': {
        const of = expression.of.map((each, index) =>
          this.#expression(each, binding, within, inside(`${expression.kind}[${index}]`)),
        );
        return expression.kind === 'and' ? all(of) : any(of);
      }
      default:
        return unreachable(expression);
    }
  }

  #criterion(criterion: Criterion, binding: BindingContext, within: readonly number[]): Formula {
    if (criterion.kind !== 'audience') {
      return this.#leaf(bindCriterion(canonicalCriterion(criterion), binding));
    }
    const root = this.#nested(criterion.audience, within);
    return criterion.operator === 'member' ? root : not(root);
  }

  /** The bit of an audience that is served as it is defined; else its definition, criterion by criterion. */
  #nested(id: number, within: readonly number[]): Formula {
    const {audiences} = this.#state;
    const spec = must(audiences.spec(id), `audience ${id} is known`);
    const audience = audiences.get(id);
    if (audience !== undefined && audience.root >= 0 && audience.next === undefined) {
      return this.bit(audience.root >> 1);
    }
    assert(!within.includes(id), `audience ${id} does not nest itself`);
    const binding = this.#binding(spec);
    const whole = this.#expression(spec.expression, binding, [...within, id]);
    return all([this.#leaf(bindPopulation(binding)), whole]);
  }

  #leaf(bound: BoundCriterion): Formula {
    return this.#once(bound.key, () => {
      const {graph, options, texts} = this.#state;
      const slot = graph.find(bound.key);
      if (slot >= 0 && !graph.isFresh(slot)) return {kind: 'bit', slot};
      const histories = historiesOfBound(bound).map(spec => this.#history(spec));
      if (histories.some(id => id === undefined)) return {kind: 'events', bound};
      const {eventRetentionMs} = options;
      const parts = {histories: histories as number[], eventRetentionMs, texts};
      const truth = compileTruth(bound, parts);
      return {kind: 'truth', truth};
    });
  }

  /** A history that has all that this one would have; undefined when none is kept. */
  #history(spec: HistorySpec): number | undefined {
    const {criteria} = this.#state;
    // One that keeps the latest few will do with one that keeps all.
    const keys = spec.value === undefined ? [spec.key, spec.filter.key] : [spec.key];
    for (const key of keys) {
      const history = criteria.historyByKey(key);
      if (history?.ready === true) return history.id;
    }
    return undefined;
  }

  #once(key: string, make: () => Leaf): Formula {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const formula = leaf(this.leaves.push(make()) - 1);
    this.#byKey.set(key, formula);
    return formula;
  }

  #binding({workspaces, inputs, environment, calculated}: AudienceSpec): BindingContext {
    const {eventRetentionMs} = this.#state.options;
    return {workspaces, inputs, environment, eventRetentionMs, calculated};
  }
}
