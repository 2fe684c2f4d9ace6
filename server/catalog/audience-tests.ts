/**
 * A/B tests of audiences. The split is decided when a test is saved and stays: other percentages would
 * move people between variants in the middle of the comparison, so they are another test. Names may
 * still be corrected while no connection goes by them.
 */
import {isInShare, PARTS, type Share, variantShares} from '../../engine/audiences/variants.ts';
import type {Problem} from '../../engine/definitions/definition.ts';
import {mpidHi, mpidLo} from '../../engine/ids.ts';
import {audit} from './catalog.ts';
import type {Actor, Catalog} from './catalog.ts';
import type {Audience, AudienceTest} from './entities.ts';
import {Conflict, Unacceptable} from './refusals.ts';
import {foldedVariantName} from './variant-name.ts';

/** Control among them. */
export const VARIANTS_MAX = 5;
export const CONTROL = 'Control';

type Variant = AudienceTest['variants'][number];

export class AudienceTests {
  readonly #catalog: Catalog;
  /** Tests are never changed in place. */
  readonly #shares = new WeakMap<AudienceTest, ReturnType<typeof variantShares>>();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** Control included, last; empty without a test. */
  variants(audience: number): readonly Variant[] {
    return this.#test(audience)?.variants ?? [];
  }

  /** The name as it was saved, and who is in it; undefined: there is no such variant. In any case. */
  variant(audience: number, name: string): {name: string; share: Share} | undefined {
    const wanted = foldedVariantName(name);
    return this.#sharesOf(audience).find(each => foldedVariantName(each.name) === wanted);
  }

  /** Who is in a variant; undefined: there is no such variant. */
  membersOf(audience: number, name: string): ((mpid: bigint) => boolean) | undefined {
    const share = this.variant(audience, name)?.share;
    return share && (mpid => isInShare(share, mpidHi(mpid), mpidLo(mpid)));
  }

  /** undefined: the audience has no test. */
  variantOf(audience: number, mpid: bigint): string | undefined {
    const hi = mpidHi(mpid);
    const lo = mpidLo(mpid);
    return this.#sharesOf(audience).find(({share}) => isInShare(share, hi, lo))?.name;
  }

  /**
   * Makes the test, or renames the variants of the one there is. `isConnected`: connections go by their
   * names. The same test again changes nothing.
   */
  async set(
    audience: Audience,
    given: readonly Variant[],
    actor: Actor,
    {isConnected}: {isConnected: boolean},
  ): Promise<AudienceTest> {
    const variants = completed(given);
    const current = audience.test;
    if (current !== undefined && isSameSplit(current.variants, variants)) return current;
    if (current !== undefined) {
      refuseOtherSplit(current.variants, variants);
      if (isConnected) {
        throw new Conflict('variants that are connected go by their names and cannot be renamed');
      }
    }
    return this.#catalog.change('audiences', write => {
      const made: AudienceTest =
        current === undefined
          ? {
              id: write.nextId('tests'),
              variants,
              createdBy: actor.name,
              createdMs: actor.nowMs,
            }
          : {...current, variants};
      const lastModified = {lastModifiedBy: actor.name, lastModifiedMs: actor.nowMs};
      write.put('audiences', audience.id, {...audience, test: made, ...lastModified});
      audit(write, actor, {
        action: current === undefined ? 'audience.test.create' : 'audience.test.rename',
        target: `audience/${audience.id}`,
        from: current?.variants ?? null,
        to: variants,
      });
      return made;
    });
  }

  /** Ends it; false: there is none. */
  async remove(audience: Audience, actor: Actor): Promise<boolean> {
    const {test, ...rest} = audience;
    if (test === undefined) return false;
    await this.#catalog.change('audiences', write => {
      const lastModified = {lastModifiedBy: actor.name, lastModifiedMs: actor.nowMs};
      write.put('audiences', audience.id, {...rest, ...lastModified});
      audit(write, actor, {
        action: 'audience.test.delete',
        target: `audience/${audience.id}`,
        from: test.variants,
      });
    });
    return true;
  }

  #test(audience: number): AudienceTest | undefined {
    return this.#catalog.store.get('audiences', audience)?.test;
  }

  #sharesOf(audience: number): ReturnType<typeof variantShares> {
    const test = this.#test(audience);
    if (test === undefined) return [];
    let shares = this.#shares.get(test);
    if (shares === undefined) {
      const parts = test.variants.map(({name, percentage}) => ({name, parts: partsOf(percentage)}));
      shares = variantShares(test.id, parts);
      this.#shares.set(test, shares);
    }
    return shares;
  }
}

