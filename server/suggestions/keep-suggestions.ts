import {writeKeptJson} from '../../storage/kept-json.ts';
import type {Suggestions} from './suggestions.ts';

export interface SuggestionsKeeper {
  /** Resolves when everything learned until now is written. */
  write(): Promise<void>;
  /** Writes once more, and ends it. */
  close(): Promise<void>;
}

/** Writes what is learned from time to time. */
export function keepSuggestions(
  suggestions: Suggestions,
  {path, everyMs, onError}: {path: string; everyMs: number; onError: (error: unknown) => void},
): SuggestionsKeeper {
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
  return {
    write,
    close: () => {
      clearInterval(timer);
      return write();
    },
  };
}
