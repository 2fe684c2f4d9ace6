import {Type} from 'typebox';
import type {Static} from 'typebox';
import type {Problem} from '../../engine/definitions/definition.ts';
import type {AudienceBook} from '../catalog/audience-book.ts';
import type {AudienceTests} from '../catalog/audience-tests.ts';
import type {Principal} from '../catalog/authenticator.ts';
import type {Download} from '../catalog/entities.ts';
import type {Downloads} from '../downloads/downloads.ts';
import {archiveName} from '../downloads/file-names.ts';
import {sendFile} from '../downloads/send-file.ts';
import type {AudienceStates, SummedState} from './audience-states.ts';
import {DownloadAnswer, DownloadId, NewDownload} from './download-schemas.ts';
import {ApiError, forbidden, notFound} from './errors.ts';
import {readIdentityTypes} from './identity-types.ts';
import {pageAnswer, pageParameters, readPage} from './pages.ts';
import {maySee, maySeeIdentity, mayUse} from './permissions.ts';
import {bodyRoute, route} from './route.ts';
import type {Answer, ApiRoute, Call} from './route.ts';

export interface DownloadRouteParts {
  readonly audiences: AudienceBook;
  readonly tests: AudienceTests;
  readonly downloads: Downloads;
  readonly states: AudienceStates;
}

const TAG = 'Downloads';

export function downloadRoutes(parts: DownloadRouteParts): ApiRoute[] {
  const {downloads} = parts;
  return [
    bodyRoute({
      method: 'POST',
      pattern: '/v1/downloads',
      access: 'viewer',
      tag: TAG,
      summary: 'Have the members of audiences written to a ZIP of CSV files, in the background',
      body: NewDownload,
      answers: {201: DownloadAnswer},
      handle: async call => {
        const known = await parts.states.read();
        const request = readRequest(parts, call, known);
        const actor = {name: call.principal.name, nowMs: call.nowMs};
        return {status: 201, body: view(downloads, await downloads.create(request, actor))};
      },
    }),
    route({
      method: 'GET',
      pattern: '/v1/downloads',
      access: 'viewer',
      tag: TAG,
      summary: 'The downloads that the token asked for, newest first; all of them for an admin',
      query: pageParameters('Id of the last download of the page before.', DownloadId),
      answers: {200: Type.Array(DownloadAnswer)},
      handle: call => {
        const {limit, after} = readPage(call.query, id => (isId(id) ? id : undefined));
        const mine = downloads.list().filter(download => isOwn(call.principal, download));
        const start = after === undefined ? 0 : mine.findIndex(({id}) => id === after) + 1;
        const items = mine.slice(start, start + limit);
        const next = start + limit < mine.length ? items.at(-1)?.id : undefined;
        return pageAnswer(
          call,
          items.map(each => view(downloads, each)),
          next,
        );
      },
    }),
    route({
      method: 'GET',
      pattern: '/v1/downloads/:id',
      params: {id: DownloadId},
      access: 'viewer',
      tag: TAG,
      summary: 'How far a download is',
      answers: {200: DownloadAnswer},
      handle: call => ({status: 200, body: view(downloads, ownDownload(downloads, call))}),
    }),
    route({
      method: 'GET',
      pattern: '/v1/downloads/:id/file',
      params: {id: DownloadId},
      access: 'viewer',
      tag: TAG,
      summary: 'The ZIP, whole or a byte range of it (Range, If-Range, If-None-Match)',
      answers: {200: 'application/zip', 206: 'application/zip', 304: undefined},
      handle: call => answerFile(parts, call),
    }),
    route({
      method: 'DELETE',
      pattern: '/v1/downloads/:id',
      params: {id: DownloadId},
      access: 'viewer',
      tag: TAG,
      summary: 'Remove a download and its file, or stop the making of it',
      answers: {204: undefined},
      handle: async call => {
        const actor = {name: call.principal.name, nowMs: call.nowMs};
        await downloads.remove(ownDownload(downloads, call), actor);
        return {status: 204};
      },
    }),
  ];
}

