/**
 * Whose deltas a token may stream. An audience that is deleted still has its last deletes to tell, to
 * everyone who followed it: its rights are remembered as they were, as long as this process lives.
 */
import {maySee, type AudienceRights} from './permissions.ts';
import type {Principal} from '../catalog/authenticator.ts';
import type {Catalog} from '../catalog/catalog.ts';

export class StreamRights {
  readonly #rights = new Map<number, AudienceRights>();
  readonly #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
    this.#remember();
    catalog.onChange('audiences', () => this.#remember());
  }

  mayStream(principal: Principal, audience: number): boolean {
    const rights = this.#rights.get(audience);
    if (rights !== undefined) return maySee(principal, rights);
    // Deleted before this process began: only who may see everything, or was granted it by its number.
    return principal.audiences?.has(audience) ?? principal.role === 'admin';
  }

  #remember(): void {
    for (const {id, owner, access} of this.#catalog.store.all('audiences').values()) {
      this.#rights.set(id, {id, owner, access});
    }
  }
}
