/** Names inside and of an archive. Made here from ids, slugs and times alone: what users write names no file. */

const SLUG_CHARACTERS_MAX = 64;
const MONTHS = [
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'May',
  'Jun',
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
] as const;

/** `204223Jan022019`: hour, minute, second, month, day, year; UTC. */
export function nameStamp(ms: number): string {
  const date = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  const time = two(date.getUTCHours()) + two(date.getUTCMinutes()) + two(date.getUTCSeconds());
  const month = MONTHS[date.getUTCMonth()] ?? '';
  return `${time}${month}${two(date.getUTCDate())}${date.getUTCFullYear()}`;
}

/** `musterAudiences_204223Jan022019_9dd9.zip`: the last four are the first of the id. */
export function archiveName(id: string, createdMs: number): string {
  return `musterAudiences_${nameStamp(createdMs)}_${id.slice(0, 4)}.zip`;
}

/** `8754_PotentialParisians_172136Nov292018.csv` for each, no two alike. */
export function csvNames(
  files: readonly {
    readonly audience: number;
    readonly name: string;
    readonly variant: string | undefined;
  }[],
  ms: number,
): string[] {
  const taken = new Set<string>();
  return files.map(({audience, name, variant}) => {
    const title = variant === undefined ? slug(name) : slug(`${name} - ${variant}`);
    const stem = `${audience}_${title || 'Audience'}`;
    let unique = stem;
    for (let n = 2; taken.has(unique.toLowerCase()); n++) unique = `${stem}-${n}`;
    taken.add(unique.toLowerCase());
    return `${unique}_${nameStamp(ms)}.csv`;
  });
}

/** Latin letters without their accents, digits, `_` and `-`; may be empty. */
function slug(name: string): string {
  return name
    .normalize('NFKD')
    .replaceAll(/[^A-Za-z0-9_-]/g, '')
    .slice(0, SLUG_CHARACTERS_MAX);
}
