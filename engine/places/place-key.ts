/**
 * One text for all the ways a place is spelt: case, accents, dots, apostrophes and hyphens do not count,
 * "Saint" is "St". So "St. Louis" is "Saint Louis" and "SAO PAULO" is "São Paulo".
 */
import {foldCase} from '../values/fold-case.ts';

export function placeKey(text: string): string {
  const folded = foldCase(text);
  if (SIMPLE.test(folded)) return folded;
  const plain = PLAIN.test(folded) ? folded : withoutAccents(folded);
  return plain
    .replace(/['’‘ʻ`´.]/g, '')
    .replace(/&/g, ' and ')
    .replace(/[,;:_/()\u2010-\u2015-]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/\bsaint(e?)\b/g, 'st$1');
}

/** Words with single spaces between: most names. */
const SIMPLE = /^(?!.*saint)[a-z0-9]+(?: [a-z0-9]+)*$/;
const PLAIN = /^[\0-\x7f]*$/;

function withoutAccents(text: string): string {
  return text
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[øłđðıħßæœþ]/g, letter => LETTERS[letter] ?? letter)
    .normalize('NFC');
}

/** Letters that Unicode does not take apart. */
const LETTERS: Readonly<Record<string, string>> = {
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  ı: 'i',
  ħ: 'h',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  þ: 'th',
};
