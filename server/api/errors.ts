/** Every error the API answers with, once. */
import {CatalogWriteError} from '../../storage/catalog-store.ts';
import {DiskRefusedError} from '../../storage/lmdb-commit.ts';
import {CatalogFullError} from '../catalog/catalog.ts';
import {Conflict, NotTold, Unacceptable} from '../catalog/refusals.ts';
import {ShardUnavailableError} from '../shards/shard-unavailable.ts';

export interface ErrorItem {
  readonly code: string;
  readonly message: string;
  /** Place in the body or name of the parameter. */
  readonly path?: string | undefined;
}

export const ERROR_STATUS = {
  /** The body is not JSON. */
  BAD_REQUEST: 400,
  /** No credentials. */
  UNAUTHORIZED: 401,
  /** Wrong credentials, or a role or access too low. */
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  /** At odds with what exists. */
  CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  /** A content type or encoding that is not read. */
  UNSUPPORTED_MEDIA_TYPE: 415,
  /** Understood but wrong; every fault is listed. */
  UNPROCESSABLE: 422,
  INTERNAL_ERROR: 500,
  /** Starting, stopping, or the disk refuses. */
  UNAVAILABLE: 503,
} as const;
export type ErrorCode = keyof typeof ERROR_STATUS;

/** Answered to the client as it is. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly items: readonly ErrorItem[];

  constructor(
    code: ErrorCode,
    message: string | readonly {readonly path: string; readonly message: string}[],
  ) {
    super(typeof message === 'string' ? message : code);
    this.name = 'ApiError';
    this.code = code;
    this.items =
      typeof message === 'string' ? [{code, message}] : message.map(each => ({code, ...each}));
  }

  get status(): number {
    return ERROR_STATUS[this.code];
  }
}

export function notFound(): ApiError {
  return new ApiError('NOT_FOUND', 'there is nothing here');
}

/** The same words whatever the reason, so that nothing is learned from them. */
export function forbidden(): ApiError {
  return new ApiError('FORBIDDEN', 'these credentials do not allow this');
}

/** undefined: a defect of ours. */
export function apiErrorFrom(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof Unacceptable) return new ApiError('UNPROCESSABLE', error.problems);
  if (error instanceof Conflict) return new ApiError('CONFLICT', error.message);
  if (error instanceof CatalogFullError) return new ApiError('CONFLICT', error.message);
  if (error instanceof DiskRefusedError) return new ApiError('UNAVAILABLE', error.message);
  if (error instanceof ShardUnavailableError) return new ApiError('UNAVAILABLE', error.message);
  if (error instanceof NotTold) return new ApiError('UNAVAILABLE', error.message);
  if (error instanceof CatalogWriteError) return new ApiError('UNAVAILABLE', error.message);
  return undefined;
}
