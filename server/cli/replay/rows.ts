import {RowProblem} from './cell.ts';
import type {CsvRow} from './csv.ts';
import {CsvProblem, csvRows} from './csv.ts';
import type {Mapping} from './mapping.ts';
import {compileMapping, mappingDelimiter} from './mapping.ts';
import type {OpenText, ReplayBatch, ReplaySource, SourceTally} from './source.ts';
import {complain, profileOf, SourceProblem} from './source.ts';
import {requestId} from './request-id.ts';

/** Grouping over all rows keeps them in memory, about 300 bytes each. */
const ROWS_IN_MEMORY_MAX = 2_000_000;

/** A CSV file seen through a mapping. */
export class CsvSource implements ReplaySource {
  readonly tally: SourceTally = {bytesRead: 0, skippedRows: 0, unreadable: 0, complaints: []};
  readonly #open: OpenText;
  readonly #run: string;
  readonly #mappingText: string;
  readonly #mappingJson: unknown;

  /** `mappingText` has been read as `mappingJson`; a changed mapping makes other ids. */
  constructor(
    open: OpenText,
    run: string,
    mapping: {readonly text: string; readonly json: unknown},
  ) {
    this.#open = open;
    this.#run = run;
    this.#mappingText = mapping.text;
    this.#mappingJson = mapping.json;
  }

  async newestMs(): Promise<number | undefined> {
    let newestMs: number | undefined;
    for await (const {rows, mapping} of this.#rows(() => {}, newTally())) {
      for (const row of rows) {
        try {
          const ms = mapping.timeMs(row);
          if (ms !== undefined && (newestMs === undefined || ms > newestMs)) newestMs = ms;
        } catch (error) {
          // Told when the row comes to be sent.
          if (!(error instanceof RowProblem)) throw error;
        }
      }
    }
    return newestMs;
  }

  async *batches(shiftMs: number): AsyncGenerator<readonly ReplayBatch[]> {
    const {tally} = this;
    let open: CsvRow[] = [];
    let openKey = '';
    const all = new Map<string, CsvRow[]>();
    let held = 0;
    let compiled: Mapping | undefined;
    for await (const {rows, mapping} of this.#rows(count => (tally.bytesRead += count), tally)) {
      compiled = mapping;
      const ready: ReplayBatch[] = [];
      for (const row of rows) {
        if (mapping.grouping === 'one') {
          this.#make([row], mapping, shiftMs, ready);
          continue;
        }
        const key = mapping.groupKey(row);
        if (mapping.grouping === 'all') {
          const group = all.get(key);
          if (group === undefined) all.set(key, [row]);
          else group.push(row);
          held += 1;
          continue;
        }
        if (key !== openKey && open.length > 0) {
          this.#make(open, mapping, shiftMs, ready);
          open = [];
        }
        openKey = key;
        open.push(row);
      }
      if (held > ROWS_IN_MEMORY_MAX) {
        throw new SourceProblem(
          `grouping all rows takes up to ${ROWS_IN_MEMORY_MAX} rows; sort the file by the columns of group.by and use "rows": "consecutive".`,
        );
      }
      if (ready.length > 0) yield ready;
    }
    if (compiled === undefined) return;
    if (open.length > 0) {
      const last: ReplayBatch[] = [];
      this.#make(open, compiled, shiftMs, last);
      if (last.length > 0) yield last;
    }
    yield* this.#inOrderOfTime([...all.values()], compiled, shiftMs);
  }

  /** All rows are here anyway, so they can be sent as they happened. */
  async *#inOrderOfTime(
    groups: readonly (readonly CsvRow[])[],
    mapping: Mapping,
    shiftMs: number,
  ): AsyncGenerator<readonly ReplayBatch[]> {
    const timed: {rows: readonly CsvRow[]; atMs: number}[] = [];
    for (const rows of groups) {
      try {
        let atMs = Infinity;
        for (const row of rows) atMs = Math.min(atMs, mapping.timeMs(row) ?? 0);
        timed.push({rows, atMs});
      } catch (error) {
        this.#tell(error);
      }
    }
    timed.sort((a, b) => a.atMs - b.atMs);
    for (let at = 0; at < timed.length; at += 256) {
      const ready: ReplayBatch[] = [];
      for (const {rows} of timed.slice(at, at + 256)) this.#make(rows, mapping, shiftMs, ready);
      yield ready;
    }
  }

  #make(rows: readonly CsvRow[], mapping: Mapping, shiftMs: number, ready: ReplayBatch[]): void {
    const line = rows[0]?.line ?? 0;
    try {
      const batch = mapping.batch(rows, shiftMs);
      const cells = rows.map(row => row.cells.join('\u001f')).join('\u001e');
      batch['source_request_id'] ??= requestId(this.#run, this.#mappingText, String(line), cells);
      const events = batch['events'];
      ready.push({
        text: JSON.stringify(batch),
        profile: profileOf(batch),
        eventCount: Array.isArray(events) ? events.length : 0,
        line,
      });
    } catch (error) {
      this.#tell(error);
    }
  }

  #tell(error: unknown): void {
    if (!(error instanceof RowProblem)) throw error;
    complain(this.tally, error.message);
  }

  /** Rows of the right width that the mapping does not skip, with the mapping compiled for the header. */
  async *#rows(
    onBytes: (count: number) => void,
    tally: SourceTally,
  ): AsyncGenerator<{rows: readonly CsvRow[]; mapping: Mapping}> {
    let mapping: Mapping | undefined;
    try {
      for await (const read of csvRows(this.#open(onBytes), mappingDelimiter(this.#mappingJson))) {
        let rows = read;
        if (mapping === undefined) {
          mapping = this.#compile(read[0]?.cells ?? []);
          rows = read.slice(1);
        }
        const {columnCount} = mapping;
        const taken: CsvRow[] = [];
        for (const row of rows) {
          if (row.cells.length !== columnCount) {
            const counts = `${row.cells.length} cells where the header has ${columnCount}`;
            complain(tally, `line ${row.line}: ${counts}`);
          } else if (mapping.skips(row)) {
            tally.skippedRows += 1;
          } else {
            taken.push(row);
          }
        }
        yield {rows: taken, mapping};
      }
    } catch (error) {
      throw error instanceof CsvProblem ? new SourceProblem(error.message) : error;
    }
    if (mapping === undefined)
      throw new SourceProblem('the file is empty; its first line names the columns.');
  }

  #compile(header: readonly string[]): Mapping {
    const compiled = compileMapping(this.#mappingJson, header);
    if ('batch' in compiled) return compiled;
    const list = compiled.map(({path, message}) => `  ${path}: ${message}`).join('\n');
    throw new SourceProblem(`the mapping does not fit the file:\n${list}`);
  }
}

function newTally(): SourceTally {
  return {bytesRead: 0, skippedRows: 0, unreadable: 0, complaints: []};
}
