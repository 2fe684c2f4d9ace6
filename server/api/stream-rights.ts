/**
 * Whose deltas a token may stream. An audience that is deleted still has its last deletes to tell, to
 * everyone who followed it: its rights are remembered as they were.
 */
import {maySee} from './permissions.ts';
import type {Principal} from '../catalog/authenticator.ts';
import type {Catalog} from '../catalog/catalog.ts';

export class StreamRights {
  readonly #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  mayStream(principal: Principal, audience: number): boolean {
    const {store} = this.#catalog;
    const rights = store.get('audiences', audience) ?? store.get('deletedAudiences', audience);
    return rights !== undefined && maySee(principal, rights);
  }
}
