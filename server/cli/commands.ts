import type {CommandSpec} from './args.ts';

/** Every option of `serve` has an environment variable; those of the others where a shell would keep one. */
export const SERVE: CommandSpec = {
  name: 'serve',
  summary: 'Take events in, keep audiences current, stream membership deltas out.',
  usage: 'muster serve [options]',
  about: [
    'Starts one server. It prints one line, "listening on http://HOST:PORT", when it is ready to take events. On SIGTERM or Ctrl-C it stops taking work, flushes what it has and exits 0.',
    'Every option can be given as an environment variable instead; the option wins.',
  ],
  options: [
    {
      name: 'port',
      value: 'PORT',
      env: 'MUSTER_PORT',
      fallback: '8080',
      help: 'TCP port for HTTP and WebSocket. 0 takes a free one.',
    },
    {
      name: 'host',
      value: 'ADDRESS',
      env: 'MUSTER_HOST',
      fallback: '127.0.0.1',
      help: 'Address to listen on. 0.0.0.0 is every network of this machine: put TLS in front of it.',
    },
    {
      name: 'data',
      value: 'FOLDER',
      env: 'MUSTER_DATA',
      fallback: './data',
      help: 'Where everything is kept. Made when absent; one process at a time.',
    },
    {
      name: 'shards',
      value: 'COUNT',
      env: 'MUSTER_SHARDS',
      fallback: 'auto',
      help: 'Worker threads that each own a part of the profiles. auto chooses by the number of processor cores.',
    },
    {
      name: 'event-retention',
      value: 'DURATION',
      env: 'MUSTER_EVENT_RETENTION',
      fallback: '30d',
      help: 'How long events count, and repeats of them are recognised. A whole number and a unit: s, m, h, d (24 hours) or w.',
    },
    {
      name: 'profile-retention',
      value: 'DURATION',
      env: 'MUSTER_PROFILE_RETENTION',
      fallback: '30d',
      help: 'How long a profile is kept after it was last heard of. The same units.',
    },
    {
      name: 'delta-retention',
      value: 'DURATION',
      env: 'MUSTER_DELTA_RETENTION',
      fallback: '7d',
      help: 'How far back a reader of deltas can go on from its cursor; one that was away for longer starts anew with a snapshot. The same units.',
    },
    {
      name: 'column-memory',
      value: 'MIB',
      env: 'MUSTER_COLUMN_MEMORY',
      fallback: '64',
      help: 'What each shard keeps in memory between estimates and overlaps, in MiB. Beyond it what was not asked for longest goes, and the next question about it takes longer.',
    },
    {
      name: 'geoip',
      value: 'FILE',
      env: 'MUSTER_GEOIP',
      help: 'Cities by IP address, in MaxMind format (.mmdb): read at the start and again when it changes. Without it, an address says nothing about where somebody is.',
    },
  ],
  examples: [
    ['Try it in this folder', 'muster serve'],
    [
      'Ninety days of events, reachable from other machines',
      'muster serve --host 0.0.0.0 --data /var/lib/muster --event-retention 90d',
    ],
    ['A free port and a token of your own', 'MUSTER_ADMIN_TOKEN=secret muster serve --port 0'],
    ['Everything it has to say', 'MUSTER_LOG_LEVEL=debug muster serve'],
  ],
  notes: [
    {
      title: 'Environment only',
      lines: [
        'MUSTER_ADMIN_TOKEN   The first bearer token. Unset, one is made and kept in the data',
        '                     folder, readable by you alone; its path is printed once.',
        'MUSTER_TRANSPORT     auto (the default), uws or node. auto takes uWebSockets.js where',
        '                     its native part loads, and node:http elsewhere.',
        'MUSTER_LOG_LEVEL     of the log on stderr: debug, info, warn (the default), error, silent.',
      ],
    },
    {
      title: 'Exit codes',
      lines: [
        '0   stopped as asked',
        '1   something failed while running',
        '2   it could not start: an unknown option, a port in use, a data folder that is',
        '    newer than this version or held by another process. Nothing was changed.',
      ],
    },
  ],
};

