/**
 * A predicate: a bound filter, ready to be asked of an event. Conditions on products (and, apart from
 * them, on promotions) must all hold for one and the same item.
 */
import type {Condition} from '../definitions/definition.ts';
import type {EventRecord, Fields, Value} from '../record.ts';
import {type CompiledTest, compileTest} from '../values/compile-test.ts';
import type {BoundFilter} from './bound-criterion.ts';

export interface CompiledCondition {
  readonly attribute: string;
  readonly test: CompiledTest;
}

export class Predicate {
  readonly filter: BoundFilter;
  readonly #event: readonly CompiledCondition[];
  readonly #product: readonly CompiledCondition[];
  readonly #promotion: readonly CompiledCondition[];
  /** Scratch of the index: the event this was last offered for, so that none is offered twice. */
  stamp = 0;

  constructor(filter: BoundFilter) {
    this.filter = filter;
    const compile = (belongs: (attribute: string) => boolean): CompiledCondition[] =>
      filter.where
        .filter(condition => belongs(condition.attribute))
        .map(condition => ({attribute: condition.attribute, test: compileTest(condition.test)}));
    this.#product = compile(isProductField);
    this.#promotion = compile(isPromotionField);
    this.#event = compile(name => !isProductField(name) && !isPromotionField(name));
  }

  /** Kind, name and type are the index's business; scope, input and conditions are asked here. */
  holds(event: EventRecord, scope: number, inputId: number, nowMs: number): boolean {
    const {scopes, inputs, type} = this.filter;
    if (!scopes.includes(scope)) return false;
    if (inputs !== undefined && !inputs.includes(inputId)) return false;
    if (type !== undefined && type !== event.type) return false;
    if (!meets(this.#event, event.fields, nowMs)) return false;
    if (this.#product.length > 0 && !event.items.some(item => meets(this.#product, item, nowMs))) {
      return false;
    }
    return (
      this.#promotion.length === 0 || event.items.some(item => meets(this.#promotion, item, nowMs))
    );
  }

  /**
   * What a measure over `attribute` takes from an event that meets the predicate: one value per
   * matching product for a `$product` field, one per event otherwise. Absent ones are undefined.
   */
  valuesOf(attribute: string, event: EventRecord, nowMs: number): (Value | undefined)[] {
    if (!isProductField(attribute)) return [fieldOf(event.fields, attribute)];
    return event.items
      .filter(item => meets(this.#product, item, nowMs))
      .map(item => fieldOf(item, attribute));
  }
}

export function isProductField(attribute: string): boolean {
  return attribute.startsWith('$product.');
}

function isPromotionField(attribute: string): boolean {
  return attribute.startsWith('$promotion.');
}

export function isItemField(condition: Condition): boolean {
  return isProductField(condition.attribute) || isPromotionField(condition.attribute);
}

function meets(conditions: readonly CompiledCondition[], fields: Fields, nowMs: number): boolean {
  for (let i = 0; i < conditions.length; i++) {
    const condition = conditions[i]!;
    if (!condition.test.holds(fieldOf(fields, condition.attribute), nowMs)) return false;
  }
  return true;
}

/** Field names sit at the even places. */
export function fieldOf(fields: Fields, name: string): Value | undefined {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === name) return fields[i + 1];
  }
  return undefined;
}
