/** Decimals without rounding: 0.1 + 0.2 is 0.3. The value is `digits / 10 ** scale`. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

export const ZERO: Decimal = {digits: 0n, scale: 0};

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/** The decimal that a text spells; undefined when it spells none. */
export function decimalOf(text: string): Decimal | undefined {
  const found = NUMBER.exec(text.trim());
  if (!found) return undefined;
  const whole = found[2] ?? '';
  const fraction = found[3] ?? '';
  if (whole === '' && fraction === '') return undefined;
  const magnitude = BigInt(whole + fraction);
  const digits = found[1] === '-' ? -magnitude : magnitude;
  const scale = fraction.length - Number(found[4] ?? 0);
  if (Math.abs(scale) > 10_000) return undefined;
  return scale >= 0 ? {digits, scale} : {digits: digits * 10n ** BigInt(-scale), scale: 0};
}

/** A JavaScript number is the shortest decimal that reads as it, which is what JSON said. */
export function decimalOfNumber(value: number): Decimal {
  const decimal = decimalOf(String(value));
  if (decimal === undefined) throw new Error(`not a finite number: ${value}`);
  return decimal;
}

export function plus(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return {digits: digitsAt(a, scale) + digitsAt(b, scale), scale};
}

export function times(a: Decimal, count: number): Decimal {
  return {digits: a.digits * BigInt(count), scale: a.scale};
}

/** Negative, 0 or positive, as for sorting. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const left = digitsAt(a, scale);
  const right = digitsAt(b, scale);
  return left < right ? -1 : left > right ? 1 : 0;
}

function digitsAt(value: Decimal, scale: number): bigint {
  return value.digits * 10n ** BigInt(scale - value.scale);
}
