import {describe, expect, test} from 'vitest';
import {audienceSpecs, mpidLoOf, profileOf} from '../../bench/workload-records.ts';
import {ATTRIBUTES, WORDS} from '../../bench/workload-audiences.ts';
import {Workload, valueOf} from '../../bench/workload.ts';
import {Latencies} from '../../bench/support/latencies.ts';

describe('the canonical workload', () => {
  const workload = new Workload({audiences: 1000, profiles: 100_000});

  test('shares predicates as real audiences do', () => {
    const references = workload.audiences.flatMap(({clauses}) => clauses.flat());
    expect(references.length / 1000).toBeCloseTo(4.4, 0);
    expect(workload.predicates.length).toBeGreaterThan(1000);
    expect(workload.predicates.length).toBeLessThan(1500);
    const negated = references.filter(literal => literal.negated).length;
    expect(negated / references.length).toBeCloseTo(0.16, 1);
  });

  test('is the same whatever part of it is asked for first', () => {
    const whole = workload.events(0, 100);
    const tail = workload.events(60, 40);
    expect(tail.profile).toEqual(whole.profile.slice(60));
    expect(tail.code).toEqual(whole.code.slice(60));
  });

  test('does not depend on the population for its audiences', () => {
    expect(new Workload({audiences: 1000, profiles: 50}).audiences).toEqual(workload.audiences);
  });

  test('has hot profiles and cold ones, and one event in five that sets an attribute', () => {
    const {profile, attribute} = workload.events(0, 20_000);
    const counts = new Map<number, number>();
    for (const each of profile) counts.set(each, (counts.get(each) ?? 0) + 1);
    expect(Math.max(...counts.values())).toBeGreaterThan(100);
    expect(counts.size).toBeGreaterThan(10_000);
    expect(attribute.filter(each => each >= 0).length / 20_000).toBeCloseTo(0.2, 1);
  });

  test('parses as definitions of the contract', () => {
    expect(audienceSpecs(workload)).toHaveLength(1000);
  });

  test('has values for every code', () => {
    const codes = new Int32Array(ATTRIBUTES.length);
    const missing: string[] = [];
    for (let profile = 0; profile < 1000; profile++) {
      workload.profileCodes(profile, codes);
      for (const [attribute, code] of codes.entries()) {
        if (/undefined/.test(String(valueOf(attribute, code))))
          missing.push(`${attribute} ${code}`);
      }
    }
    expect(missing).toEqual([]);
    expect(new Set(WORDS).size).toBe(WORDS.length);
  });

  test('finds a profile by half its mpid', () => {
    for (const profile of [0, 1, 99_999, 9_999_999])
      expect(profileOf(mpidLoOf(profile))).toBe(profile);
  });
});

test('percentiles are right to three per cent', () => {
  const latencies = new Latencies();
  for (let i = 1; i <= 10_000; i++) latencies.record(i / 100);
  for (const share of [0.5, 0.99, 0.999]) {
    const exact = share * 100;
    expect(Math.abs(latencies.percentile(share) - exact) / exact).toBeLessThan(0.05);
  }
  expect(latencies.percentile(1)).toBe(100);
});
