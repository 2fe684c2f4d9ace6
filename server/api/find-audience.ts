import type {AudienceBook} from '../catalog/audience-book.ts';
import type {Audience} from '../catalog/entities.ts';
import {forbidden, notFound} from './errors.ts';
import {parseId} from './pages.ts';
import {mayEdit, maySee} from './permissions.ts';
import type {Call} from './route.ts';

type AudienceCall = Pick<Call<unknown>, 'principal' | 'params'>;

/** The audience of `:id`. One that may not be seen is answered like one that is not there. */
export function visibleAudience(
  audiences: AudienceBook,
  {principal, params}: AudienceCall,
): Audience {
  const audience = audiences.get(parseId(params.get('id') ?? '') ?? 0);
  if (audience === undefined || !maySee(principal, audience)) throw notFound();
  return audience;
}

export function editableAudience(audiences: AudienceBook, call: AudienceCall): Audience {
  const audience = visibleAudience(audiences, call);
  if (!mayEdit(call.principal, audience)) throw forbidden();
  return audience;
}
