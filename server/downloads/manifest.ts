/** `manifest.json`, with the fields of the product document in their order. */

export interface FileTotals {
  readonly fileName: string;
  /** Of the rows; undefined for a file without any. */
  minMs: number | undefined;
  maxMs: number | undefined;
  /** Profiles with at least one row. */
  users: number;
  rows: number;
  /** Beside the identity types asked for. */
  readonly rowsByIdentity: number[];
}

export function noTotals(fileName: string, identities: readonly string[]): FileTotals {
  return {
    fileName,
    minMs: undefined,
    maxMs: undefined,
    users: 0,
    rows: 0,
    rowsByIdentity: identities.map(() => 0),
  };
}

export interface ManifestFacts {
  readonly archiveName: string;
  readonly id: string;
  readonly audienceIds: readonly number[];
  readonly identities: readonly string[];
  readonly generatedMs: number;
}

export function manifest(facts: ManifestFacts, files: readonly FileTotals[]): string {
  const {archiveName, id, audienceIds, identities, generatedMs} = facts;
  const minima = files.flatMap(({minMs}) => minMs ?? []);
  const maxima = files.flatMap(({maxMs}) => maxMs ?? []);
  const text = {
    archive_name: archiveName,
    id,
    audience_ids: audienceIds,
    included_identities: identities,
    manifest_generated: new Date(generatedMs).toISOString(),
    min_timestamp_ms: minima.length === 0 ? null : Math.min(...minima),
    max_timestamp_ms: maxima.length === 0 ? null : Math.max(...maxima),
    total_rows: sum(files.map(({rows}) => rows)),
    rows_by_identity: byIdentity(
      identities,
      identities.map((_, index) => sum(files.map(file => file.rowsByIdentity[index] ?? 0))),
    ),
    files: files.map(file => ({
      file_name: file.fileName,
      min_timestamp_ms: file.minMs ?? null,
      max_timestamp_ms: file.maxMs ?? null,
      total_users: file.users,
      total_rows: file.rows,
      rows_by_identity: byIdentity(identities, file.rowsByIdentity),
    })),
  };
  return `${JSON.stringify(text, undefined, 2)}\n`;
}

function byIdentity(
  identities: readonly string[],
  rows: readonly number[],
): Record<string, number> {
  return Object.fromEntries(identities.map((type, index) => [type, rows[index] ?? 0]));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
