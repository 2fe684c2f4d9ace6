import {describe, expect, test} from 'vitest';
import {parseCommand, UsageProblem} from '../../server/cli/args.ts';
import {COMMANDS, REPLAY, SERVE} from '../../server/cli/commands.ts';
import {commandHelp, overview, unknownCommand} from '../../server/cli/help.ts';
import {parseServe} from '../../server/cli/serve-options.ts';

const days = (count: number): number => count * 86_400_000;

describe('muster serve', () => {
  test('without options it listens on this machine alone, on port 8080, with thirty days of memory', () => {
    expect(parseServe([], {})).toEqual({
      port: 8080,
      host: '127.0.0.1',
      dataFolder: './data',
      shards: 'auto',
      eventRetentionMs: days(30),
      profileRetentionMs: days(30),
      deltaRetentionMs: days(7),
      columnBytesMax: 64 * 2 ** 20,
      adminToken: undefined,
      logLevel: 'warn',
      transport: 'auto',
    });
  });

  test('every option reads its environment variable, and the option wins', () => {
    const env = {
      MUSTER_PORT: '1',
      MUSTER_HOST: 'h',
      MUSTER_DATA: 'd',
      MUSTER_SHARDS: '3',
      MUSTER_EVENT_RETENTION: '2w',
      MUSTER_PROFILE_RETENTION: '36h',
      MUSTER_DELTA_RETENTION: '2d',
      MUSTER_COLUMN_MEMORY: '8',
      MUSTER_LOG_LEVEL: 'debug',
      MUSTER_TRANSPORT: 'node',
      MUSTER_ADMIN_TOKEN: 't',
    };
    expect(parseServe(['--port=9'], env)).toEqual({
      port: 9,
      host: 'h',
      dataFolder: 'd',
      shards: 3,
      eventRetentionMs: days(14),
      profileRetentionMs: days(1.5),
      deltaRetentionMs: days(2),
      columnBytesMax: 8 * 2 ** 20,
      adminToken: 't',
      logLevel: 'debug',
      transport: 'node',
    });
    expect(SERVE.options.every(option => option.env?.startsWith('MUSTER_'))).toBe(true);
  });

  test('an empty environment variable is an unset one', () => {
    expect(parseServe([], {MUSTER_PORT: '', MUSTER_ADMIN_TOKEN: ''})).toMatchObject({
      port: 8080,
      adminToken: undefined,
    });
  });

  test.each([
    [['--prot', '1'], 'there is no option --prot; did you mean --port?'],
    [
      ['--event-retenton', '1d'],
      'there is no option --event-retenton; did you mean --event-retention?',
    ],
    [['--whatever'], 'there is no option --whatever; see muster serve --help'],
    [['-p', '1'], 'there is no option -p; see muster serve --help'],
    [['--port'], '--port needs a value: --port PORT.'],
    [['--port', '--host', 'x'], '--port needs a value: --port PORT.'],
    [['--port', '65536'], '--port takes a whole number from 0 to 65535, not "65536".'],
    [['--port', '0x50'], '--port takes a whole number from 0 to 65535, not "0x50".'],
    [['--port', '1', '--port', '2'], '--port is given twice.'],
    [['--shards', '0'], '--shards takes auto or a whole number from 1 to 64, not "0".'],
    [['--event-retention', '30'], '--event-retention takes a duration like 12h or 30d, not "30".'],
    [['--event-retention', '0d'], '--event-retention takes a duration like 12h or 30d, not "0d".'],
    [['extra'], 'it takes no arguments, and "extra" is left over; see muster serve --help'],
    [['--help=yes'], '--help takes no value.'],
  ])('%j is one sentence', (argv, sentence) => {
    expect(() => parseServe(argv, {})).toThrow(new UsageProblem(sentence));
  });
});

test('a lone dash is a file, and what follows two dashes is no option', () => {
  expect(parseCommand(REPLAY, ['-'], {}).positional).toBe('-');
  expect(parseCommand(REPLAY, ['--', '--odd-name'], {}).positional).toBe('--odd-name');
});

describe('help', () => {
  test.each(COMMANDS.map(command => [command.name, command] as const))(
    'muster %s --help names every option with its default and its environment variable',
    (_, command) => {
      const text = commandHelp(command);
      for (const option of command.options) {
        expect(text).toContain(`--${option.name}`);
        if (option.fallback !== undefined) expect(text).toContain(option.fallback);
        if (option.env !== undefined) expect(text).toContain(option.env);
      }
      expect(Math.max(...text.split('\n').map(line => line.length))).toBeLessThanOrEqual(100);
      expect(overview()).toContain(command.summary);
    },
  );

  test('a word that is no command gets the nearest one', () => {
    expect(unknownCommand('sreve')).toBe(
      'muster has no command "sreve"; did you mean muster serve?',
    );
    expect(unknownCommand('xyzzy')).toBe('muster has no command "xyzzy"; see muster --help');
  });
});
