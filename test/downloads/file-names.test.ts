import {expect, test} from 'vitest';
import {archiveName, csvNames, nameStamp} from '../../server/downloads/file-names.ts';

const AT_MS = Date.UTC(2019, 0, 2, 20, 42, 23);

function namesOf(...files: [number, string, string?][]): string[] {
  const named = files.map(([audience, name, variant]) => ({audience, name, variant}));
  return csvNames(named, AT_MS);
}

test('names carry the time, the id and nothing that a user wrote but letters and digits', () => {
  expect(nameStamp(AT_MS)).toBe('204223Jan022019');
  expect(nameStamp(Date.UTC(2026, 10, 3, 4, 5, 6))).toBe('040506Nov032026');
  expect(archiveName('9dd9b6dc-f0ec-4acf-8b18-f3a357afe1c3', AT_MS)).toBe(
    'musterAudiences_204223Jan022019_9dd9.zip',
  );
  expect(
    namesOf(
      [8754, 'Potential Parisians'],
      [1, '../../etc/passwd\u0000'],
      [2, 'C:\\x.exe\r\nA: b'],
      [3, 'Café d’été'],
      [4, 'Парижане'],
      [5, 'x'.repeat(100)],
    ),
  ).toEqual([
    '8754_PotentialParisians_204223Jan022019.csv',
    '1_etcpasswd_204223Jan022019.csv',
    '2_CxexeAb_204223Jan022019.csv',
    '3_Cafedete_204223Jan022019.csv',
    '4_Audience_204223Jan022019.csv',
    `5_${'x'.repeat(64)}_204223Jan022019.csv`,
  ]);
});

test('variants are named behind their audience, and no two files alike', () => {
  expect(
    namesOf(
      [7, 'Buyers', 'Mail A'],
      [7, 'Buyers', 'mail a!'],
      [7, 'Buyers', '?'],
      [7, 'Buyers', '!'],
    ),
  ).toEqual([
    '7_Buyers-MailA_204223Jan022019.csv',
    '7_Buyers-maila-2_204223Jan022019.csv',
    '7_Buyers-_204223Jan022019.csv',
    '7_Buyers--2_204223Jan022019.csv',
  ]);
});