/** With Control last; every fault at once. */
function completed(given: readonly Variant[]): Variant[] {
  const problems: Problem[] = [];
  const variants: Variant[] = [];
  const names = new Set<string>();
  let control: {readonly index: number; readonly percentage: number} | undefined;
  let sum = 0;
  for (const [index, {name: text, percentage}] of given.entries()) {
    const name = text.trim();
    const at = `variants[${index}]`;
    const isControl = foldedVariantName(name) === foldedVariantName(CONTROL);
    if (names.has(foldedVariantName(name))) {
      problems.push({path: `${at}.name`, message: 'is the name of another variant'});
    }
    names.add(foldedVariantName(name));
    const parts = Math.round(percentage * 100);
    if (Math.abs(percentage * 100 - parts) > 1e-6) {
      problems.push({path: `${at}.percentage`, message: 'must have at most two decimals'});
    }
    if (isControl) {
      control = {index, percentage};
      continue;
    }
    if (parts < 1 || parts > PARTS) {
      const message = 'must be more than 0 and at most 100';
      problems.push({path: `${at}.percentage`, message});
    } else {
      const isOver = sum > PARTS;
      sum += parts;
      if (sum > PARTS && !isOver) {
        const message = `brings the variants to ${sum / 100} %, which is more than 100`;
        problems.push({path: `${at}.percentage`, message});
      }
    }
    variants.push({name, percentage: parts / 100});
  }
  const rest = Math.max(0, PARTS - sum) / 100;
  if (control !== undefined && sum <= PARTS && partsOf(control.percentage) !== partsOf(rest)) {
    const message = `${CONTROL} is the rest, here ${rest} %; leave it out or give that`;
    problems.push({path: `variants[${control.index}].percentage`, message});
  }
  if (variants.length === 0) {
    const message = `needs at least one variant besides ${CONTROL}`;
    problems.push({path: 'variants', message});
  }
  if (variants.length > VARIANTS_MAX - 1) {
    const message = `may be at most ${VARIANTS_MAX} with ${CONTROL}`;
    problems.push({path: 'variants', message});
  }
  if (problems.length > 0) throw new Unacceptable(problems);
  return [...variants, {name: CONTROL, percentage: rest}];
}

function isSameSplit(a: readonly Variant[], b: readonly Variant[]): boolean {
  const percentages = new Map(b.map(({name, percentage}) => [name, percentage]));
  return a.length === b.length && a.every(each => percentages.get(each.name) === each.percentage);
}

/** Renamed variants are told by their places. */
function refuseOtherSplit(current: readonly Variant[], next: readonly Variant[]): void {
  const isSame =
    current.length === next.length &&
    current.every(({percentage}, index) => percentage === next[index]?.percentage);
  const stays = current.map(({name}) => name);
  const isPermuted = next.some(({name}, index) => {
    const place = stays.indexOf(name);
    return place !== -1 && place !== index;
  });
  if (isSame && !isPermuted) return;
  throw new Conflict(
    'the percentages of a test stay as they were saved, because others would move people between ' +
      'variants: delete the test and make another',
  );
}

function partsOf(percentage: number): number {
  return Math.round(percentage * 100);
}
