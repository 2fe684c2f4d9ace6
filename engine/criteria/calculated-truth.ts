/**
 * Whether a calculated attribute meets a test, in any of the workspaces that have it and know the
 * profile. The value changes with the entries of its period, the test may change with the clock.
 */
import type {HistorySlab} from '../histories/history-slab.ts';
import type {ProfileData} from '../profiles/profile-data.ts';
import {type CompiledTest, compileTest} from '../values/compile-test.ts';
import type {BoundCriterion} from './bound-criterion.ts';
import {CalculatedValue} from './calculated-value.ts';
import type {CriterionTruth, TruthParts} from './criterion-truth.ts';

export class CalculatedTruth implements CriterionTruth {
  holds = false;
  nextMs = Infinity;
  readonly values: readonly {readonly scope: number; readonly calculated: CalculatedValue}[];
  readonly #test: CompiledTest;

  constructor(
    {calculations, test}: Extract<BoundCriterion, {kind: 'calculated'}>,
    {histories, eventRetentionMs, texts}: TruthParts,
  ) {
    this.#test = compileTest(test);
    // What no value meets needs no value.
    const isNever = 'values' in test && test.operator === 'in' && test.values.length === 0;
    this.values = (isNever ? [] : calculations).map((bound, at) => ({
      scope: bound.scope,
      calculated: new CalculatedValue(bound, {history: histories[at]!, eventRetentionMs, texts}),
    }));
  }

  evaluate(slab: HistorySlab, data: ProfileData, nowMs: number): void {
    this.holds = false;
    this.nextMs = Infinity;
    for (const {scope, calculated} of this.values) {
      if (data.find(scope) === undefined) continue;
      calculated.read(slab, nowMs);
      const {value} = calculated;
      if (this.#test.holds(value, nowMs)) this.holds = true;
      const changesMs = this.#test.changesAtMs(value, nowMs);
      this.nextMs = Math.min(this.nextMs, calculated.nextMs, changesMs);
    }
  }
}
