/**
 * A keeper is an audience that nobody is ever in. Its one criterion asks for a calculated attribute, so the
 * shard keeps that attribute's history, fills it from the journal and has it again after a restart, like any
 * other criterion's: profiles can show the value although no audience asks for it.
 */
import type {CalculatedAttributeSpec} from '../definitions/calculated-attribute.ts';
import type {Test} from '../definitions/definition.ts';
import {type Environment, scopeOf} from '../ids.ts';
import type {AudienceSpec} from './audience-spec.ts';

/** Ids from here on are keepers'; those of audiences are below. */
const KEEPERS_FROM = 2 ** 31;

/** No value is among none. */
const NEVER: Test = {type: 'list', operator: 'in', values: []};

export function isKeeper(audience: number): boolean {
  return audience >= KEEPERS_FROM;
}

export function keeperId(calculatedAttribute: number, environment: Environment): number {
  return KEEPERS_FROM + scopeOf(calculatedAttribute, environment);
}

export function keeperOf(
  spec: CalculatedAttributeSpec,
  {id, version, environment}: {id: number; version: number; environment: Environment},
): AudienceSpec {
  return {
    id: keeperId(id, environment),
    version,
    active: true,
    expression: {
      kind: 'criterion',
      criterion: {
        kind: 'calculated_attribute',
        name: spec.name,
        test: NEVER,
        workspaces: undefined,
      },
    },
    workspaces: [spec.workspace],
    inputs: undefined,
    environment,
    calculated: [spec],
  };
}
