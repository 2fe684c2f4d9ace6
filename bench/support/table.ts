import type {Figure} from './figures.ts';

export function printTable(figures: readonly Figure[]): void {
  const rows = figures.map(({name, value, unit, min, max, checksum}) => [
    name,
    rounded(value),
    unit,
    min === max ? '' : `${rounded(min)} – ${rounded(max)}`,
    checksum,
  ]);
  const widths = [0, 1, 2, 3].map(column => Math.max(0, ...rows.map(row => row[column]!.length)));
  for (const [name = '', value = '', unit = '', spread = '', checksum = ''] of rows) {
    const cells = [
      name.padEnd(widths[0]!),
      value.padStart(widths[1]!),
      unit.padEnd(widths[2]!),
      spread.padEnd(widths[3]!),
      checksum,
    ];
    console.log(cells.join('  ').trimEnd());
  }
}

/** Three digits that matter. */
export function rounded(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  if (Math.abs(value) >= 100) return value.toFixed(0);
  if (Math.abs(value) >= 10) return value.toFixed(1);
  return value === 0 ? '0' : value.toPrecision(3);
}