/** Every fault at once; 403 for what may be seen and not used, and for identities that are not granted. */
function readRequest(
  parts: DownloadRouteParts,
  {body, principal}: Call<Static<typeof NewDownload>>,
  known: ReadonlyMap<number, SummedState>,
): Parameters<Downloads['create']>[0] {
  const problems: Problem[] = [];
  const identities = readIdentityTypes(body.identities, 'identities', problems);
  const seen = new Set<number>();
  const uncalculated: number[] = [];
  let isAllowed = identities.every(type => maySeeIdentity(principal, type));
  const files = body.audiences.flatMap(({id, variants}, index): Download['files'] => {
    const at = `audiences[${index}]`;
    const audience = parts.audiences.get(id);
    if (audience === undefined || !maySee(principal, audience)) {
      problems.push({path: `${at}.id`, message: `there is no audience ${id}`});
      return [];
    }
    if (seen.has(id)) problems.push({path: `${at}.id`, message: 'is named twice'});
    seen.add(id);
    if (!mayUse(principal, audience)) isAllowed = false;
    const isCalculated = audience.status === 'active' && (known.get(id)?.version ?? 0) > 0;
    if (!isCalculated) uncalculated.push(id);
    const whole = {audience: id, name: audience.name, variant: undefined, share: undefined};
    if (variants === undefined || variants === null) return [whole];
    const named = new Set<string>();
    return variants.flatMap((name, place): Download['files'] => {
      const path = `${at}.variants[${place}]`;
      const variant = parts.tests.variant(id, name);
      if (variant === undefined) {
        problems.push({path, message: `audience ${id} has no variant of this name`});
        return [];
      }
      if (named.has(variant.name)) problems.push({path, message: 'is named twice'});
      named.add(variant.name);
      return [{...whole, variant: variant.name, share: variant.share}];
    });
  });
  if (problems.length > 0) throw new ApiError('UNPROCESSABLE', problems);
  if (!isAllowed) throw forbidden();
  if (uncalculated.length > 0) {
    const which = uncalculated.join(', ');
    throw new ApiError('CONFLICT', `only a calculated audience can be downloaded; not: ${which}`);
  }
  return {files, identities, sample: body.sample ?? undefined, csv: body.csv ?? 'safe'};
}

/** Rights are looked at again: a file may outlive what its maker was allowed. */
async function answerFile(parts: DownloadRouteParts, call: Call<undefined>): Promise<Answer> {
  const {downloads} = parts;
  const {principal, isHead, nowMs} = call;
  const conditions = {
    isHead,
    range: call.header('range'),
    ifRange: call.header('if-range'),
    ifNoneMatch: call.header('if-none-match'),
  };
  const download = ownDownload(downloads, call);
  if (!mayStillFetch(parts, principal, download)) throw forbidden();
  refuseUnready(downloads, download);
  const {id, createdMs, readyMs = 0, sizeBytes = 0} = download;
  if (!isHead) await downloads.noteFetch(download, {name: principal.name, nowMs});
  const file = {
    path: downloads.path(id),
    sizeBytes,
    fileName: archiveName(id, createdMs),
    etag: `"${id}"`,
    modifiedMs: readyMs,
  };
  return {stream: response => sendFile(response, file, conditions, () => downloads.isReadable(id))};
}

function mayStillFetch(
  {audiences}: DownloadRouteParts,
  principal: Principal,
  {files, identities}: Download,
): boolean {
  return (
    identities.every(type => maySeeIdentity(principal, type)) &&
    files.every(({audience: id}) => {
      const audience = audiences.get(id);
      return audience === undefined || mayUse(principal, audience);
    })
  );
}

function refuseUnready(downloads: Downloads, {id, status, reason}: Download): void {
  if (downloads.isReadable(id)) return;
  if (status === 'queued') throw new ApiError('CONFLICT', 'the file is not ready yet');
  if (status === 'failed') throw new ApiError('CONFLICT', `there is no file: ${reason}`);
  const why = reason === undefined ? '' : `: ${reason}`;
  throw new ApiError('NOT_FOUND', `the file has expired${why}`);
}

/** Of `:id`. Another's is answered like one that is not there. */
function ownDownload(
  downloads: Downloads,
  {principal, params}: Pick<Call<unknown>, 'principal' | 'params'>,
): Download {
  const download = downloads.get(params.get('id') ?? '');
  if (download === undefined || !isOwn(principal, download)) throw notFound();
  return download;
}

function isOwn({role, name}: Principal, {createdBy}: Download): boolean {
  return role === 'admin' || name === createdBy;
}

function isId(text: string): boolean {
  return /^[0-9a-f-]{36}$/.test(text);
}

function view(downloads: Downloads, download: Download): Record<string, unknown> {
  const {id, createdMs} = download;
  const running = downloads.progress(id);
  return {
    id,
    status: statusOf(downloads, download),
    progress: download.status === 'queued' ? (running ?? 0) : 1,
    reason: download.reason ?? null,
    audiences: viewAudiences(download),
    identities: download.identities,
    sample: download.sample ?? null,
    csv: download.csv,
    file_name: archiveName(id, createdMs),
    size_bytes: download.sizeBytes ?? null,
    total_rows: download.rows ?? null,
    created_by: download.createdBy,
    created_ms: createdMs,
    ready_ms: download.readyMs ?? null,
    expires_ms: download.expiresMs ?? null,
  };
}

function statusOf(downloads: Downloads, {id, status}: Download): string {
  if (status === 'queued') return downloads.progress(id) === undefined ? 'queued' : 'running';
  return status === 'ready' && !downloads.isReadable(id) ? 'expired' : status;
}

function viewAudiences({files}: Download): unknown[] {
  const names = new Map(files.map(({audience, name}) => [audience, name]));
  return [...names].map(([id, name]) => {
    const variants = files.flatMap(({audience, variant}) =>
      audience === id && variant !== undefined ? [variant] : [],
    );
    return {id, name, variants: variants.length === 0 ? null : variants};
  });
}
