/**
 * The truth of one bound criterion for one profile: whether it holds, and until when if nothing
 * happens. The profile's histories are open in the slab. Answers are fields, not objects.
 */
import {unreachable} from '../assert.ts';
import type {HistorySlab} from '../histories/history-slab.ts';
import type {TextDictionary} from '../histories/text-dictionary.ts';
import type {ProfileData} from '../profiles/profile-data.ts';
import type {BoundCriterion} from './bound-criterion.ts';
import {CalculatedTruth} from './calculated-truth.ts';
import {CartTruth} from './cart-truth.ts';
import {compileProfileTruth, type ProfileTruth} from './profile-truth.ts';
import {SequenceTruth} from './sequence-truth.ts';
import {WindowTruth} from './window-truth.ts';

export interface CriterionTruth {
  holds: boolean;
  /** Earliest moment after now at which `holds` may change by time alone; Infinity. Never late. */
  nextMs: number;
  evaluate(slab: HistorySlab, data: ProfileData, nowMs: number): void;
}

export interface TruthParts {
  /** Ids of the criterion's histories, in its order. */
  readonly histories: readonly number[];
  readonly eventRetentionMs: number;
  /** Of the histories' texts. */
  readonly texts: TextDictionary;
}

export function compileTruth(bound: BoundCriterion, parts: TruthParts): CriterionTruth {
  const {histories, eventRetentionMs} = parts;
  switch (bound.kind) {
    case 'population':
      return new PopulationTruth(bound.scopes);
    case 'window':
      return new HistoryWindowTruth(
        histories[0]!,
        new WindowTruth(bound.window, bound.measure, bound.compare, eventRetentionMs),
      );
    case 'cart':
      return new CartTruth(histories[0]!, histories[1]!, bound.waitMs, eventRetentionMs);
    case 'sequence':
      return new SequenceTruth(histories, bound.withinMs, bound.window, eventRetentionMs);
    case 'calculated':
      return new CalculatedTruth(bound, parts);
    case 'profile':
      return new ScopedProfileTruth(compileProfileTruth(bound.criterion), bound.scopes);
    default:
      return unreachable(bound);
  }
}

class PopulationTruth implements CriterionTruth {
  holds = false;
  readonly nextMs = Infinity;
  readonly #scopes: readonly number[];

  constructor(scopes: readonly number[]) {
    this.#scopes = scopes;
  }

  evaluate(_slab: HistorySlab, data: ProfileData): void {
    this.holds = data.scopes.some(scope => this.#scopes.includes(scope.scope));
  }
}

export class HistoryWindowTruth implements CriterionTruth {
  holds = false;
  nextMs = Infinity;
  readonly window: WindowTruth;
  readonly #history: number;

  constructor(history: number, window: WindowTruth) {
    this.#history = history;
    this.window = window;
  }

  evaluate(slab: HistorySlab, _data: ProfileData, nowMs: number): void {
    if (slab.locate(this.#history)) this.window.evaluate(slab, nowMs);
    else this.window.evaluateEmpty();
    this.holds = this.window.holds;
    this.nextMs = this.window.nextMs;
  }
}

/** True if true in any of the criterion's workspaces that know the profile. */
export class ScopedProfileTruth implements CriterionTruth {
  holds = false;
  nextMs = Infinity;
  readonly truth: ProfileTruth;
  readonly #scopes: readonly number[];

  constructor(truth: ProfileTruth, scopes: readonly number[]) {
    this.truth = truth;
    this.#scopes = scopes;
  }

  evaluate(_slab: HistorySlab, data: ProfileData, nowMs: number): void {
    this.holds = false;
    this.nextMs = Infinity;
    for (const scope of data.scopes) {
      if (!this.#scopes.includes(scope.scope)) continue;
      if (this.truth.holds(scope, nowMs)) this.holds = true;
      if (this.truth.timed)
        this.nextMs = Math.min(this.nextMs, this.truth.changesAtMs(scope, nowMs));
    }
  }
}
