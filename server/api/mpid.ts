/** A signed 64-bit decimal, exactly; undefined for anything else. */
export function parseMpid(text: string): bigint | undefined {
  if (!/^-?\d{1,19}$/.test(text)) return undefined;
  const mpid = BigInt(text);
  return BigInt.asIntN(64, mpid) === mpid ? mpid : undefined;
}
