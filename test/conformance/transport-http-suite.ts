import {networkInterfaces} from 'node:os';
import {afterEach, describe, expect, test} from 'vitest';
import type {ListenFunction, TransportHandler} from '../../server/http/transport.ts';
import {RawClient, request, sleep, TestServers, until} from './transport-support.ts';

const hasIpv6 = Object.values(networkInterfaces()).some(addresses =>
  addresses?.some(({family}) => family === 'IPv6'),
);

/** Answers with the body, or with what went wrong. */
const echoBody: TransportHandler = (incoming, response) => {
  incoming.readBody(1_000, (problem, body) => {
    if (problem === 'too_large') response.send(413, {}, 'too large');
    else if (problem === undefined) response.send(200, {}, body);
  });
};

export function describeHttp(listen: ListenFunction): void {
  const servers = new TestServers(listen);
  afterEach(() => servers.closeAll());

  describe('routes', () => {
    test('a literal segment wins over a parameter, whatever the order', async () => {
      const {url} = await servers.start({
        routes: {
          'GET /things/:id': (incoming, response) =>
            response.send(200, {}, `thing ${incoming.params.get('id')}`),
          'GET /things/all': (_, response) => response.send(200, {}, 'all'),
          'GET /:kind/:id/parts': (incoming, response) =>
            response.send(200, {}, `parts of ${[...incoming.params].join(' ')}`),
        },
      });
      const ask = async (path: string): Promise<string> => (await fetch(url + path)).text();
      expect(await ask('/things/all')).toBe('all');
      expect(await ask('/things/7')).toBe('thing 7');
      expect(await ask('/boxes/7/parts')).toBe('parts of kind,boxes id,7');
      expect(await ask('/things/')).toBe('not found');
      expect(await ask('/things')).toBe('not found');
      expect(await ask('/things/7/')).toBe('not found');
      expect(await ask('/')).toBe('not found');
    });

    test('parameters are percent-decoded, the path is not', async () => {
      const {url} = await servers.start({
        routes: {
          'GET /things/:id': (incoming, response) =>
            response.send(200, {}, `${incoming.params.get('id')} ${incoming.path}`),
        },
      });
      const answer = await fetch(`${url}/things/a%2Fb%20%C3%A9`);
      expect(await answer.text()).toBe('a/b é /things/a%2Fb%20%C3%A9');
    });

    test('broken percent-encoding is answered 400', async () => {
      const {port} = await servers.start({
        routes: {'GET /things/:id': (_, response) => response.send(200, {}, '')},
      });
      const client = await RawClient.connect(port);
      await client.send(request('GET /things/%E9%'));
      expect((await client.answer()).status).toBe(400);
      client.destroy();
    });

    test('the query is decoded, repeated names kept, and valid after an await', async () => {
      const {url} = await servers.start({
        routes: {
          'GET /search': async (incoming, response) => {
            await sleep(1);
            response.send(200, {}, JSON.stringify([...incoming.query]));
          },
        },
      });
      const ask = async (path: string): Promise<unknown> => (await fetch(url + path)).json();
      expect(await ask('/search?tag=a&tag=b%20c&q=%26+')).toEqual([
        ['tag', 'a'],
        ['tag', 'b c'],
        ['q', '& '],
      ]);
      expect(await ask('/search')).toEqual([]);
      expect(await ask('/search?')).toEqual([]);
    });

    test('another method on a known path is answered 405 with what it takes', async () => {
      const {url} = await servers.start({
        routes: {
          'GET /things': (_, response) => response.send(200, {}, ''),
          'POST /things': (_, response) => response.send(201, {}, ''),
          'DELETE /things/:id': (_, response) => response.send(204, {}, ''),
        },
      });
      const all = await fetch(`${url}/things`, {method: 'DELETE'});
      expect([all.status, all.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
      expect(await all.json()).toEqual({
        errors: [{code: 'METHOD_NOT_ALLOWED', message: 'this path takes GET, HEAD, POST'}],
      });
      const one = await fetch(`${url}/things/1`, {method: 'PUT', body: 'x'});
      expect([one.status, one.headers.get('allow')]).toEqual([405, 'DELETE']);
      const options = await fetch(`${url}/things/1`, {method: 'OPTIONS'});
      expect(options.status).toBe(405);
      expect((await fetch(`${url}/nothing`, {method: 'PUT'})).status).toBe(404);
    });

    test('every method reaches its route by its upper-case name', async () => {
      const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
      const handler: TransportHandler = (incoming, response) =>
        response.send(200, {}, incoming.method);
      const {url} = await servers.start({
        routes: Object.fromEntries(methods.map(method => [`${method} /any`, handler])),
      });
      for (const method of methods) {
        expect(await (await fetch(`${url}/any`, {method})).text()).toBe(method);
      }
    });

    test('HEAD is served by the GET route: the length and no body', async () => {
      const {port} = await servers.start({
        routes: {
          'GET /thing': (incoming, response) =>
            response.send(200, {'x-was': incoming.method}, 'body'),
          'GET /stream': (_, response) => {
            const stream = response.stream(200, {}, 6);
            stream.write(Buffer.from('abcdef'));
            stream.end();
          },
        },
      });
      for (const [path, length] of [
        ['/thing', '4'],
        ['/stream', '6'],
      ]) {
        const client = await RawClient.connect(port);
        await client.send(request(`HEAD ${path}`));
        await sleep(50);
        const text = client.received.toString();
        expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
        expect(text.toLowerCase()).toContain(`content-length: ${length}\r\n`);
        expect(text.endsWith('\r\n\r\n')).toBe(true);
        client.destroy();
      }
    });

    test('headers are found by lower-case name; absent is empty', async () => {
      const {port} = await servers.start({
        routes: {
          'GET /headers': (incoming, response) => {
            const names = ['x-one', 'x-two', 'x-none', 'authorization'];
            response.send(200, {}, JSON.stringify(names.map(name => incoming.header(name))));
          },
        },
      });
      const client = await RawClient.connect(port);
      await client.send(
        request('GET /headers', ['X-ONE: 1', 'x-two: a', 'X-Two: b', 'Authorization: Bearer x']),
      );
      expect(JSON.parse((await client.answer()).body)).toEqual(['1', 'a, b', '', 'Bearer x']);
      client.destroy();
    });

    test('headers and body can be asked for only while the handler runs synchronously', async () => {
      const told: string[] = [];
      const {url} = await servers.start({
        routes: {
          'POST /late': async (incoming, response) => {
            await sleep(1);
            for (const ask of [
              () => incoming.header('host'),
              () => incoming.readBody(10, () => undefined),
            ]) {
              try {
                ask();
              } catch (error) {
                told.push(String(error));
              }
            }
            response.send(200, {}, '');
          },
        },
      });
      await fetch(`${url}/late`, {method: 'POST', body: 'x'});
      expect(told).toEqual([
        'Error: header() after the handler returned',
        'Error: readBody() after the handler returned',
      ]);
    });

    test('the remote address is the plain one', async () => {
      const {url} = await servers.start({
        routes: {
          'GET /me': (incoming, response) => response.send(200, {}, incoming.remoteAddress),
        },
      });
      expect(await (await fetch(`${url}/me`)).text()).toBe('127.0.0.1');
    });
  });

  describe('bodies', () => {
    const bodies: readonly {name: string; parts: readonly string[]; body: string}[] = [
      {
        name: 'with a length',
        parts: [request('POST /echo', ['Content-Length: 5'], 'hello')],
        body: 'hello',
      },
      {name: 'of length 0', parts: [request('POST /echo', ['Content-Length: 0'])], body: ''},
      {name: 'without a length', parts: [request('POST /echo')], body: ''},
      {
        name: 'in chunks',
        parts: [
          request('POST /echo', ['Transfer-Encoding: chunked'], '3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n'),
        ],
        body: 'hello',
      },
      {
        name: 'split across packets, as is its head',
        parts: [
          'POST /echo HT',
          'TP/1.1\r\nHo',
          'st: x\r\nContent-Length: 5\r\n',
          '\r\nhe',
          'l',
          'lo',
        ],
        body: 'hello',
      },
      {
        name: 'in chunks split across packets',
        parts: [
          request('POST /echo', ['Transfer-Encoding: chunked']),
          '3\r',
          '\nhe',
          'l\r\n2\r\nlo\r\n0',
          '\r\n\r\n',
        ],
        body: 'hello',
      },
    ];
    for (const {name, parts, body} of bodies) {
      test(`${name}`, async () => {
        const {port} = await servers.start({routes: {'POST /echo': echoBody}});
        const client = await RawClient.connect(port);
        await client.send(...parts);
        const answer = await client.answer();
        expect([answer.status, answer.body]).toEqual([200, body]);
        client.destroy();
      });
    }

    test('of several megabytes arrives byte for byte', async () => {
      const {url} = await servers.start({
        routes: {
          'POST /large': (incoming, response) => {
            incoming.readBody(8 << 20, (_, body) => response.send(200, {}, body));
          },
        },
      });
      const body = Buffer.alloc(5_000_000, 'muster ');
      const answer = await fetch(`${url}/large`, {method: 'POST', body});
      expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true);
    });

    test('exactly at the limit is taken, one byte more is not', async () => {
      const {url} = await servers.start({routes: {'POST /echo': echoBody}});
      const post = (length: number): Promise<Response> =>
        fetch(`${url}/echo`, {method: 'POST', body: 'x'.repeat(length)});
      expect((await post(1_000)).status).toBe(200);
      expect((await post(1_001)).status).toBe(413);
    });

    test.each([
      ['declared', ['Content-Length: 300000'], 'x'.repeat(300_000)],
      [
        'chunked',
        ['Transfer-Encoding: chunked'],
        `${'1000\r\n'.concat('x'.repeat(4096), '\r\n').repeat(70)}0\r\n\r\n`,
      ],
    ])(
      'over the limit (%s): told once, the answer arrives, the connection goes on',
      async (_, headers, body) => {
        const calls: unknown[] = [];
        const {port} = await servers.start({
          routes: {
            'POST /small': (incoming, response) => {
              let returned = false;
              incoming.readBody(1_000, (problem, bytes) => {
                calls.push([problem, bytes.length, returned]);
                response.send(413, {}, 'too large');
              });
              returned = true;
            },
            'GET /next': (_incoming, response) => response.send(200, {}, 'next'),
          },
        });
        const client = await RawClient.connect(port);
        await client.send(request('POST /small', headers, body));
        expect((await client.answer()).status).toBe(413);
        await client.send(request('GET /next'));
        expect((await client.answer(1)).body).toBe('next');
        expect(calls).toEqual([['too_large', 0, true]]);
        client.destroy();
      },
    );

    test.each([
      ['too large, declared', 'POST /small', false, 413],
      ['too large, chunked', 'POST /small', true, 413],
      ['not read', 'POST /early', false, 403],
      ['not read, chunked', 'POST /early', true, 403],
      ['of no route', 'POST /nowhere', false, 404],
    ])(
      'a client that wants the connection closed can write to the end and hear the refusal: %s',
      async (_, route, isChunked, status) => {
        const {port} = await servers.start({
          routes: {
            'POST /small': echoBody,
            'POST /early': (_request, response) => response.send(403, {}, 'go away'),
          },
        });
        const client = await RawClient.connect(port);
        const framing = isChunked ? 'Transfer-Encoding: chunked' : 'Content-Length: 8192';
        const half = 'x'.repeat(4096);
        const part = isChunked ? `1000\r\n${half}\r\n` : half;
        await client.send(request(route, ['Connection: close', framing], part));
        await sleep(30);
        expect(client.isClosed).toBe(false);
        await client.send(isChunked ? `${part}0\r\n\r\n` : part);
        expect((await client.answer()).status).toBe(status);
        await client.closed();
      },
    );

    test('a client that waits for 100 Continue is told to go on, or refused', async () => {
      const {port} = await servers.start({routes: {'POST /echo': echoBody}});
      const client = await RawClient.connect(port);
      await client.send(request('POST /echo', ['Content-Length: 5', 'Expect: 100-continue']));
      await until(() => client.received.includes('HTTP/1.1 100 Continue\r\n\r\n'), '100 Continue');
      await client.send('hello');
      expect(await client.answer()).toMatchObject({status: 200, body: 'hello'});
      await client.send(request('POST /echo', ['Content-Length: 5'], 'again'));
      expect(await client.answer(1)).toMatchObject({status: 200, body: 'again'});
      client.destroy();

      const large = await RawClient.connect(port);
      await large.send(request('POST /echo', ['Content-Length: 5000', 'Expect: 100-continue']));
      expect((await large.answer()).status).toBe(413);
      large.destroy();

      const closing = await RawClient.connect(port);
      const headers = ['Content-Length: 5000', 'Expect: 100-continue', 'Connection: close'];
      await closing.send(request('POST /echo', headers));
      expect((await closing.answer()).status).toBe(413);
      closing.destroy();
    });

    test('cut off midway: told "aborted" once, and answers are ignored', async () => {
      const calls: unknown[] = [];
      const {port, url, errors} = await servers.start({
        routes: {
          'POST /cut': (incoming, response) => {
            incoming.readBody(1_000, problem => {
              calls.push([problem, response.aborted]);
              response.send(200, {}, 'nobody hears');
              const stream = response.stream(200, {});
              stream.write(Buffer.from('nobody'));
              stream.end();
            });
          },
          'GET /alive': (_, response) => response.send(200, {}, 'alive'),
        },
      });
      for (const headers of [['Content-Length: 100'], ['Transfer-Encoding: chunked']]) {
        const client = await RawClient.connect(port);
        await client.send(request('POST /cut', headers, '5\r\nhello'));
        await sleep(30);
        client.destroy();
      }
      await until(() => calls.length === 2, 'both aborts');
      await sleep(20);
      expect(calls).toEqual([
        ['aborted', true],
        ['aborted', true],
      ]);
      expect(errors).toEqual([]);
      expect(await (await fetch(`${url}/alive`)).text()).toBe('alive');
    });

    test('an answer before the body was asked for leaves the connection usable', async () => {
      const {port} = await servers.start({
        routes: {
          'POST /refused': (_, response) => response.send(401, {}, 'no'),
          'GET /next': (_, response) => response.send(200, {}, 'next'),
        },
      });
      const client = await RawClient.connect(port);
      const body = 'x'.repeat(200_000);
      await client.send(request('POST /refused', [`Content-Length: ${body.length}`], body));
      await client.send(request('GET /next'));
      expect((await client.answer(0)).status).toBe(401);
      expect((await client.answer(1)).body).toBe('next');
      client.destroy();
    });
  });

  describe('answers', () => {
    test('keep-alive requests in one packet are answered in order', async () => {
      const {port} = await servers.start({routes: {'POST /echo': echoBody}});
      const client = await RawClient.connect(port);
      const bodies = Array.from({length: 50}, (_, index) => `body ${index}`);
      await client.send(
        bodies
          .map(body => request('POST /echo', [`Content-Length: ${body.length}`], body))
          .join(''),
      );
      await client.answer(bodies.length - 1);
      expect(client.answers.map(answer => answer.body)).toEqual(bodies);
      client.destroy();
    });

    test('requests sent behind one that is answered later are answered in order, or cut off', async () => {
      const {port, url} = await servers.start({
        routes: {
          'GET /later/:id': async (incoming, response) => {
            await sleep(10);
            response.send(200, {}, incoming.params.get('id') ?? '');
          },
        },
      });
      const client = await RawClient.connect(port);
      await client.send(
        request('GET /later/1') + request('GET /later/2') + request('GET /later/3'),
      );
      await until(() => client.isClosed || client.answers.length === 3, 'the end');
      const bodies = client.answers.map(answer => answer.body);
      expect(bodies).toEqual(['1', '2', '3'].slice(0, bodies.length));
      client.destroy();
      expect(await (await fetch(`${url}/later/4`)).text()).toBe('4');
    });

    test('one connection serves many requests that are answered later', async () => {
      const {port} = await servers.start({
        routes: {
          'GET /later': async (_, response) => {
            await sleep(2);
            response.send(200, {}, 'later');
          },
        },
      });
      const client = await RawClient.connect(port);
      for (let index = 0; index < 20; index++) {
        await client.send(request('GET /later'));
        expect((await client.answer(index)).body).toBe('later');
      }
      client.destroy();
    });

    test('a client that asks for it is closed after its answer', async () => {
      const {port} = await servers.start({
        routes: {'GET /last': (_, response) => response.send(200, {}, 'last')},
      });
      const client = await RawClient.connect(port);
      await client.send(request('GET /last', ['Connection: close']));
      expect((await client.answer()).body).toBe('last');
      await client.closed();
    });

    test('status, headers and lengths arrive as given; only the first answer counts', async () => {
      const {port} = await servers.start({
        routes: {
          'GET /made': (_, response) => {
            response.send(201, {'content-type': 'text/plain', link: '</x>; rel="next"'}, 'é');
            response.send(500, {}, 'ignored');
          },
          'DELETE /made': (_, response) => response.send(204, {}, ''),
          'GET /unknown': (_, response) => response.send(299, {}, new Uint8Array([1, 2])),
          'GET /large': (_, response) => response.send(200, {'x-a': 'b'}, 'é'.repeat(500_000)),
        },
      });
      const client = await RawClient.connect(port);
      await client.send(request('GET /made'));
      const made = await client.answer();
      expect([made.status, made.body, made.headers.get('content-length')]).toEqual([201, 'é', '2']);
      expect(made.headers.get('content-type')).toBe('text/plain');
      expect(made.headers.get('link')).toBe('</x>; rel="next"');
      await client.send(request('DELETE /made'));
      const gone = await client.answer(1);
      expect([gone.status, gone.headers.has('content-length')]).toEqual([204, false]);
      await client.send(request('GET /unknown'));
      expect(await client.answer(2)).toMatchObject({status: 299, body: '\x01\x02'});
      await client.send(request('GET /large'));
      expect((await client.answer(3)).body).toBe('é'.repeat(500_000));
      client.destroy();
    });

    test('a header that would split the answer is a defect of the handler: 500', async () => {
      const {url, errors} = await servers.start({
        routes: {
          'GET /split': (_, response) => response.send(200, {'x-a': 'b\r\nset-cookie: c'}, 'x'),
          'GET /stream': (_, response) => response.stream(200, {'x a': 'b'}).end(),
        },
      });
      for (const path of ['/split', '/stream']) {
        const answer = await fetch(url + path);
        expect([answer.status, answer.headers.has('set-cookie')]).toEqual([500, false]);
      }
      expect(errors).toHaveLength(2);
    });

    test('a handler that throws, at once, later or with the body, is answered 500', async () => {
      const {url, errors} = await servers.start({
        routes: {
          'POST /at-once': () => {
            throw new Error('at once');
          },
          'POST /later': async () => {
            await sleep(2);
            throw new Error('later');
          },
          'POST /with-body': incoming => {
            incoming.readBody(100, () => {
              throw new Error('with body');
            });
          },
          'POST /after-body': incoming => {
            incoming.readBody(100, async () => {
              await sleep(2);
              throw new Error('after body');
            });
          },
          'POST /echo': echoBody,
        },
        notFound: () => {
          throw new Error('not found');
        },
      });
      const paths = ['/at-once', '/later', '/with-body', '/after-body', '/nowhere'];
      for (const path of paths) {
        const answer = await fetch(url + path, {method: 'POST', body: 'x'});
        expect(answer.status).toBe(500);
        expect(await answer.json()).toEqual({
          errors: [{code: 'INTERNAL_ERROR', message: 'internal error'}],
        });
      }
      expect(errors.map(error => (error as Error).message)).toEqual([
        'at once',
        'later',
        'with body',
        'after body',
        'not found',
      ]);
      expect(await (await fetch(`${url}/echo`, {method: 'POST', body: 'on'})).text()).toBe('on');
    });

    test('a handler that throws after its answer changes nothing but the log', async () => {
      const {url, errors} = await servers.start({
        routes: {
          'GET /done': (_, response) => {
            response.send(200, {}, 'done');
            throw new Error('afterwards');
          },
        },
      });
      expect(await (await fetch(`${url}/done`)).text()).toBe('done');
      expect(errors).toHaveLength(1);
    });

    test('an answer after the client went away is ignored', async () => {
      let seen: boolean | undefined;
      const {port, errors} = await servers.start({
        routes: {
          'GET /slow': async (_, response) => {
            await until(() => response.aborted, 'the client to go');
            response.send(200, {}, 'too late');
            seen = response.aborted;
          },
        },
      });
      const client = await RawClient.connect(port);
      await client.send(request('GET /slow'));
      await sleep(20);
      client.destroy();
      await until(() => seen === true, 'the handler to end');
      expect(errors).toEqual([]);
    });
  });

  describe('requests that two readers could read differently', () => {
    const ambiguous: Readonly<Record<string, string>> = {
      'two Content-Lengths': request(
        'POST /echo',
        ['Content-Length: 5', 'Content-Length: 1'],
        'hello',
      ),
      'two equal Content-Lengths': request(
        'POST /echo',
        ['Content-Length: 5', 'Content-Length: 5'],
        'hello',
      ),
      'a length and a transfer encoding': request(
        'POST /echo',
        ['Content-Length: 5', 'Transfer-Encoding: chunked'],
        '0\r\n\r\n',
      ),
      'two Hosts': request('GET /echo', ['Host: there']),
      'no Host': 'GET /echo HTTP/1.1\r\nX: y\r\n\r\n',
      'a length that is no number': request('POST /echo', ['Content-Length: 5x'], 'hello'),
      'a negative length': request('POST /echo', ['Content-Length: -5'], 'hello'),
      'a length past all numbers': request(
        'POST /echo',
        [`Content-Length: ${'9'.repeat(30)}`],
        'hello',
      ),
      'a transfer encoding that is not chunked': request(
        'POST /echo',
        ['Transfer-Encoding: gzip'],
        'hello',
      ),
      'a chunk of no length': request(
        'POST /echo',
        ['Transfer-Encoding: chunked'],
        'zz\r\nhello\r\n',
      ),
      'a space before the colon': request('POST /echo', ['Content-Length : 5'], 'hello'),
      'a lower-case method': 'get /echo HTTP/1.1\r\nHost: x\r\n\r\n',
      'line feeds alone': 'GET /echo HTTP/1.1\nHost: x\n\n',
      'a NUL in the path': 'GET /ec\0ho HTTP/1.1\r\nHost: x\r\n\r\n',
      'no HTTP at all': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n',
    };
    for (const [name, text] of Object.entries(ambiguous)) {
      test(`${name}: 400 or cut off, and no handler answers`, async () => {
        const answered: string[] = [];
        const {port, url, errors} = await servers.start({
          routes: {
            'GET /echo': (_, response) => {
              answered.push('GET');
              response.send(200, {}, 'taken');
            },
            'POST /echo': (incoming, response) => {
              incoming.readBody(1_000, problem => {
                if (problem === undefined) answered.push('POST');
                response.send(200, {}, 'taken');
              });
            },
            'GET /alive': (_, response) => response.send(200, {}, 'alive'),
          },
        });
        const client = await RawClient.connect(port);
        await client.send(text);
        await Promise.race([client.closed(), sleep(150)]);
        expect(answered).toEqual([]);
        expect(client.answers.filter(answer => answer.status !== 400)).toEqual([]);
        expect(errors).toEqual([]);
        client.destroy();
        expect(await (await fetch(`${url}/alive`)).text()).toBe('alive');
      });
    }

    test('headers over 16 KiB are refused', async () => {
      const {port} = await servers.start({routes: {'POST /echo': echoBody}});
      const client = await RawClient.connect(port);
      await client.send(request('POST /echo', [`X-Large: ${'x'.repeat(17_000)}`]));
      expect((await client.answer()).status).toBe(431);
      await client.closed();
    });
  });

  describe('upgrades that are none of ours', () => {
    test('are ignored on a route: Java asks for h2c with its first request', async () => {
      const {port} = await servers.start({routes: {'POST /echo': echoBody}});
      const client = await RawClient.connect(port);
      const headers = [
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAEAAEAAAAIAAAAB',
        'Content-Length: 10',
      ];
      await client.send(request('POST /echo', headers, 'hello'), 'there');
      expect(await client.answer()).toMatchObject({status: 200, body: 'hellothere'});
      await client.send(request('POST /echo', ['Content-Length: 5'], 'again'));
      expect(await client.answer(1)).toMatchObject({status: 200, body: 'again'});
      client.destroy();
    });

    test('are answered 404 on a path that no route has', async () => {
      const {port} = await servers.start({});
      const client = await RawClient.connect(port);
      await client.send(
        request('GET /nowhere', [
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 13',
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        ]),
      );
      expect(await client.answer()).toMatchObject({status: 404, body: 'not found'});
      client.destroy();
    });
  });

  describe('listening and closing', () => {
    test('the port is exclusive: a second server on it is refused with EADDRINUSE', async () => {
      const {port, url} = await servers.start({
        routes: {'GET /first': (_, response) => response.send(200, {}, 'first')},
      });
      await expect(servers.start({port})).rejects.toMatchObject({code: 'EADDRINUSE'});
      expect(await (await fetch(`${url}/first`)).text()).toBe('first');
    });

    test('a port or address that cannot be is refused with the reason', async () => {
      await expect(servers.start({port: 70_000})).rejects.toMatchObject({
        code: 'ERR_SOCKET_BAD_PORT',
      });
      await expect(servers.start({host: '203.0.113.1'})).rejects.toMatchObject({
        code: 'EADDRNOTAVAIL',
      });
    });

    test.skipIf(!hasIpv6)('on every address, IPv4 clients are named as such', async () => {
      const {port} = await servers.start({
        host: '::',
        routes: {'GET /me': (incoming, response) => response.send(200, {}, incoming.remoteAddress)},
      });
      expect(await (await fetch(`http://127.0.0.1:${port}/me`)).text()).toBe('127.0.0.1');
    });

    test('after close the port is free', async () => {
      const {port, transport} = await servers.start({});
      await transport.close(100);
      await servers.start({port});
    });

    test('close lets an answer under way finish, and refuses what comes meanwhile', async () => {
      const {port, transport} = await servers.start({
        routes: {
          'GET /slow': async (_, response) => {
            await sleep(200);
            response.send(200, {}, 'done');
          },
        },
      });
      const busy = await RawClient.connect(port);
      await busy.send(request('GET /slow'));
      await sleep(30);
      const startMs = performance.now();
      const closing = transport.close(5_000);
      await expect(RawClient.connect(port)).rejects.toMatchObject({code: 'ECONNREFUSED'});
      expect((await busy.answer()).body).toBe('done');
      await busy.closed();
      await closing;
      expect(performance.now() - startMs).toBeLessThan(15_000);
    });

    test('close does not wait for idle connections', async () => {
      const {port, transport} = await servers.start({routes: {'POST /echo': echoBody}});
      const idle = await RawClient.connect(port);
      await idle.send(request('POST /echo', ['Content-Length: 2'], 'hi'));
      await idle.answer();
      const startMs = performance.now();
      await transport.close(5_000);
      expect(performance.now() - startMs).toBeLessThan(1_000);
      await idle.closed();
    });

    test('close cuts what is not done after the grace', async () => {
      const {port, transport} = await servers.start({
        routes: {'GET /never': () => undefined},
      });
      const client = await RawClient.connect(port);
      await client.send(request('GET /never'));
      await sleep(30);
      const startMs = performance.now();
      await transport.close(200);
      const tookMs = performance.now() - startMs;
      expect(tookMs).toBeGreaterThan(150);
      expect(tookMs).toBeLessThan(1_500);
      await client.closed();
      expect(client.answers).toEqual([]);
    });
  });
}
