/** The answers the transport itself gives, in the shape of every other error of the API. */
const JSON_HEADERS: Readonly<Record<string, string>> = {'content-type': 'application/json'};

export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function refusal(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  return {
    status,
    headers: {...JSON_HEADERS, ...headers},
    body: JSON.stringify({errors: [{code, message}]}),
  };
}

/** What a WebSocket's owner answers instead of letting it in; a 401 says how to authenticate. */
export function socketRefusal(verdict: {readonly status: number; readonly body: string}): Refusal {
  const challenge = {'www-authenticate': 'Bearer realm="muster"'};
  return {...verdict, headers: {...JSON_HEADERS, ...(verdict.status === 401 && challenge)}};
}

export function badRequest(message: string): Refusal {
  return refusal(400, 'BAD_REQUEST', message);
}

export function methodNotAllowed(allow: string): Refusal {
  return refusal(405, 'METHOD_NOT_ALLOWED', `this path takes ${allow}`, {allow});
}

export const UPGRADE_REQUIRED = refusal(
  426,
  'UPGRADE_REQUIRED',
  'this path is a WebSocket of version 13',
  {upgrade: 'websocket', 'sec-websocket-version': '13'},
);
export const HEADERS_TOO_LARGE = refusal(431, 'HEADERS_TOO_LARGE', 'headers are over 16 KiB');
export const INTERNAL_ERROR = refusal(500, 'INTERNAL_ERROR', 'internal error');
export const STOPPING = refusal(503, 'UNAVAILABLE', 'the server is stopping', {'retry-after': '1'});
