/** What the catalogue keeps, as it keeps it. Immutable: a change puts a new object in place of the old. */
import type {Share} from '../../engine/audiences/variants.ts';
import type {Calculation} from '../../engine/definitions/calculated-attribute.ts';
import type {Environment} from '../../engine/ids.ts';

export const ENVIRONMENTS = ['production', 'development'] as const satisfies Environment[];

export const ROLES = ['admin', 'editor', 'viewer', 'subscriber'] as const;
export type Role = (typeof ROLES)[number];

export const ACCESS_LEVELS = ['private', 'view_only', 'usable'] as const;
export type Access = (typeof ACCESS_LEVELS)[number];

export const AUDIENCE_STATUSES = ['draft', 'active', 'inactive'] as const;
export type AudienceStatus = (typeof AUDIENCE_STATUSES)[number];

export interface Workspace {
  readonly id: number;
  readonly name: string;
  readonly createdBy: string;
  readonly createdMs: number;
}

export interface Input {
  readonly id: number;
  readonly workspace: number;
  readonly name: string;
  readonly type: 'platform' | 'feed';
  /** Such as `ios` or `web`; undefined when none was named. */
  readonly platform: string | undefined;
  /** The public half of the credential. */
  readonly key: string;
  /** SHA-256 in hex. */
  readonly secretHash: string;
  readonly createdBy: string;
  readonly createdMs: number;
}

export interface Token {
  readonly id: number;
  /**
   * Who acts, in `owner`, `created_by` and the audit. Two tokens of one name are the same person: a new
   * one takes over what the old one owned.
   */
  readonly name: string;
  readonly role: Role;
  /** The only audiences it sees; undefined: all that access allows. */
  readonly audiences: readonly number[] | undefined;
  /** The only identity types it is shown; undefined: all. */
  readonly identities: readonly string[] | undefined;
  /** SHA-256 in hex. */
  readonly hash: string;
  readonly createdBy: string;
  readonly createdMs: number;
}

/** What the meaning of a definition depends on besides its text: a change of any of them is a new version. */
export interface AudienceScope {
  readonly workspaces: readonly number[];
  /** undefined: every input of the workspaces, those made later included. */
  readonly inputs: readonly number[] | undefined;
  readonly environment: Environment;
}

export interface Audience extends AudienceScope {
  readonly id: number;
  readonly name: string;
  readonly externalName: string | undefined;
  readonly description: string;
  /** As it was sent; undefined: a draft that has none yet. */
  readonly definition: unknown;
  /** Of the definition; 0 when there is none. */
  readonly version: number;
  /** Highest ever given; a version number is not given twice. */
  readonly lastVersion: number;
  readonly status: AudienceStatus;
  readonly tags: readonly string[];
  readonly access: Access;
  readonly owner: string;
  readonly createdBy: string;
  readonly createdMs: number;
  readonly lastModifiedBy: string;
  readonly lastModifiedMs: number;
  /** Its A/B test; undefined: it has none. */
  readonly test?: AudienceTest | undefined;
}

/** A split of an audience's members. Its percentages never change: another split is another test. */
export interface AudienceTest {
  /** Never given twice: a profile's variant depends on it and the mpid alone. */
  readonly id: number;
  /** Control, which is the rest to 100, last. */
  readonly variants: readonly {readonly name: string; readonly percentage: number}[];
  readonly createdBy: string;
  readonly createdMs: number;
}

/** A definition that was saved, kept for ever. */
export interface AudienceVersion extends AudienceScope {
  readonly audience: number;
  readonly version: number;
  readonly definition: unknown;
  readonly savedBy: string;
  readonly savedMs: number;
}

export interface AuditEntry {
  readonly id: number;
  readonly atMs: number;
  /** Name of the token. */
  readonly who: string;
  /** Such as `audience.update`. */
  readonly action: string;
  /** Such as `audience/12`. */
  readonly target: string;
  /** Only what changed; null where there was or is nothing. Never a secret. */
  readonly from: unknown;
  readonly to: unknown;
}

/** A value worked out of a profile's events, by the name that criteria ask for. */
export interface CalculatedAttribute {
  readonly id: number;
  readonly workspace: number;
  /** Unique within the workspace. */
  readonly name: string;
  readonly calculation: Calculation;
  /** As it was sent: which events. */
  readonly event: unknown;
  readonly attribute: string | undefined;
  /** As it was sent: in which period; undefined: as long as events are kept. */
  readonly when: unknown;
  /** Of its meaning. */
  readonly version: number;
  readonly createdBy: string;
  readonly createdMs: number;
  readonly lastModifiedBy: string;
  readonly lastModifiedMs: number;
}

export const DOWNLOAD_STATUSES = ['queued', 'ready', 'failed', 'expired'] as const;

/** Members and their identities, written to a file. */
export interface Download {
  /** A UUID: also the name of its file in the data folder. */
  readonly id: string;
  /** One CSV file each. */
  readonly files: readonly {
    readonly audience: number;
    /** As it was when the download was asked for. */
    readonly name: string;
    readonly variant: string | undefined;
    /** Of the variant, as it was then. */
    readonly share: Share | undefined;
  }[];
  readonly identities: readonly string[];
  /** Of the members, as a fraction; undefined: all of them. */
  readonly sample: number | undefined;
  readonly csv: 'safe' | 'raw';
  readonly createdBy: string;
  readonly createdMs: number;
  /** One that runs is queued here: after a restart it starts again. */
  readonly status: (typeof DOWNLOAD_STATUSES)[number];
  /** Times it was begun. */
  readonly attempts: number;
  /** Why it failed, or why it expired before its time. */
  readonly reason: string | undefined;
  readonly readyMs: number | undefined;
  readonly expiresMs: number | undefined;
  readonly sizeBytes: number | undefined;
  readonly rows: number | undefined;
}

/** What is remembered of an audience that was deleted: who may still be told of its last deletes, and from where. */
export type DeletedAudience = Pick<
  Audience,
  'id' | 'owner' | 'access' | 'workspaces' | 'environment'
>;

/** Tables of the catalogue that are held in memory. */
export interface ResidentTables {
  workspaces: Workspace;
  inputs: Input;
  tokens: Token;
  audiences: Audience;
  deletedAudiences: DeletedAudience;
  calculatedAttributes: CalculatedAttribute;
  /** `TOKEN_ID/NAME` → acknowledged cursor. */
  cursors: string;
  /** Position → user attribute that some subscriber asked for. */
  watchedAttributes: string;
  downloads: Download;
  /** Facts about this data folder. */
  facts: number;
}

/** Tables that stay on disk. Keys: versions `[audience, version]`, audit `[id]`. */
export interface ArchivedTables {
  versions: AudienceVersion;
  audit: AuditEntry;
}
