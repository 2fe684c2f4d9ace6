import type {Audience, AudienceVersion} from '../catalog/entities.ts';
import type {SummedState} from './audience-states.ts';
import type {AudienceCounts} from '../counts/audience-counts.ts';

export interface AudienceFault {
  /** null: it is about the audience itself. */
  readonly connection: number | null;
  /** Place in the definition; null: none. */
  readonly path: string | null;
  readonly message: string;
}

/** What other parts know of an audience. */
export interface AudienceExtras {
  readonly connectedOutputs: number;
  readonly faults: readonly AudienceFault[];
  /** Control included; empty without a test. */
  readonly variants: readonly {readonly name: string; readonly percentage: number}[];
}

export interface AudienceViewParts {
  readonly state: SummedState | undefined;
  readonly counts: Pick<AudienceCounts, 'lastDay'>;
  readonly extras: AudienceExtras;
  readonly nowMs: number;
}

/** In the order the contract lists. */
export function viewAudience(
  audience: Audience,
  {state, counts, extras, nowMs}: AudienceViewParts,
): Record<string, unknown> {
  const isActive = audience.status === 'active';
  const size = isActive ? (state?.size ?? 0) : 0;
  const {added, dropped} = counts.lastDay(audience.id, nowMs);
  const isCalculated =
    isActive && state?.version === audience.version && state.failed === undefined;
  return {
    id: audience.id,
    name: audience.name,
    external_name: audience.externalName ?? null,
    description: audience.description,
    environment: audience.environment,
    workspaces: audience.workspaces,
    inputs: audience.inputs ?? null,
    definition: audience.definition ?? null,
    version: audience.version,
    status: audience.status,
    is_calculated: isCalculated,
    progress: isCalculated ? 1 : progressOf(audience, state),
    size,
    added_last_24_hours: added,
    dropped_last_24_hours: dropped,
    volatility: size === 0 ? null : (added + dropped) / size,
    connected_outputs: extras.connectedOutputs,
    tags: audience.tags,
    access: audience.access,
    owner: audience.owner,
    created_by: audience.createdBy,
    created_ms: audience.createdMs,
    last_modified_by: audience.lastModifiedBy,
    last_modified_ms: audience.lastModifiedMs,
    faults: [...failureOf(state), ...extras.faults],
    variants: extras.variants,
  };
}

function failureOf(state: SummedState | undefined): AudienceFault[] {
  if (state?.failed === undefined) return [];
  const message =
    `cannot be calculated, through a defect of the server: ${state.failed}. Its members stay as they are ` +
    'until it is saved anew, or a version of the server that can calculate it is started';
  return [{connection: null, path: 'definition', message}];
}

/** Below 1 until the version of the definition is served everywhere. */
function progressOf({status}: Audience, state: SummedState | undefined): number {
  if (status !== 'active' || state === undefined) return 0;
  return Math.min(state.progress, 0.99);
}

export function viewVersion(version: AudienceVersion): Record<string, unknown> {
  return {
    audience: version.audience,
    version: version.version,
    definition: version.definition,
    workspaces: version.workspaces,
    inputs: version.inputs ?? null,
    environment: version.environment,
    saved_by: version.savedBy,
    saved_ms: version.savedMs,
  };
}
