/** What random definitions are made of: where they may look, and what there is to be asked. */
import type {Random} from './arbitraries-random.ts';
import type {Topics} from './arbitraries-topics.ts';
import {fixedWindow, INPUTS, movingWindow} from './arbitraries-world.ts';
import type {Windows} from './arbitraries-world.ts';
import type {OracleCalculated} from './oracle-calculated.ts';
import type {Asker} from './oracle-events.ts';
import type {JsonObject} from './oracle-json.ts';

export type Kinds = 'basic' | 'all';

export interface DefinitionContext {
  readonly random: Random;
  readonly kinds: Kinds;
  readonly windows: Windows;
  readonly topics: Topics;
  readonly asker: Asker;
  /** Audiences that may be nested. */
  readonly nestable: readonly number[];
  /** Calculated attributes that the asker's workspaces have. */
  readonly calculated: readonly OracleCalculated[];
  /** Criteria that audiences of this history have had: some are said again, and are shared. */
  readonly said: JsonObject[];
}

/** Now and then a criterion looks at fewer workspaces than its audience. */
export function narrowed({random, asker}: DefinitionContext): JsonObject {
  return random.chance(0.15) ? {workspaces: random.some(asker.workspaces)} : {};
}

/** The same of inputs; `everyInput`: of the workspaces, not the audience's. */
export function narrowedInputs(
  {random, asker}: DefinitionContext,
  {everyInput = false} = {},
): JsonObject {
  if (!random.chance(0.15)) return {};
  const all = INPUTS.filter(input => asker.workspaces.includes(input.workspace));
  const own = everyInput ? undefined : asker.inputs;
  return {inputs: random.some(own ?? all.map(input => input.id))};
}

export function when({random, windows}: DefinitionContext): JsonObject {
  return random.chance(0.75) ? movingWindow(random, windows) : fixedWindow(random);
}
