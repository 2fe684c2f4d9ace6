import {expect} from 'vitest';
import type {Json, ServerClient} from '../../support/server-client.ts';

/**
 * An address that went from hand to hand is on the profile that it leads to and on no other. It is on none when
 * its owner has another address since.
 */
export async function expectOneOwner(
  client: ServerClient,
  emails: readonly string[],
  mpids: readonly string[],
): Promise<void> {
  const emailOf = async (mpid: string | undefined): Promise<unknown> =>
    (scopeOf(await client.profile(mpid ?? '0'))['identities'] as Json | undefined)?.['email'];
  const holders = new Map<unknown, string[]>();
  for (const mpid of mpids) {
    const email = await emailOf(mpid);
    holders.set(email, [...(holders.get(email) ?? []), mpid]);
  }
  for (const email of emails) {
    const found = await client.raw('GET', `/v1/profiles?identity=email&value=${email}`);
    const owner = (found.body as {mpid?: string}).mpid;
    const expected = (await emailOf(owner)) === email ? owner : undefined;
    expect(`${email} on ${holders.get(email)?.join()}`).toBe(`${email} on ${expected}`);
  }
}

/** What is known of a profile in the first of its workspaces. */
export function scopeOf(profile: Json | undefined): Json {
  return (profile?.['workspaces'] as Json[] | undefined)?.[0] ?? {};
}
