/**
 * Rows as the product document shows them: `mpid, scanned_timestamp_ms, identity_value, identity_type`, a
 * comma and a space between cells.
 *
 * Cells are quoted as RFC 4180 says, and before a quoted cell there is no space: a strict reader takes a quote
 * for one only directly after the comma, and would otherwise end the row at a line break inside.
 */
export const CSV_HEADER = 'mpid, scanned_timestamp_ms, identity_value, identity_type\n';

export type CsvMode = 'safe' | 'raw';

export function csvRow(
  mpid: bigint,
  scannedMs: number,
  identity: {readonly value: string; readonly type: string},
  mode: CsvMode,
): string {
  const value = mode === 'safe' ? harmless(identity.value) : identity.value;
  return `${mpid}, ${scannedMs}${separated(value)}${separated(identity.type)}\n`;
}

function separated(cell: string): string {
  return NEEDS_QUOTES.test(cell) ? `,"${cell.replaceAll('"', '""')}"` : `, ${cell}`;
}

/** Also white space at either end, which a reader that takes the space after a comma away would take too. */
const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/;

/**
 * A cell that a spreadsheet would run as a formula is made text by an apostrophe. A signed number, such as
 * a phone number with its country, is none and stays what it is.
 */
function harmless(cell: string): string {
  return RUNS.test(cell) && !SIGNED_NUMBER.test(cell) ? `'${cell}` : cell;
}

/** Some skip what cannot be seen, and some read the wide forms of East Asian keyboards alike. */
const RUNS = /^[\s\p{C}]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/u;
const SIGNED_NUMBER = /^[+-]\d+(\.\d+)?$/;
