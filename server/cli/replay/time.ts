/** Reads a cell as an instant in Unix milliseconds; undefined when it is not one. All times are UTC. */
export type TimeReader = (text: string) => number | undefined;

const PARTS: readonly (readonly [token: string, pattern: string, part: Part])[] = [
  ['YYYY', '(\\d{4})', 'year'],
  ['MM', '(\\d{2})', 'month'],
  ['M', '(\\d{1,2})', 'month'],
  ['DD', '(\\d{2})', 'day'],
  ['D', '(\\d{1,2})', 'day'],
  ['HH', '(\\d{2})', 'hour'],
  ['H', '(\\d{1,2})', 'hour'],
  ['mm', '(\\d{2})', 'minute'],
  ['SSS', '(\\d{3})', 'millisecond'],
  ['ss', '(\\d{2})', 'second'],
];

type Part = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'millisecond';

/**
 * `unix_ms`, `unix_s`, `iso`, or a pattern of YYYY MM M DD D HH H mm ss SSS and anything between them,
 * like `YYYY-MM-DD HH:mm:ss`. undefined: the format has no year, month and day.
 */
export function timeReader(format: string): TimeReader | undefined {
  if (format === 'unix_ms') return text => wholeNumber(text);
  if (format === 'unix_s') {
    return text => {
      const seconds = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
      return seconds === undefined ? undefined : Math.round(seconds * 1000);
    };
  }
  if (format === 'iso') return readIso;
  return patternReader(format);
}

function wholeNumber(text: string): number | undefined {
  return /^-?\d{1,16}$/.test(text) ? Number(text) : undefined;
}

function readIso(text: string): number | undefined {
  if (
    !/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/.test(text)
  ) {
    return undefined;
  }
  // Without a zone a date with a time would be read as local.
  const zoned = /(Z|[+-]\d{2}:?\d{2})$/.test(text) || text.length === 10 ? text : `${text}Z`;
  const ms = Date.parse(zoned.replace(' ', 'T'));
  return Number.isNaN(ms) ? undefined : ms;
}

function patternReader(format: string): TimeReader | undefined {
  const order: Part[] = [];
  let source = '';
  for (let at = 0; at < format.length;) {
    const part = PARTS.find(([token]) => format.startsWith(token, at));
    if (part === undefined) {
      source += (format[at] ?? '').replace(/[.*+?^${}()|[\]\\/]/, '\\$&');
      at += 1;
      continue;
    }
    source += part[1];
    order.push(part[2]);
    at += part[0].length;
  }
  if (!(['year', 'month', 'day'] as const).every(part => order.includes(part))) return undefined;
  const pattern = new RegExp(`^${source}$`);

  return text => {
    const match = pattern.exec(text);
    if (match === null) return undefined;
    const read = (part: Part): number => {
      const index = order.indexOf(part);
      return index === -1 ? 0 : Number(match[index + 1]);
    };
    const [year, month, day] = [read('year'), read('month'), read('day')];
    const [hour, minute, second] = [read('hour'), read('minute'), read('second')];
    const ms = Date.UTC(year, month - 1, day, hour, minute, second, read('millisecond'));
    // Date.UTC carries 31 June over into July; such a date is a fault in the file, not a day.
    const date = new Date(ms);
    const holds =
      date.getUTCMonth() === month - 1 &&
      date.getUTCDate() === day &&
      hour < 24 &&
      minute < 60 &&
      second < 60;
    return holds ? ms : undefined;
  };
}
