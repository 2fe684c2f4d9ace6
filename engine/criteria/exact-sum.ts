/**
 * Sums of decimal amounts without drift: 0.1 + 0.2 is 0.3, and what is added and taken away again
 * leaves exactly 0. Amounts with at most six decimals, which is all money there is, are summed as integers;
 * anything finer goes through big integers over the shortest decimal text of each number.
 */
export class ExactSum {
  #micros = 0;
  #exact: bigint | undefined;
  #exactScale = 0;

  add(amount: number): void {
    if (this.#exact === undefined) {
      const micros = Math.round(amount * 1e6);
      if (micros / 1e6 === amount && Math.abs(this.#micros + micros) <= Number.MAX_SAFE_INTEGER) {
        this.#micros += micros;
        return;
      }
      this.#exact = BigInt(this.#micros);
      this.#exactScale = 6;
    }
    const {digits, scale} = decimalOf(amount);
    const common = Math.max(scale, this.#exactScale);
    this.#exact =
      this.#exact * 10n ** BigInt(common - this.#exactScale) +
      digits * 10n ** BigInt(common - scale);
    this.#exactScale = common;
  }

  /** The number nearest to the exact sum. */
  value(): number {
    if (this.#exact === undefined) return this.#micros / 1e6;
    return Number(`${this.#exact}e-${this.#exactScale}`);
  }

  /** The number nearest to the exact sum divided by `count`: of three times 0.2 it is 0.2, as 0.6 / 3 is not. */
  average(count: number): number {
    if (this.#exact === undefined) return this.#micros / (1e6 * count);
    const digits = (this.#exact * 10n ** AVERAGE_DIGITS) / BigInt(count);
    return Number(`${digits}e-${this.#exactScale + Number(AVERAGE_DIGITS)}`);
  }
}

/** More than a number can tell apart. */
const AVERAGE_DIGITS = 25n;

/** `digits × 10^−scale` is the number that JSON writes. */
function decimalOf(amount: number): {digits: bigint; scale: number} {
  const [mantissa = '0', exponent = '0'] = String(amount).split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const digits = BigInt(whole + fraction);
  const scale = fraction.length - Number(exponent);
  return scale >= 0 ? {digits, scale} : {digits: digits * 10n ** BigInt(-scale), scale: 0};
}
