import {describe, expect, test} from 'vitest';
import {chooseTransport} from '../../server/http/choose-transport.ts';
import type {ListenFunction} from '../../server/http/transport.ts';
import {describeHttp} from './transport-http-suite.ts';
import {describeSockets} from './transport-socket-suite.ts';
import {describeStreams} from './transport-stream-suite.ts';
import {TestServers} from './transport-support.ts';

const node = await chooseTransport('node');
/** undefined where its native binary does not load. */
const uws = await chooseTransport('uws').catch(() => undefined);

const backEnds: readonly (readonly [string, ListenFunction])[] =
  uws === undefined
    ? [['node', node]]
    : [
        ['uws', uws],
        ['node', node],
      ];

describe.each(backEnds)('the %s transport', (_, listen) => {
  describeHttp(listen);
  describeStreams(listen);
  describeSockets(listen);
});

test('auto takes uWebSockets.js where it loads, and node:http elsewhere', async () => {
  const servers = new TestServers(await chooseTransport('auto'));
  const {transport} = await servers.start({});
  expect(transport.name).toBe(uws === undefined ? 'node' : 'uws');
  await servers.closeAll();
});

test('where uWebSockets.js does not load, asking for it is refused with a sentence', async () => {
  if (uws === undefined) {
    await expect(chooseTransport('uws')).rejects.toThrow('no native binary for Node');
  } else {
    const servers = new TestServers(uws);
    expect((await servers.start({})).transport.name).toBe('uws');
    await servers.closeAll();
  }
});
