import type {TransportHandler} from '../http/transport.ts';
import {sendErrors} from '../http/json-response.ts';
import {notFound} from './errors.ts';

/** For a path that no route has. */
export const answerNotFound: TransportHandler = (_request, response) => {
  const {status, items} = notFound();
  sendErrors(response, status, items);
};
