/** Names of variants are the same when these are equal: people who type one do not mind its case. */
export function foldedVariantName(name: string): string {
  return name.trim().normalize('NFC').toLowerCase();
}
