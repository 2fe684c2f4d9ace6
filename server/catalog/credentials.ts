/**
 * Secrets are 32 random bytes, so one SHA-256 is as good a hash as any slow one: there is nothing to
 * guess. Only hashes are kept.
 */
import {createHash, randomBytes, timingSafeEqual} from 'node:crypto';

export function makeToken(): string {
  return `mst_${randomBytes(32).toString('base64url')}`;
}

export function makeInputKey(): string {
  return `key_${randomBytes(16).toString('hex')}`;
}

export function makeInputSecret(): string {
  return randomBytes(32).toString('base64url');
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Both as `hashSecret` gives them. In constant time. */
export function equalHashes(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'));
}
