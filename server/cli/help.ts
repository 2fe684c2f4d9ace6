import type {CommandSpec, OptionSpec} from './args.ts';
import {HELP_OPTION} from './args.ts';
import {COMMANDS} from './commands.ts';
import {nearest} from './nearest.ts';
import {version} from './version.ts';

const WIDTH = 88;
const INDENT = 2;

/** `muster --help`. */
export function overview(): string {
  const wide = Math.max(...COMMANDS.map(command => command.name.length));
  return [
    `muster ${version()}: real-time audiences. Events in, membership deltas out, as they happen.`,
    '',
    'Usage',
    '  muster COMMAND [options]',
    '',
    'Commands',
    ...COMMANDS.map(command => `  ${command.name.padEnd(wide)}   ${command.summary}`),
    '',
    'Start here',
    '  muster demo             a shop that fills and empties five audiences while you watch',
    '  muster serve            a server on http://127.0.0.1:8080 with its data in ./data',
    '  muster serve --help     every option, with its default, unit and environment variable',
    '  muster COMMAND --help   what a command does, with examples',
    '',
  ].join('\n');
}

/** `muster COMMAND --help`. */
export function commandHelp(spec: CommandSpec): string {
  const options = [...spec.options, HELP_OPTION];
  const wide = Math.max(...options.map(option => left(option).length));
  return [
    `muster ${spec.name}: ${spec.summary}`,
    '',
    'Usage',
    `  ${spec.usage}`,
    '',
    ...spec.about.flatMap(paragraph => [...wrap(paragraph, 0), '']),
    'Options',
    ...options.flatMap(option => describe(option, wide)),
    '',
    'Examples',
    ...spec.examples.flatMap(([what, command]) => [`  # ${what}`, `  ${command}`]),
    '',
    ...spec.notes.flatMap(note => [note.title, ...note.lines.map(line => `  ${line}`), '']),
  ].join('\n');
}

/** The sentence for a first word that is no command. */
export function unknownCommand(word: string): string {
  const close = nearest(
    word,
    COMMANDS.map(command => command.name),
  );
  const hint = close === undefined ? 'see muster --help' : `did you mean muster ${close}?`;
  return `muster has no command "${word}"; ${hint}`;
}

function left(option: OptionSpec): string {
  if (option === HELP_OPTION) return '--help, -h';
  return option.value === undefined ? `--${option.name}` : `--${option.name} ${option.value}`;
}

function describe(option: OptionSpec, wide: number): string[] {
  const facts = [
    option.fallback === undefined ? undefined : `Default ${option.fallback}.`,
    option.env === undefined ? undefined : `Environment ${option.env}.`,
  ].filter(fact => fact !== undefined);
  const column = INDENT + wide + 3;
  const [first = '', ...rest] = wrap([option.help, ...facts].join(' '), column);
  return [
    `${' '.repeat(INDENT)}${left(option).padEnd(wide)}   ${first}`,
    ...rest.map(line => ' '.repeat(column) + line),
  ];
}

function wrap(text: string, column: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH - column) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  if (line !== '') lines.push(line);
  return lines;
}
