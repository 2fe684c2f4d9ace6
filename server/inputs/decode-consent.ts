/** consent_state: `{gdpr: {<purpose>: {…}}, ccpa: {data_sale_opt_out: {…}}}`. */
import type {ConsentChange} from '../../engine/record.ts';
import {memberPlace, type Faults} from './decode-faults.ts';
import {CONSENT_PURPOSES_MAX} from './decode-limits.ts';
import {isTrue, readObject, readTimeMs} from './decode-values.ts';

/**
 * Times default to `batchMs` and are never later than `arrivalMs`. Returns whether something is said that no
 * change holds (documents, locations, other regulations), so that the caller keeps the whole.
 */
export function readConsent(
  raw: unknown,
  times: {readonly batchMs: number; readonly arrivalMs: number},
  into: ConsentChange[],
  faults: Faults,
): boolean {
  const state = readObject(raw, 'consent_state', faults);
  let hasMore = false;
  for (const regulation in state) {
    if (regulation !== 'gdpr' && regulation !== 'ccpa') {
      hasMore = true;
      continue;
    }
    const place = `consent_state.${regulation}`;
    const purposes = readObject(state[regulation], place, faults);
    let count = 0;
    for (const name in purposes) {
      const purpose = name.toLowerCase();
      if (regulation === 'ccpa' && purpose !== 'data_sale_opt_out') {
        hasMore = true;
        continue;
      }
      const purposePlace = memberPlace(place, name);
      const consent = readObject(purposes[name], purposePlace, faults);
      if (consent === undefined) continue;
      const timeMs = readTimeMs(
        consent.timestamp_unixtime_ms,
        memberPlace(purposePlace, 'timestamp_unixtime_ms'),
        faults,
      );
      into.push({
        regulation,
        purpose,
        consented: isTrue(consent.consented),
        timeMs: Math.min(timeMs ?? times.batchMs, times.arrivalMs),
      });
      for (const key in consent)
        if (key !== 'consented' && key !== 'timestamp_unixtime_ms') hasMore = true;
      count++;
    }
    if (count > CONSENT_PURPOSES_MAX) {
      faults.add(place, `has ${count} purposes, and ${CONSENT_PURPOSES_MAX} is the limit.`);
    }
  }
  return hasMore;
}
