/**
 * One route of the API: what it takes, who may call it, what it answers. The handler, the validation and
 * the OpenAPI description all come from it.
 */
import type {Static, TSchema} from 'typebox';
import type {Problem} from '../../engine/definitions/definition.ts';
import type {Principal} from '../catalog/authenticator.ts';
import type {TransportResponse} from '../http/transport.ts';
import type {RouteAccess} from './permissions.ts';
import {validator} from './validate.ts';
import type {Validated} from './validate.ts';

export interface Call<Body> {
  readonly principal: Principal;
  /** Without the query. */
  readonly path: string;
  readonly params: ReadonlyMap<string, string>;
  readonly query: URLSearchParams;
  readonly body: Body;
  readonly nowMs: number;
  readonly isHead: boolean;
  /** '' when absent; `name` in lower case. Only before the first `await`, of a route without a body. */
  header(name: string): string;
}

export type Answer =
  | {
      readonly status: number;
      /** undefined: an empty answer. */
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {readonly status: number; readonly text: string; readonly contentType: string}
  /** For long answers: writes the whole answer itself. */
  | {readonly stream: (response: TransportResponse) => void | Promise<void>};

export interface QueryParameter {
  readonly name: string;
  readonly description: string;
  readonly schema: TSchema;
  readonly isRepeatable?: boolean;
  readonly isRequired?: boolean;
}

export interface RouteDescription {
  /** Upper case. */
  readonly method: string;
  readonly pattern: string;
  /** `input`: by the key and secret of an input; `subscriber`: by every token. */
  readonly access: RouteAccess | 'subscriber' | 'input';
  /** Heading in the description. */
  readonly tag: string;
  readonly summary: string;
  /** What the summary leaves out. */
  readonly description?: string;
  /** Names in the pattern that stand for something else than elsewhere. */
  readonly params?: Readonly<Record<string, TSchema>>;
  readonly query?: readonly QueryParameter[];
  readonly body?: TSchema;
  readonly isBodyOptional?: boolean;
  /** By status; undefined: an empty answer, a string: text of that content type. */
  readonly answers: Readonly<Record<number, TSchema | string | undefined>>;
  /** Of a WebSocket. */
  readonly messages?: {readonly client: readonly TSchema[]; readonly server: readonly TSchema[]};
}

/** A call whose body has not the shape that it should have. */
export type Misshapen = Pick<Call<unknown>, 'principal' | 'params' | 'body'>;

export interface ApiRoute extends RouteDescription {
  readonly access: RouteAccess;
  /** undefined: the body is not read. */
  readonly validate: ((body: unknown) => Validated<unknown>) | undefined;
  readonly isBodyOptional: boolean;
  /** Faults of meaning that can be told in spite of those of shape. */
  alsoWrong?(call: Misshapen): readonly Problem[];
  handle(call: Call<unknown>): Answer | Promise<Answer>;
}

/** A route without a body. */
export function route(
  spec: RouteDescription & {
    readonly access: RouteAccess;
    readonly body?: never;
    handle(call: Call<undefined>): Answer | Promise<Answer>;
  },
): ApiRoute {
  return {
    ...spec,
    validate: undefined,
    isBodyOptional: true,
    handle: call => spec.handle({...call, body: undefined}),
  };
}

/** A route with a JSON body. With `isBodyOptional` an empty one stands for `{}`. */
export function bodyRoute<S extends TSchema>(
  spec: RouteDescription & {
    readonly access: RouteAccess;
    readonly body: S;
    alsoWrong?(call: Misshapen): readonly Problem[];
    handle(call: Call<Static<S>>): Answer | Promise<Answer>;
  },
): ApiRoute {
  return {
    ...spec,
    validate: validator(spec.body),
    isBodyOptional: spec.isBodyOptional ?? false,
    // `validate` made sure of the shape.
    handle: call => spec.handle({...call, body: call.body as Static<S>}),
  };
}
