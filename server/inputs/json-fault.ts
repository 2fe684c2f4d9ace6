/**
 * Where and why a text is not JSON: for the answer to a client, after `JSON.parse` refused it. Node's own
 * messages name neither a line nor a field.
 */
const NESTING_MAX = 64;

const CLOSING = {'[': ']', '{': '}'} as const;

interface Container {
  readonly isArray: boolean;
  key: string;
  index: number;
}

/** `expected "," or "}" at line 3, column 7 (in events[2].data)`. The text must be one that JSON.parse refuses. */
export function jsonFault(text: string): string {
  const scan = new FaultScan(text);
  return scan.find();
}

class FaultScan {
  readonly #text: string;
  readonly #containers: Container[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  find(): string {
    this.#skipSpace();
    if (this.#at >= this.#text.length) return 'it is empty';
    // One value, or the opening of one; then whatever its container expects next.
    while (true) {
      this.#skipSpace();
      const char = this.#text[this.#at];
      if (char === '[' || char === '{') {
        this.#at++;
        this.#skipSpace();
        if (this.#text[this.#at] !== CLOSING[char]) {
          const problem = this.#enter(char === '[');
          if (problem !== undefined) return this.#describe(problem);
          continue;
        }
        this.#at++;
      } else {
        const problem = this.#scalar();
        if (problem !== undefined) return this.#describe(problem);
      }
      const problem = this.#close();
      if (problem !== undefined) return this.#describe(problem);
      if (this.#containers.length > 0) continue;
      this.#skipSpace();
      return this.#describe(
        this.#at < this.#text.length ? 'nothing may follow the value' : 'unreadable',
      );
    }
  }

  #enter(isArray: boolean): string | undefined {
    if (this.#containers.length === NESTING_MAX) {
      return `nested deeper than ${NESTING_MAX} levels, and invalid below,`;
    }
    const container = {isArray, key: '', index: 0};
    this.#containers.push(container);
    return isArray ? undefined : this.#key(container);
  }

  /** After a value: a comma and the next key, or the ends of containers. */
  #close(): string | undefined {
    while (this.#containers.length > 0) {
      const container = this.#containers[this.#containers.length - 1]!;
      this.#skipSpace();
      const char = this.#text[this.#at];
      if (char === ',') {
        this.#at++;
        container.index++;
        if (container.isArray) return undefined;
        this.#skipSpace();
        return this.#key(container);
      }
      if (char !== (container.isArray ? ']' : '}')) {
        return container.isArray ? 'expected "," or "]"' : 'expected "," or "}"';
      }
      this.#at++;
      this.#containers.pop();
    }
    return undefined;
  }

  #key(container: Container): string | undefined {
    if (this.#text[this.#at] !== '"') return 'expected a key in double quotes';
    const start = this.#at + 1;
    const problem = this.#string();
    if (problem !== undefined) return problem;
    container.key = this.#text.slice(start, Math.min(this.#at - 1, start + 100));
    this.#skipSpace();
    if (this.#text[this.#at] !== ':') return 'expected ":"';
    this.#at++;
    return undefined;
  }

  #scalar(): string | undefined {
    const char = this.#text[this.#at];
    if (char === '"') return this.#string();
    WORD.lastIndex = this.#at;
    const match = WORD.exec(this.#text);
    if (match === null) return char === undefined ? 'it ends too early' : 'expected a value';
    this.#at += match[0].length;
    return undefined;
  }

  #string(): string | undefined {
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) {
        this.#at++;
        return undefined;
      }
      if (code < 0x20) return 'a control character in a string';
      if (code !== 0x5c) continue;
      ESCAPE.lastIndex = this.#at;
      const match = ESCAPE.exec(this.#text);
      if (match === null) return 'an unknown escape in a string';
      this.#at += match[0].length - 1;
    }
    return 'a string that does not end';
  }

  #skipSpace(): void {
    while (true) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #describe(problem: string): string {
    let line = 1;
    let lineStart = 0;
    for (
      let at = this.#text.indexOf('\n');
      at >= 0 && at < this.#at;
      at = this.#text.indexOf('\n', at + 1)
    ) {
      line++;
      lineStart = at + 1;
    }
    let path = '';
    for (const container of this.#containers) {
      path += container.isArray
        ? `[${container.index}]`
        : `${path === '' ? '' : '.'}${container.key}`;
    }
    const place = `line ${line}, column ${this.#at - lineStart + 1}`;
    return `${problem} at ${place}${path === '' ? '' : ` (in ${path})`}`;
  }
}

const WORD = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
