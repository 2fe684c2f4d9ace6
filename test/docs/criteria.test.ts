/**
 * docs/criteria.md is true. Every definition in it is parsed by the real parser and played through a shard with the
 * story beside it; every row of its tables is tried; and nothing that definitions can say is without an
 * example.
 */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {CALCULATIONS} from '../../engine/definitions/calculated-attribute.ts';
import type {CalculatedAttributeJson} from '../../engine/definitions/parse-calculated-attribute.ts';
import {OPERATORS} from '../../engine/definitions/parse-operand.ts';
import {WINDOW_FORMS} from '../../engine/definitions/parse-when.ts';
import type {Environment} from '../../engine/ids.ts';
import type {Value} from '../../engine/record.ts';
import {custom, record} from '../support/oracle-build.ts';
import {Stage, type StageAudience} from '../support/stage.ts';
import {instantOf, START_MS, tellStory} from './story.ts';

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/criteria.md'), 'utf8');

interface Block {
  readonly heading: string;
  /** Words after the three ticks. */
  readonly info: readonly string[];
  readonly text: string;
}

const blocks = [...blocksOf(DOCUMENT)];

interface Example {
  readonly heading: string;
  readonly audiences: readonly StageAudience[];
  readonly story: string;
}

const examples = [...examplesOf(blocks)];

describe('stories', () => {
  const named = examples.map((example, index) => [example.heading, index] as const);

  test.each(named)('%s (example %i)', (_, index) => {
    const {audiences, story} = examples[index]!;
    expect(tellStory(audiences, story)).toEqual([]);
  });

  test('no definition is without one', () => {
    const told = examples.flatMap(example => example.audiences).length;
    expect(blocks.filter(({info}) => info[1] === 'definition')).toHaveLength(told);
  });
});

describe('refusals', () => {
  const refused = blocks.flatMap((block, index) =>
    block.info[1] === 'refused' ? [[block.text, blocks[index + 1]!] as const] : [],
  );

  test.each(refused)('%s', (text, problems) => {
    expect(problems.info).toEqual(['text', 'problems']);
    const stage = new Stage({startMs: START_MS});
    const faults = refusal(() => stage.define({definition: JSON.parse(text) as unknown}));
    const told = faults.map(({path, message}) => `${path}: ${message}`);
    const expected = problems.text.trim().split('\n');
    expect(told.map((each, at) => (isBeginning(expected[at], each) ? expected[at] : each))).toEqual(
      expected,
    );
  });
});

describe('conditions', () => {
  const rows = rowsOf(DOCUMENT, '| condition | met by | not met by |').map(
    ([condition = '', met = '', unmet = '']) => ({
      condition: JSON.parse(codesOf(condition)[0]!) as object,
      met: codesOf(met).map(valueOf),
      unmet: codesOf(unmet).map(valueOf),
    }),
  );

  test.each(rows)('$condition', ({condition, met, unmet}) => {
    for (const where of ['user', 'event'] as const) {
      expect({where, met: whoMeets(condition, [...met, ...unmet], where)}).toEqual({where, met});
    }
  });

  test('there are some', () => {
    expect(rows.length).toBeGreaterThan(30);
  });
});

describe('windows', () => {
  const [header = ''] = /^\| `when`, now being .*$/m.exec(DOCUMENT) ?? [];
  const [now = ''] = codesOf(header.split('now being ')[1] ?? '');
  const rows = rowsOf(DOCUMENT, header).map(([when = '', inside = '', outside = '']) => ({
    when: JSON.parse(codesOf(when)[0]!) as object,
    inside: codesOf(inside),
    outside: codesOf(outside),
  }));

  test.each(rows)('$when', ({when, inside, outside}) => {
    const nowMs = instantOf(now);
    const stage = new Stage({startMs: nowMs});
    stage.define({definition: {kind: 'event', name: 'View', when}});
    const moments = [...inside, ...outside];
    for (const [index, moment] of moments.entries()) {
      const events = [custom(instantOf(moment), 'View')];
      stage.send(record(nowMs, {mpid: BigInt(index), events}));
    }
    expect(stage.members().map(mpid => moments[Number(mpid)])).toEqual(inside);
  });

  test('every form is there', () => {
    expect(rows.map(({when}) => Object.keys(when)[0])).toEqual(
      expect.arrayContaining([...WINDOW_FORMS]),
    );
  });
});

describe('nothing is without an example', () => {
  const definitions = examples.flatMap(({audiences}) => audiences.map(each => each.definition));
  const said = new Set<string>();
  for (const definition of definitions) collect(definition, said);
  for (const {audiences} of examples) {
    for (const each of audiences[0]!.calculated ?? []) said.add(each.calculation);
  }
  for (const [condition = ''] of rowsOf(DOCUMENT, '| condition | met by | not met by |')) {
    collect(JSON.parse(codesOf(condition)[0]!), said);
  }

  test.each([
    [...CALCULATIONS],
    ['event', 'commerce', 'screen_view', 'session', 'crash', 'install', 'uninstall', 'upgrade'],
    [
      'attribution_event',
      'cart_abandonment',
      'sequence',
      'user_attribute',
      'calculated_attribute',
      'audience',
      'consent',
    ],
    ['device', 'first_seen', 'last_seen', 'location', 'identity', 'attribution'],
    ['count', 'sum', 'avg', 'min', 'max', 'distinct'],
    [...new Set(Object.values(OPERATORS).flat()), 'exists', 'not_exists'],
    ['member', 'not_member', 'given', 'not_given', 'opted_out', 'not_opted_out'],
  ])('%s, …', (...words) => {
    expect(words.filter(word => !said.has(word))).toEqual([]);
  });
});

