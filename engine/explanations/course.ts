/** How a truth goes through time: always of the whole line of time, changing from one span to the next. */

/** undefined: nobody knows. */
export type Truth = boolean | undefined;

export interface Span {
  /** −Infinity of the first. It lasts until the next. */
  readonly fromMs: number;
  readonly truth: Truth;
}

/** Ascending; neighbours differ. */
export type Course = readonly Span[];

export function always(truth: Truth): Span[] {
  return [{fromMs: -Infinity, truth}];
}

/** At a moment not before any that was added. */
export function extend(course: Span[], fromMs: number, truth: Truth): void {
  if (course.at(-1)?.fromMs === fromMs) course.pop();
  if (course.length > 0 && course.at(-1)!.truth === truth) return;
  course.push({fromMs, truth});
}

export function negated(course: Course): Course {
  return course.map(({fromMs, truth}) => ({fromMs, truth: not(truth)}));
}

/** What one part decides needs no other part to be known. */
export function combined(kind: 'and' | 'or', parts: readonly Course[]): Course {
  const moments = [...new Set(parts.flatMap(part => part.map(({fromMs}) => fromMs)))];
  moments.sort((a, b) => a - b);
  const at = parts.map(() => 0);
  const course: Span[] = [];
  for (const moment of moments) {
    const truths = parts.map((part, i) => {
      while ((part[at[i]! + 1]?.fromMs ?? Infinity) <= moment) at[i]!++;
      return part[at[i]!]!.truth;
    });
    extend(course, moment, kind === 'and' ? all(truths) : not(all(truths.map(not))));
  }
  return course;
}

function all(truths: readonly Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.includes(undefined) ? undefined : true;
}

function not(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

/** The span of a moment, and those beside it. */
export function spanAt(
  course: Course,
  atMs: number,
): {readonly span: Span; readonly before: Span | undefined; readonly after: Span | undefined} {
  let index = course.length - 1;
  while (course[index]!.fromMs > atMs) index--;
  return {span: course[index]!, before: course[index - 1], after: course[index + 1]};
}
