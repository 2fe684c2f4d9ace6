import {writeKeptJson} from '../../storage/kept-json.ts';
import type {Suggestions} from './suggestions.ts';

/** Writes what is learned from time to time, and when the returned function is called, which ends it. */
export function keepSuggestions(
  suggestions: Suggestions,
  {path, everyMs, onError}: {path: string; everyMs: number; onError: (error: unknown) => void},
): () => Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  const write = (): Promise<void> => {
    writing = writing
      .then(async () => {
        const kept = suggestions.takeKept();
        if (kept !== undefined) await writeKeptJson(path, kept);
      })
      .catch(onError);
    return writing;
  };
  const timer = setInterval(() => void write(), everyMs).unref();
  return () => {
    clearInterval(timer);
    return write();
  };
}
