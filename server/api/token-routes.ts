import {Type} from 'typebox';
import type {Problem} from '../../engine/definitions/definition.ts';
import type {Catalog} from '../catalog/catalog.ts';
import type {Token} from '../catalog/entities.ts';
import {ApiError, notFound} from './errors.ts';
import {readIdentityTypes} from './identity-types.ts';
import {pageAnswer, pageById, pageParameters, parseId} from './pages.ts';
import {bodyRoute, route} from './route.ts';
import type {ApiRoute} from './route.ts';
import {NewToken, TokenAnswer, TokenWithSecret} from './schemas.ts';

const TAG = 'Tokens and audit';

export function tokenRoutes(catalog: Catalog): ApiRoute[] {
  return [
    bodyRoute({
      method: 'POST',
      pattern: '/v1/tokens',
      access: 'admin',
      tag: TAG,
      summary: 'Make a token; it is shown this once',
      body: NewToken,
      answers: {201: TokenWithSecret},
      handle: async ({body, principal, nowMs}) => {
        const {name, role, audiences} = body;
        const problems: Problem[] = [];
        const identities =
          body.identities && readIdentityTypes(body.identities, 'identities', problems);
        if (problems.length > 0) throw new ApiError('UNPROCESSABLE', problems);
        const {token, secret} = await catalog.createToken(
          {name, role, audiences: audiences ?? undefined, identities: identities ?? undefined},
          {name: principal.name, nowMs},
        );
        return {status: 201, body: {...viewToken(token), token: secret}};
      },
    }),
    route({
      method: 'GET',
      pattern: '/v1/tokens',
      access: 'admin',
      tag: TAG,
      summary: 'All tokens, without their secrets',
      query: pageParameters('Id of the last token of the page before.'),
      answers: {200: Type.Array(TokenAnswer)},
      handle: call => {
        const {items, next} = pageById(call, [...catalog.tokens.values()]);
        return pageAnswer(call, items.map(viewToken), next);
      },
    }),
    route({
      method: 'DELETE',
      pattern: '/v1/tokens/:id',
      access: 'admin',
      tag: TAG,
      summary: 'Revoke a token, from this moment on',
      answers: {204: undefined},
      handle: async ({params, principal, nowMs}) => {
        const token = catalog.tokens.get(parseId(params.get('id') ?? '') ?? 0);
        if (token === undefined) throw notFound();
        await catalog.revokeToken(token, {name: principal.name, nowMs});
        return {status: 204};
      },
    }),
  ];
}

function viewToken(token: Token): Record<string, unknown> {
  return {
    id: token.id,
    name: token.name,
    role: token.role,
    audiences: token.audiences ?? null,
    identities: token.identities ?? null,
    created_by: token.createdBy,
    created_ms: token.createdMs,
  };
}
