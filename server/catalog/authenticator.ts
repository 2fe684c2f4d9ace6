/**
 * Who is asking. Nothing here says why a credential is wrong, and every comparison of secrets takes the
 * same time whether the key exists or not.
 */
import type {TransportRequest} from '../http/transport.ts';
import type {Catalog} from './catalog.ts';
import {equalHashes, hashSecret} from './credentials.ts';
import type {Role} from './entities.ts';

export interface Principal {
  /** 0 is the bootstrap administrator. */
  readonly tokenId: number;
  readonly name: string;
  readonly role: Role;
  /** The only audiences it sees; undefined: all that access allows. */
  readonly audiences: ReadonlySet<number> | undefined;
  /** The only identity types it is shown; undefined: all. */
  readonly identities: ReadonlySet<string> | undefined;
}

export interface InputCredential {
  readonly inputId: number;
  readonly workspaceId: number;
  readonly key: string;
}

/** Verified Basic headers remembered; at the bound all are forgotten, which costs one hash each. */
const VERIFIED_MAX = 10_000;
const NOBODY = hashSecret('');

export class Authenticator {
  readonly #catalog: Catalog;
  readonly #adminHash: string;
  /** By the first half of the hash; the whole of it is compared in constant time. */
  #tokens = new Map<string, {readonly hash: string; readonly principal: Principal}>();
  #inputs = new Map<string, {readonly secretHash: string; readonly credential: InputCredential}>();
  readonly #verified = new Map<string, InputCredential>();

  constructor({catalog, adminToken}: {catalog: Catalog; adminToken: string}) {
    this.#catalog = catalog;
    this.#adminHash = hashSecret(adminToken);
    this.#readCatalog();
    catalog.onChange('credentials', () => this.#readCatalog());
  }

  /** By `Authorization: Bearer …` alone. */
  authenticateToken(request: TransportRequest): Principal | 'missing' | 'wrong' {
    const header = request.header('authorization');
    if (header === '') return 'missing';
    const token = /^bearer +([^ ]+) *$/i.exec(header)?.[1];
    return token === undefined ? 'wrong' : this.#principal(token);
  }

  /** The header, or `?token=` for browsers, which cannot set one on a WebSocket. */
  authenticateSocket(request: TransportRequest): Principal | 'missing' | 'wrong' {
    if (request.header('authorization') !== '') return this.authenticateToken(request);
    const token = request.query.get('token');
    return token === null || token === '' ? 'missing' : this.#principal(token);
  }

  /** By `Authorization: Basic key:secret`. Called for every request with events. */
  authenticateInput(request: TransportRequest): InputCredential | 'missing' | 'wrong' {
    const header = request.header('authorization');
    if (header === '') return 'missing';
    const known = this.#verified.get(header);
    if (known !== undefined) return known;
    const encoded = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(header)?.[1];
    if (encoded === undefined) return 'wrong';
    const pair = Buffer.from(encoded, 'base64').toString();
    const colon = pair.indexOf(':');
    const input = this.#inputs.get(colon === -1 ? pair : pair.slice(0, colon));
    const isRight = equalHashes(hashSecret(pair.slice(colon + 1)), input?.secretHash ?? NOBODY);
    if (input === undefined || !isRight) return 'wrong';
    if (this.#verified.size >= VERIFIED_MAX) this.#verified.clear();
    this.#verified.set(header, input.credential);
    return input.credential;
  }

  #principal(token: string): Principal | 'wrong' {
    const hash = hashSecret(token);
    const known = this.#tokens.get(hash.slice(0, 32));
    const isRight = equalHashes(hash, known?.hash ?? NOBODY);
    return known !== undefined && isRight ? known.principal : 'wrong';
  }

  #readCatalog(): void {
    this.#tokens = new Map();
    for (const {id, name, role, audiences, identities, hash} of this.#catalog.tokens.values()) {
      const principal = {
        tokenId: id,
        name,
        role,
        audiences: audiences && new Set(audiences),
        identities: identities && new Set(identities),
      };
      this.#tokens.set(hash.slice(0, 32), {hash, principal});
    }
    this.#tokens.set(this.#adminHash.slice(0, 32), {hash: this.#adminHash, principal: BOOTSTRAP});
    this.#inputs = new Map();
    for (const {id, workspace, key, secretHash} of this.#catalog.inputs.values()) {
      const credential = {inputId: id, workspaceId: workspace, key};
      this.#inputs.set(key, {secretHash, credential});
    }
    this.#verified.clear();
  }
}

const BOOTSTRAP: Principal = {
  tokenId: 0,
  name: 'admin',
  role: 'admin',
  audiences: undefined,
  identities: undefined,
};
