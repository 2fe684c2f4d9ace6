/** One record of a CSV file, with the line it begins on (the header is line 1). */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/** The file is not CSV from here on: a quote that never closes, or closes in the middle of a cell. */
export class CsvProblem extends Error {
  override readonly name = 'CsvProblem';
}

/** A record longer than this is taken for a quote that was never closed. */
const RECORD_CHARACTERS_MAX = 1_048_576;

/**
 * RFC 4180, leniently: quoted cells with delimiters, doubled quotes and line ends inside, LF or CRLF,
 * a byte order mark, no line end after the last record. Empty lines are passed over. Rows come in
 * groups, one for each chunk of the file, so that a row costs no turn of the event loop.
 */
export async function* csvRows(
  chunks: AsyncIterable<string>,
  delimiter = ',',
): AsyncGenerator<readonly CsvRow[]> {
  const reader = new RecordReader(delimiter);
  for await (const chunk of chunks) {
    const rows = reader.take(chunk);
    if (rows.length > 0) yield rows;
  }
  const rows = reader.finish();
  if (rows.length > 0) yield rows;
}

class RecordReader {
  readonly #delimiter: string;
  #rest = '';
  #line = 1;

  constructor(delimiter: string) {
    this.#delimiter = delimiter;
  }

  take(chunk: string): CsvRow[] {
    return this.#read(this.#rest + chunk, false);
  }

  finish(): CsvRow[] {
    return this.#read(this.#rest, true);
  }

  #read(text: string, isLast: boolean): CsvRow[] {
    const rows: CsvRow[] = [];
    let at = 0;
    while (at < text.length) {
      const newline = text.indexOf('\n', at);
      if (newline === -1 && !isLast) break;
      const end = newline === -1 ? text.length : newline;
      const quote = text.indexOf('"', at);
      // Nearly every record has no quote, and then splitting is all there is to do.
      if (quote === -1 || quote > end) {
        const record = text.slice(at, text[end - 1] === '\r' && end > at ? end - 1 : end);
        if (record !== '') rows.push({line: this.#line, cells: record.split(this.#delimiter)});
        this.#line += 1;
        at = end + 1;
        continue;
      }
      const quoted = this.#quotedRecord(text, at, isLast);
      if (quoted === undefined) break;
      rows.push({line: this.#line, cells: quoted.cells});
      this.#line += quoted.lines;
      at = quoted.next;
    }
    this.#rest = text.slice(at);
    if (this.#rest.length > RECORD_CHARACTERS_MAX) {
      throw new CsvProblem(`line ${this.#line}: the record does not end; a quote is left open.`);
    }
    return rows;
  }

  /** undefined: the record goes on in the next chunk. */
  #quotedRecord(
    text: string,
    start: number,
    isLast: boolean,
  ): {cells: string[]; next: number; lines: number} | undefined {
    const cells: string[] = [];
    let lines = 1;
    let at = start;
    for (;;) {
      let cell = '';
      if (text[at] === '"') {
        at += 1;
        for (;;) {
          const close = text.indexOf('"', at);
          if (close === -1 || (close === text.length - 1 && !isLast)) {
            if (!isLast) return undefined;
            throw new CsvProblem(`line ${this.#line}: a quote is left open.`);
          }
          cell += text.slice(at, close);
          at = close + 1;
          if (text[at] !== '"') break;
          cell += '"';
          at += 1;
        }
        lines += countNewlines(cell);
      }
      // What follows a closing quote up to the delimiter is kept, as spreadsheets do.
      const from = at;
      while (at < text.length && text[at] !== this.#delimiter && text[at] !== '\n') at += 1;
      if (at === text.length && !isLast) return undefined;
      const isEnd = text[at] !== this.#delimiter;
      const tail = text.slice(from, at);
      cells.push(cell + (isEnd && tail.endsWith('\r') ? tail.slice(0, -1) : tail));
      at += 1;
      if (isEnd) return {cells, next: at, lines};
    }
  }
}

function countNewlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}
