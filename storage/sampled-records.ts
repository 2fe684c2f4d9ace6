/** Of the records of one group those whose profiles are in the sample, byte for byte. */
import {isSampled} from '../engine/profiles/sampled.ts';
import type {ProfileRecord} from '../engine/record.ts';
import {recordEnd} from './record-codec.ts';

export class SampledRecords {
  count = 0;
  readonly #records: Uint8Array;
  #at = 0;
  #kept: Uint8Array[] = [];

  constructor(records: Uint8Array) {
    this.#records = records;
  }

  /** The next record, as it is decoded. Hot: it looks at two numbers. */
  pass({mpidHi, mpidLo}: ProfileRecord): void {
    const from = this.#at;
    this.#at = recordEnd(this.#records, from);
    if (!isSampled(mpidHi, mpidLo)) return;
    this.#kept.push(this.#records.subarray(from, this.#at));
    this.count++;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#kept);
  }
}