// ── Reading the document ──────────────────────────────────────────────────────────────────────

function* blocksOf(text: string): Generator<Block> {
  let heading = '';
  let open: {info: string[]; lines: string[]} | undefined;
  for (const line of text.split('\n')) {
    if (open !== undefined) {
      if (line.startsWith('```')) {
        yield {heading, info: open.info, text: open.lines.join('\n')};
        open = undefined;
      } else open.lines.push(line);
    } else if (line.startsWith('```')) open = {info: line.slice(3).trim().split(/\s+/), lines: []};
    else if (line.startsWith('#')) heading = line.replace(/^#+ /, '');
  }
}

/** A story is about the definitions since the story before. */
function* examplesOf(all: readonly Block[]): Generator<Example> {
  let audiences: StageAudience[] = [];
  let calculated: CalculatedAttributeJson[] = [];
  for (const {heading, info, text} of all) {
    if (info[1] === 'calculated') calculated.push(...calculatedOf(text));
    if (info[1] === 'definition') {
      audiences.push({...audienceOf(info, text, audiences.length + 1), calculated});
    }
    if (info[1] !== 'story') continue;
    yield {heading, audiences, story: text};
    audiences = [];
    calculated = [];
  }
}

function calculatedOf(text: string): CalculatedAttributeJson[] {
  const one = {workspace: 1, attribute: undefined, when: undefined};
  return (JSON.parse(text) as CalculatedAttributeJson[]).map(json => ({...one, ...json}));
}

/** ```json definition id=2 workspaces=1,2 inputs=1 environment=development draft */
function audienceOf([, , ...words]: readonly string[], text: string, id: number): StageAudience {
  const settings = new Map(words.map(word => word.split('=') as [string, string]));
  const ids = (name: string) => settings.get(name)?.split(',').map(Number);
  const [workspaces, inputs] = [ids('workspaces'), ids('inputs')];
  return {
    id: Number(settings.get('id') ?? id),
    definition: JSON.parse(text) as unknown,
    environment: (settings.get('environment') ?? 'production') as Environment,
    active: !settings.has('draft'),
    ...(workspaces === undefined ? {} : {workspaces}),
    ...(inputs === undefined ? {} : {inputs}),
  };
}

/** Cells of the rows of every table with this header. */
function rowsOf(text: string, header: string): string[][] {
  const lines = text.split('\n');
  return lines.flatMap((line, at) => {
    if (line !== header) return [];
    const rest = lines.slice(at + 2);
    const end = rest.findIndex(each => !each.startsWith('|'));
    return rest.slice(0, end).map(row =>
      row
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map(cell => cell.trim().replaceAll('\\|', '|')),
    );
  });
}

function codesOf(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

function valueOf(code: string): Value | undefined {
  return code === 'absent' ? undefined : (JSON.parse(code) as Value);
}

function whoMeets(
  condition: object,
  values: readonly (Value | undefined)[],
  where: 'user' | 'event',
): (Value | undefined)[] {
  const stage = new Stage({startMs: START_MS});
  const definition =
    where === 'user'
      ? {kind: 'user_attribute', attribute: 'a', ...condition}
      : {kind: 'event', name: 'View', where: [{attribute: 'a', ...condition}]};
  stage.define({definition});
  for (const [index, value] of values.entries()) {
    const attributes = value === undefined ? {} : {a: value};
    const parts =
      where === 'user' ? {attributes} : {events: [custom(START_MS, 'View', attributes)]};
    stage.send(record(START_MS, {mpid: BigInt(index), ...parts}));
  }
  return stage.members().map(mpid => values[Number(mpid)]);
}

function refusal(act: () => void): {path: string; message: string}[] {
  try {
    act();
  } catch (error) {
    return JSON.parse((error as Error).message) as {path: string; message: string}[];
  }
  return [];
}

/** Long messages are cut by an ellipsis. */
function isBeginning(expected: string | undefined, whole: string): boolean {
  return expected?.endsWith('…') === true && whole.startsWith(expected.slice(0, -1));
}

/** Every text in the definition that may be a kind, an operator, a measure or a state. */
function collect(json: unknown, into: Set<string>): void {
  if (Array.isArray(json)) for (const each of json) collect(each, into);
  else if (typeof json === 'object' && json !== null) {
    for (const [name, value] of Object.entries(json)) {
      if (['kind', 'operator', 'function', 'state'].includes(name)) into.add(String(value));
      else collect(value, into);
    }
  }
}
