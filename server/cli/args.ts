import {parseArgs} from 'node:util';
import {nearest} from './nearest.ts';

/** One option of one command: what the parser accepts and what the help says, in one place. */
export interface OptionSpec {
  /** Long name, without the dashes. */
  readonly name: string;
  /** What stands for the value in the help, like `PORT`. undefined: the option is a flag. */
  readonly value?: string;
  /** Read when the option is not given. A flag is set by `1` or `true`. */
  readonly env?: string;
  /** The default as it would be typed. undefined: there is none. */
  readonly fallback?: string;
  /** One or two sentences, with the unit and what happens at the edges. */
  readonly help: string;
}

export interface CommandSpec {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  readonly usage: string;
  /** Paragraphs that teach what the command does. */
  readonly about: readonly string[];
  /** Name of the one positional argument; undefined: the command takes none. */
  readonly positional?: string;
  readonly options: readonly OptionSpec[];
  /** Pairs of what it does and what to type. */
  readonly examples: readonly (readonly [what: string, command: string])[];
  /** Further titled lists, like exit codes. */
  readonly notes: readonly {readonly title: string; readonly lines: readonly string[]}[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Said to the user as it stands, on stderr, with exit code 2. One sentence. */
export class UsageProblem extends Error {
  override readonly name = 'UsageProblem';
}

/** What was given for one command, the environment and the defaults filled in. */
export class Arguments {
  readonly positional: string | undefined;
  readonly wantsHelp: boolean;
  readonly #values: ReadonlyMap<string, string>;

  constructor(values: ReadonlyMap<string, string>, positional: string | undefined) {
    this.#values = values;
    this.positional = positional;
    this.wantsHelp = values.get('help') === 'true';
  }

  /** undefined only for an option without a default that nobody gave. */
  text(name: string): string | undefined {
    return this.#values.get(name);
  }

  required(name: string): string {
    const value = this.#values.get(name);
    if (value === undefined || value === '') throw new UsageProblem(`--${name} is needed.`);
    return value;
  }

  flag(name: string): boolean {
    const value = this.#values.get(name);
    return value === 'true' || value === '1';
  }

  /** A decimal number between `least` and `most`; undefined when nobody gave it. */
  number(name: string, limits: {least: number; most: number; whole?: boolean}): number | undefined {
    const text = this.#values.get(name);
    if (text === undefined) return undefined;
    const value = /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN;
    const {least, most} = limits;
    const whole = limits.whole !== false;
    if (!(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
      const range = Number.isFinite(most) ? `from ${least} to ${most}` : `of at least ${least}`;
      const noun = whole ? 'a whole number' : 'a number';
      throw new UsageProblem(`--${name} takes ${noun} ${range}, not "${text}".`);
    }
    return value;
  }

  /** `<integer><unit>` with unit s m h d w, in milliseconds. */
  durationMs(name: string): number | undefined {
    const text = this.#values.get(name);
    if (text === undefined) return undefined;
    const match = /^(\d{1,9})([smhdw])$/.exec(text.trim());
    const unitMs = match?.[2] === undefined ? undefined : UNIT_MS[match[2]];
    const value = Number(match?.[1]) * (unitMs ?? Number.NaN);
    if (!(value > 0)) {
      throw new UsageProblem(`--${name} takes a duration like 12h or 30d, not "${text}".`);
    }
    return value;
  }
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Throws UsageProblem for anything the command does not take. */
export function parseCommand(
  spec: CommandSpec,
  argv: readonly string[],
  env: Environment,
): Arguments {
  const options = new Map(spec.options.map(option => [option.name, option]));
  options.set('help', HELP_OPTION);
  const {tokens} = parseArgs({
    args: [...argv],
    options: {
      ...Object.fromEntries(
        [...options.values()].map(option => [
          option.name,
          {type: option.value === undefined ? ('boolean' as const) : ('string' as const)},
        ]),
      ),
      help: {type: 'boolean', short: 'h'},
    },
    // Not strict: the sentences below are kinder than Node's own.
    strict: false,
    allowPositionals: true,
    tokens: true,
  });

  const values = defaults(spec, env);
  const given = new Set<string>();
  let positional: string | undefined;
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      if (spec.positional === undefined || positional !== undefined) {
        throw new UsageProblem(extraWord(spec, token.value));
      }
      positional = token.value;
      continue;
    }
    const option = options.get(token.name);
    if (option === undefined) {
      throw new UsageProblem(unknownOption(spec, token.rawName, [...options.keys()]));
    }
    if (given.has(option.name)) throw new UsageProblem(`--${option.name} is given twice.`);
    given.add(option.name);
    if (option.value === undefined) {
      if (token.value !== undefined) throw new UsageProblem(`--${option.name} takes no value.`);
      values.set(option.name, 'true');
      continue;
    }
    if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
      throw new UsageProblem(`--${option.name} needs a value: --${option.name} ${option.value}.`);
    }
    values.set(option.name, token.value);
  }
  return new Arguments(values, positional);
}

export const HELP_OPTION: OptionSpec = {name: 'help', help: 'Show this text.'};

function defaults(spec: CommandSpec, env: Environment): Map<string, string> {
  const values = new Map<string, string>();
  for (const option of spec.options) {
    const fromEnvironment = option.env === undefined ? undefined : env[option.env];
    // An empty variable is an unset one: compose files and shells leave them behind.
    const value =
      fromEnvironment === undefined || fromEnvironment === '' ? option.fallback : fromEnvironment;
    if (value !== undefined) values.set(option.name, value);
  }
  return values;
}

function unknownOption(spec: CommandSpec, rawName: string, names: readonly string[]): string {
  const close = nearest(rawName.replace(/^-+/, ''), names);
  const hint = close === undefined ? `see muster ${spec.name} --help` : `did you mean --${close}?`;
  return `there is no option ${rawName}; ${hint}`;
}

function extraWord(spec: CommandSpec, word: string): string {
  const takes =
    spec.positional === undefined ? 'takes no arguments' : `takes one ${spec.positional}`;
  return `it ${takes}, and "${word}" is left over; see muster ${spec.name} --help`;
}
