/**
 * The one folding behind "ignoring case": lower case by Unicode without a locale, final sigma as
 * sigma, canonically composed. So `É` is `é` however it is composed, `ΣΑΣ` is `σας`, and the length
 * of a text does not depend on where it stands in a longer one. `ß` and `ss` stay different, `İ` is
 * `i` with a dot above (and not `i`), `ı` is itself: in every process, whatever its language.
 * Folding what is folded changes nothing.
 */
export function foldCase(text: string): string {
  const lower = text.toLowerCase();
  // Latin-1 has no final sigma and nothing to compose: most text is done here.
  return BEYOND_LATIN1.test(lower) ? lower.replaceAll('ς', 'σ').normalize('NFC') : lower;
}

const BEYOND_LATIN1 = /[\u0100-\uffff]/;
