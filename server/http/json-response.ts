import type {TransportResponse} from './transport.ts';

const HEADERS = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const;

export function sendJson(
  response: TransportResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.send(status, {...HEADERS, ...headers}, JSON.stringify(body));
}

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly path?: string | undefined;
}

/** `{"errors":[…]}`; a 401 says how to authenticate. */
export function sendErrors(
  response: TransportResponse,
  status: number,
  errors: readonly ErrorBody[],
  {scheme = 'Bearer'}: {scheme?: 'Bearer' | 'Basic'} = {},
): void {
  const challenge = status === 401 ? {'www-authenticate': `${scheme} realm="muster"`} : {};
  sendJson(response, status, {errors}, challenge);
}
