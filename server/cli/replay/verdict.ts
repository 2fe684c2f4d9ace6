import type {HttpAnswer} from '../http-client.ts';
import type {ReplayBatch} from './source.ts';
import type {ReplayTally} from './tally.ts';

/** What an answer means for the batches of its request. */
export type Verdict =
  | {readonly kind: 'judged'}
  | {readonly kind: 'again'; readonly why: string}
  | {readonly kind: 'hopeless'; readonly why: string};

/** Counts what was taken and what was refused, when the server has judged them. */
export function judge(
  answer: HttpAnswer,
  batches: readonly ReplayBatch[],
  tally: ReplayTally,
): Verdict {
  const {status} = answer;
  if (status === 202 || status === 200) {
    const rejected = readRejected(answer.body);
    batches.forEach((batch, index) => {
      const why = rejected.get(index);
      if (why === undefined) tally.accept(batch.eventCount);
      else tally.reject(batch.eventCount, `line ${batch.line}: ${why}`);
    });
    return {kind: 'judged'};
  }
  if (status === 429 || status >= 500) {
    return {kind: 'again', why: `the server answered ${status}${said(answer.body)}`};
  }
  if (status === 400 || status === 413 || status === 422) {
    const rejected = readRejected(answer.body);
    const whole = `${status}${said(answer.body)}`;
    batches.forEach((batch, index) =>
      tally.reject(batch.eventCount, `line ${batch.line}: ${rejected.get(index) ?? whole}`),
    );
    return {kind: 'judged'};
  }
  const hint =
    status === 401 || status === 403
      ? ': the key and the secret must be those of one input'
      : said(answer.body);
  return {kind: 'hopeless', why: `the server answered ${status}${hint}`};
}

/** Index of a refused batch to why. */
function readRejected(body: string): Map<number, string> {
  const refused = new Map<number, string>();
  const parsed = parseObject(body);
  if (!Array.isArray(parsed['rejected'])) return refused;
  for (const item of parsed['rejected'] as unknown[]) {
    if (typeof item !== 'object' || item === null) continue;
    const {index, errors} = item as {index?: unknown; errors?: unknown};
    if (typeof index === 'number') refused.set(index, messages(errors) || 'refused');
  }
  return refused;
}

function said(body: string): string {
  const text = messages(parseObject(body)['errors']);
  return text === '' ? '' : `: ${text}`;
}

function messages(errors: unknown): string {
  if (!Array.isArray(errors)) return '';
  return errors
    .map((error: unknown) =>
      typeof error === 'object' && error !== null && 'message' in error
        ? String(error.message)
        : '',
    )
    .filter(message => message !== '')
    .slice(0, 3)
    .join('; ');
}

function parseObject(body: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    // An answer that is no JSON comes from something in between; its status says enough.
    return {};
  }
}
