/** The REST API: every route, described and served. */
import type {AudienceBook} from '../catalog/audience-book.ts';
import type {Authenticator} from '../catalog/authenticator.ts';
import type {Catalog} from '../catalog/catalog.ts';
import type {TransportRoute} from '../http/transport.ts';
import type {Shards} from '../shards/protocol.ts';
import {auditRoutes} from './audit-routes.ts';
import {audienceRoutes} from './audience-routes.ts';
import type {AudienceRouteParts} from './audience-routes.ts';
import {AudienceStates} from './audience-states.ts';
import {memberRoutes} from './member-routes.ts';
import type {MemberRouteParts} from './member-routes.ts';
import {openApi} from './openapi.ts';
import {profileRoutes} from './profile-routes.ts';
import type {ProfileRouteParts} from './profile-routes.ts';
import type {ApiRoute, RouteDescription} from './route.ts';
import {serveRoute} from './serve-route.ts';
import type {ServeRouteParts} from './serve-route.ts';
import {systemRoutes} from './system-routes.ts';
import type {SystemRouteParts} from './system-routes.ts';
import {tokenRoutes} from './token-routes.ts';
import {workspaceRoutes} from './workspace-routes.ts';

export interface ApiParts
  extends
    ServeRouteParts,
    ProfileRouteParts,
    MemberRouteParts,
    Omit<AudienceRouteParts, 'states'>,
    Omit<SystemRouteParts, 'openApi'> {
  readonly authenticator: Authenticator;
  readonly catalog: Catalog;
  readonly audiences: AudienceBook;
  readonly shards: Shards;
  /** Of the program. */
  readonly version: string;
  /** Of other parts of the server; served and described like the rest. */
  readonly moreRoutes?: readonly ApiRoute[];
  /** Of what others serve, such as the taking of events; described like the rest. */
  readonly moreDescriptions?: readonly RouteDescription[];
}

export function createApi(parts: ApiParts): TransportRoute[] {
  return apiRoutes(parts).map(route => serveRoute(route, parts));
}

/** Every route as it is described, in the order of the description. */
export function apiRoutes(parts: ApiParts): ApiRoute[] {
  const {catalog, version, moreDescriptions = [], moreRoutes = []} = parts;
  let description: unknown;
  const routes: ApiRoute[] = [
    ...workspaceRoutes(catalog),
    ...tokenRoutes(catalog),
    ...auditRoutes(parts),
    ...audienceRoutes({...parts, states: new AudienceStates(parts.shards)}),
    ...memberRoutes(parts),
    ...profileRoutes(parts),
    ...moreRoutes,
    ...systemRoutes({
      ...parts,
      openApi: () => (description ??= openApi({version, routes: [...moreDescriptions, ...routes]})),
    }),
  ];
  return routes;
}
