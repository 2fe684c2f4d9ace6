/**
 * Wildcards: `*` is any run, `?` any one character (a code point), anchored at both ends. No regular
 * expression is ever made of it: `*a*a*a*a*b` would take that minutes. Each part between stars is
 * taken at its first place, never revisited, so the time is linear in the text.
 */
export interface Wildcard {
  matches(text: string): boolean;
}

/** Both the pattern and the texts must be folded by the caller. */
export function compileWildcard(pattern: string): Wildcard {
  const parts = pattern.split('*');
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) {
    return {matches: text => endOfMatch(text, 0, first) === text.length};
  }
  const middles = rest.filter(part => part !== '');
  return {
    matches(text) {
      let at = endOfMatch(text, 0, first);
      if (at === -1) return false;
      for (const part of middles) {
        at = endOfFirst(text, at, part);
        if (at === -1) return false;
      }
      return endsWithPart(text, at, last);
    },
  };
}

/** Where the part ends when it starts exactly at `from`; -1 if it does not match there. */
function endOfMatch(text: string, from: number, part: string): number {
  let at = from;
  for (let index = 0; index < part.length; index++) {
    if (at >= text.length) return -1;
    const wanted = part.charCodeAt(index);
    if (wanted === QUESTION_MARK) at += characterLength(text, at);
    else if (wanted === text.charCodeAt(at)) at++;
    else return -1;
  }
  return at;
}

/** Where the first occurrence of the part at or after `from` ends; -1 if there is none. */
function endOfFirst(text: string, from: number, part: string): number {
  if (!part.includes('?')) {
    const found = text.indexOf(part, from);
    return found === -1 ? -1 : found + part.length;
  }
  for (let start = from; start < text.length; start++) {
    const end = endOfMatch(text, start, part);
    if (end !== -1) return end;
  }
  return -1;
}

/** Whether the part, read backwards, ends the text without going before `from`. */
function endsWithPart(text: string, from: number, part: string): boolean {
  let at = text.length;
  for (let index = part.length - 1; index >= 0; index--) {
    if (at <= from) return false;
    const wanted = part.charCodeAt(index);
    if (wanted === QUESTION_MARK) at -= characterLengthBefore(text, at, from);
    else if (wanted === text.charCodeAt(at - 1)) at--;
    else return false;
  }
  return at >= from;
}

function characterLength(text: string, at: number): number {
  return isHigh(text.charCodeAt(at)) && isLow(text.charCodeAt(at + 1)) ? 2 : 1;
}

function characterLengthBefore(text: string, end: number, from: number): number {
  const pair =
    end - 2 >= from && isLow(text.charCodeAt(end - 1)) && isHigh(text.charCodeAt(end - 2));
  return pair ? 2 : 1;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

const QUESTION_MARK = 63;
