import {canonicalForm} from './canonical-key.ts';
import type {Expression} from './definition.ts';

/**
 * The canonical form of an expression: true for the same profiles, and the same for every spelling that
 * canonical-key.ts can tell to be equal. Normalizing it again changes nothing. The order in which a
 * person wrote the criteria is lost, so show people what they wrote instead.
 */
export function normalizeExpression(expression: Expression): Expression {
  return canonicalForm(expression).expression;
}