export const REPLAY: CommandSpec = {
  name: 'replay',
  summary: 'Send a file of events to a server: NDJSON batches, or CSV with a mapping.',
  usage: 'muster replay FILE [options]',
  positional: 'FILE',
  about: [
    'FILE is NDJSON, one batch a line as POST /v2/events takes it, or a CSV file with a header and a --mapping that says how its rows become batches. "-" reads standard input.',
    'Batches of one profile are sent in the order of the file. Every batch carries an id made from its content and place, so a run that is repeated or resumed changes nothing the server already has. 429 waits as long as the server asks; 5xx and network faults are tried again.',
  ],
  options: [
    {
      name: 'url',
      value: 'URL',
      env: 'MUSTER_URL',
      fallback: 'http://127.0.0.1:8080',
      help: 'The server to send to.',
    },
    {name: 'key', value: 'KEY', env: 'MUSTER_KEY', help: 'Key of the input to send as.'},
    {name: 'secret', value: 'SECRET', env: 'MUSTER_SECRET', help: 'Secret of that input.'},
    {
      name: 'mapping',
      value: 'MAP.json',
      help: 'How CSV rows become batches; docs/replay.md explains it with an example. Given: FILE is CSV.',
    },
    {
      name: 'rate',
      value: 'EVENTS',
      help: 'Events per second, at most. Without it: as fast as the server takes them.',
    },
    {
      name: 'now-shift',
      help: 'Move all times by the same amount, so that the newest event is now. Reads the file twice.',
    },
    {
      name: 'batch-size',
      value: 'BATCHES',
      fallback: '100',
      help: 'Batches in one request, 1 to 100. 1 uses /v2/events, more /v2/bulkevents.',
    },
    {
      name: 'concurrency',
      value: 'LANES',
      fallback: '4',
      help: 'Requests under way at once, 1 to 256. A profile always goes through the same lane.',
    },
    {name: 'limit', value: 'EVENTS', help: 'Stop after about this many events.'},
    {
      name: 'run',
      value: 'NAME',
      help: 'Becomes part of every id: another name sends the same file again as new data.',
    },
    {
      name: 'attempts',
      value: 'COUNT',
      fallback: '10',
      help: 'How often one request is tried before the run stops. Waits double from 0.1 s to 10 s.',
    },
    {name: 'quiet', help: 'No progress, only the summary.'},
  ],
  examples: [
    ['Batches from a file', 'muster replay events.ndjson --key K --secret S'],
    [
      'A CSV of orders, as if the last one had come just now',
      'muster replay retail.csv --mapping docs/online-retail.mapping.json --now-shift',
    ],
    [
      'A steady thousand events a second from standard input',
      'zcat events.ndjson.gz | muster replay - --rate 1000',
    ],
  ],
  notes: [
    {
      title: 'Exit codes',
      lines: [
        '0     everything was accepted',
        '1     something was rejected or unreadable, or the server could not be reached',
        '2     the command, the mapping or the file cannot be used; nothing was sent',
        '130   stopped with Ctrl-C, after the summary so far',
      ],
    },
  ],
};

export const DEMO: CommandSpec = {
  name: 'demo',
  summary: 'A lively shop, five audiences and their deltas, in this terminal.',
  usage: 'muster demo [options]',
  about: [
    'Starts a server on a free port with its data in a temporary folder, makes a workspace, an input and five audiences over the HTTP API, then sends the events of a small seeded shop and shows the audiences fill and empty as the deltas arrive over WebSocket. Ctrl-C ends it and removes the folder.',
  ],
  options: [
    {
      name: 'seconds',
      value: 'SECONDS',
      help: 'End by itself after this long. Without it: until Ctrl-C.',
    },
    {name: 'rate', value: 'EVENTS', fallback: '200', help: 'Events per second, 1 to 20000.'},
    {name: 'customers', value: 'COUNT', fallback: '300', help: 'People in the shop, 1 to 100000.'},
    {name: 'seed', value: 'NUMBER', fallback: '1', help: 'The same seed is the same shop.'},
    {
      name: 'port',
      value: 'PORT',
      fallback: '0',
      help: 'TCP port of the server. 0 takes a free one.',
    },
  ],
  examples: [
    ['Watch', 'muster demo'],
    ['Ten seconds at a thousand events a second', 'muster demo --seconds 10 --rate 1000'],
    ['Without colours', 'NO_COLOR=1 muster demo'],
  ],
  notes: [],
};

export const COMMANDS: readonly CommandSpec[] = [SERVE, REPLAY, DEMO];
