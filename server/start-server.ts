/** Wires everything. The only file that knows all parts. */
import {join} from 'node:path';
import {type Logger, pino} from 'pino';
import type {Problem} from '../engine/definitions/definition.ts';
import {mpidHi, mpidLo, scopeOf} from '../engine/ids.ts';
import {writeFolderFacts} from '../storage/data-folder.ts';
import type {ProfileRecord} from '../engine/record.ts';
import {DamagedValueError} from '../storage/checked-value.ts';
import {CountsStore} from '../storage/counts-store.ts';
import {IdentityStore} from '../storage/identity-store.ts';
import {readKeptJson} from '../storage/kept-json.ts';
import {calculatedRoutes} from './api/calculated-routes.ts';
import type {AudienceFault} from './api/audience-view.ts';
import {createApi} from './api/create-api.ts';
import {AudienceStates} from './api/audience-states.ts';
import {downloadRoutes} from './api/download-routes.ts';
import {estimateRoutes} from './api/estimate-routes.ts';
import {historyRoutes} from './api/history-routes.ts';
import {sampleRoutes} from './api/sample-routes.ts';
import {suggestionRoutes} from './api/suggestion-routes.ts';
import {answerNotFound} from './api/not-found.ts';
import {testRoutes} from './api/test-routes.ts';
import {AudienceBook} from './catalog/audience-book.ts';
import {AudienceTests} from './catalog/audience-tests.ts';
import {Authenticator} from './catalog/authenticator.ts';
import {bootstrapAdmin} from './catalog/bootstrap-admin.ts';
import {CalculatedBook} from './catalog/calculated-book.ts';
import {Catalog} from './catalog/catalog.ts';
import {DefinitionCheck} from './catalog/definition-check.ts';
import {StreamRights} from './api/stream-rights.ts';
import {NamedCursorStore, WatchedAttributeStore} from './catalog/stream-memory.ts';
import {BOUNDS} from './config.ts';
import {AudienceCounts} from './counts/audience-counts.ts';
import {Downloads} from './downloads/downloads.ts';
import {Erasures} from './erasures.ts';
import {chooseTransport} from './http/choose-transport.ts';
import type {Transport} from './http/transport.ts';
import {acquire, openGeoIp, refuseWhatIsInTheWay, StartRefusedError} from './in-the-way.ts';
import {Deduplicator} from './inputs/deduplicate.ts';
import {EventsApi} from './inputs/events-api.ts';
import {EVENTS_DESCRIPTION} from './inputs/events-description.ts';
import {IdentityDirectory} from './inputs/identity-directory.ts';
import {Ingest} from './inputs/ingest.ts';
import {parseMsgpack} from './inputs/lossless-json.ts';
import {Gazetteer} from './location/gazetteer.ts';
import {type GeoIp, locateNowhere} from './location/geoip.ts';
import {Metrics} from './observe/metrics.ts';
import {BallotCounter} from './shards/ballot-counter.ts';
import {Questions} from './shards/questions.ts';
import {ShardDamagedError, ShardPool} from './shards/shard-pool.ts';
import {ShardUnavailableError} from './shards/shard-unavailable.ts';
import {DELTAS_DESCRIPTION} from './stream/deltas-description.ts';
import {deltasSocket} from './stream/deltas-socket.ts';
import {Hub} from './stream/hub.ts';
import {STREAM_BOUNDS} from './stream/stream-parts.ts';
import {keepSuggestions} from './suggestions/keep-suggestions.ts';
import {Suggestions} from './suggestions/suggestions.ts';

export interface StartOptions {
  readonly port: number;
  readonly host: string;
  readonly dataFolder: string;
  readonly shards: 'auto' | number;
  readonly eventRetentionMs: number;
  readonly profileRetentionMs: number;
  /** undefined: as long as BOUNDS says. */
  readonly deltaRetentionMs?: number | undefined;
  /** Of each shard; undefined: as BOUNDS says. */
  readonly columnBytesMax?: number | undefined;
  readonly adminToken: string | undefined;
  /** Says where IP addresses are; undefined: nobody knows. */
  readonly geoIpFile?: string | undefined;
  readonly transport?: 'auto' | 'uws' | 'node' | undefined;
  readonly log?: Logger | undefined;
}

export interface RunningServer {
  readonly url: string;
  /** Where the admin token is kept, when it was made here. */
  readonly adminTokenPath: string | undefined;
  /** What it answers, such as `GET /v1/audiences/:id`: what its description describes. */
  readonly calls: readonly string[];
  /** Stops taking work, finishes what is under way, writes what is dirty. */
  stop(): Promise<void>;
}

export async function startServer(options: StartOptions): Promise<RunningServer> {
  const log = options.log ?? pino({level: 'silent'});
  const {dataFolder} = options;
  const shardCount = await refuseWhatIsInTheWay(options);
  const geoIp = await openGeoIp(options.geoIpFile, log);
  const lock = acquire(dataFolder);
  const closers: (() => Promise<void> | void)[] = [() => lock.release()];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    return await wire(options, {log, shardCount, geoIp, closers, closeAll});
  } catch (error) {
    await closeAll();
    const isDamaged = error instanceof ShardDamagedError || error instanceof DamagedValueError;
    throw isDamaged ? new StartRefusedError(error.message) : error;
  }
}

interface Wiring {
  readonly log: Logger;
  readonly shardCount: number;
  readonly geoIp: GeoIp | undefined;
  readonly closers: (() => Promise<void> | void)[];
  readonly closeAll: () => Promise<void>;
}

async function wire(
  options: StartOptions,
  {log, shardCount, geoIp, closers, closeAll}: Wiring,
): Promise<RunningServer> {
  const {dataFolder, eventRetentionMs, profileRetentionMs} = options;
  let isReady = false;
  let isStopping = false;
  const onError = (error: unknown): void => {
    // Whoever still asks a shard that was stopped has no one left to tell.
    if (!isStopping || !(error instanceof ShardUnavailableError)) log.error(error);
  };
  const nowMs = Date.now;
  writeFolderFacts(dataFolder, shardCount);
  const admin = bootstrapAdmin(dataFolder, {MUSTER_ADMIN_TOKEN: options.adminToken});
  const catalog = await Catalog.open(join(dataFolder, 'catalog'));
  closers.push(() => catalog.close());
  const seen = await Deduplicator.load(eventRetentionMs, BOUNDS.rememberedIdsMax);
  const identities = IdentityStore.open(join(dataFolder, 'identities'));
  const directory = new IdentityDirectory(identities, {shards: shardCount, onError});
  closers.push(() => directory.close());

  const watched = new WatchedAttributeStore(catalog);
  const bringUp = async (): Promise<void> => {
    await shards.callAll('watch', {attributes: watched.list()});
    await erasures.recall();
    await ingest.recover(nowMs());
    await audiences.resendAll();
  };
  let bringing = Promise.resolve();
  const bringUpAgain = (): void => {
    const attempt = async (): Promise<void> => {
      // Whichever shard comes last brings all of them up.
      if (!isStopping && shards.isReady) await bringUp();
    };
    bringing = bringing.then(attempt).catch((error: unknown) => {
      onError(error);
      setTimeout(bringUpAgain, BRING_UP_AGAIN_MS).unref();
    });
  };
  const shards = await ShardPool.start({
    dataFolder,
    count: shardCount,
    eventRetentionMs,
    profileRetentionMs,
    ...BOUNDS,
    deltaRetentionMs: options.deltaRetentionMs ?? BOUNDS.deltaRetentionMs,
    columnBytesMax: options.columnBytesMax ?? BOUNDS.columnBytesMax,
    watched: () => watched.list(),
    onFailed: (shard, message) => log.error({shard}, message),
    onSeen: entries => seen.load(entries, nowMs()),
    onRecovered: shard => directory.restarted(shard),
    onRestarted: shard => {
      log.warn({shard}, 'a shard was restarted from its disk');
      bringUpAgain();
    },
  });
  const counting = AudienceCounts.open({
    shards,
    store: CountsStore.open(join(dataFolder, 'counts')),
    nowMs,
    onError,
    flushEveryMs: BOUNDS.countsEveryMs,
  });
  // What shards commit while they stop is counted too.
  const nothing = (): void => {};
  closers.push(() => counting.then(counter => counter.stop(), nothing));
  closers.push(() => shards.stop());
  closers.push(() => counting.then(counter => counter.rest(), nothing));
  shards.onCommit((shard, watermark) => directory.committed(shard, watermark));
  const counts = await counting;

  geoIp?.watch();
  closers.push(() => geoIp?.close());
  const locate = geoIp === undefined ? locateNowhere(log) : (ip: string) => geoIp.locate(ip);
  const suggestionsPath = join(dataFolder, 'suggestions.json');
  const suggestions = new Suggestions(readKeptJson(suggestionsPath));
  const keeper = keepSuggestions(suggestions, {
    path: suggestionsPath,
    everyMs: BOUNDS.suggestionsEveryMs,
    onError,
  });
  closers.push(() => keeper.close());
  const learn = (record: ProfileRecord): void => suggestions.offer(record);
  const ingest = new Ingest({shards, directory, seen, learn, locate});
  const gazetteer = new Gazetteer();
  const check = new DefinitionCheck({
    catalog,
    settings: {
      eventRetentionMs,
      findCity: name => gazetteer.findCity(name),
    },
  });
  const audiences = new AudienceBook({catalog, shards, check});
  audiences.onFailed = ({id, failed, size}) =>
    log.error(
      {audience: id, members: size},
      `audience ${id} cannot be calculated and keeps the members it has: ${failed}`,
    );
  const erasures = new Erasures({
    catalog,
    shards,
    directory,
    dataFolder,
    forgetLearned: mpid => {
      suggestions.forget(mpidHi(mpid), mpidLo(mpid));
      return keeper.write();
    },
    onError,
  });
  closers.push(() => erasures.stop());
  const attributes = check.calculated;
  const calculated = new CalculatedBook({catalog, attributes, audiences, eventRetentionMs});
  await bringUp();
  warnOfProblems({audiences, calculated}, log);

  const tests = new AudienceTests(catalog);
  const authenticator = new Authenticator({catalog, adminToken: admin.token});
  const isServing = (): boolean => isReady && !isStopping;
  const events = new EventsApi({
    authenticate: request => authenticator.authenticateInput(request),
    ingest,
    isReady: isServing,
    isBehind: () => shards.queuedBytesMax > BOUNDS.queuedBytesMax,
    nowMs,
  });
  const metrics = new Metrics({
    shards,
    ingest,
    refused: events.refused,
    queuedBytes: () => shards.queuedBytesMax,
    remembered: seen,
  });
  const rights = new StreamRights(catalog);
  const hub = new Hub({
    shards,
    authorize: request => authorizeStream(authenticator, request, rights),
    audiences: streamAudiences(catalog),
    cursors: new NamedCursorStore(catalog),
    watchedAttributes: {
      list: () => watched.list(),
      add: async names => {
        await watched.add(names);
        await shards.callAll('watch', {attributes: watched.list()});
      },
    },
    nowMs,
    decodeMsgpack: bytes => parseMsgpack(Buffer.from(bytes)),
    variantOf: (audience, mpid) => tests.variantOf(audience, mpid),
    feedId: catalog.folderId,
    bounds: STREAM_BOUNDS,
    onError,
  });
  closers.push(() => hub.stop());
  await hub.start();
  closeRevokedTokens(catalog, hub);
  erasures.onDeltasErased = (shard, entries) => hub.eraseDeltas(shard, entries);
  erasures.work();

  const downloads = await Downloads.open({
    catalog,
    shards,
    folder: join(dataFolder, 'downloads'),
    bounds: BOUNDS.downloads,
    nowMs,
    onError,
  });
  closers.push(() => downloads.stop());
  audiences.onRemoved = () => void downloads.audienceRemoved().catch(onError);

  const ballots = new BallotCounter({dataFolder, threads: BOUNDS.ballotThreads});
  closers.push(() => ballots.close());
  const questions = new Questions({
    shards,
    countBallots: (shard, box) => ballots.count(shard, box),
    onError,
  });

  const listen = await chooseTransport(options.transport ?? 'auto');
  const routes = [
    ...events.routes(),
    ...createApi({
      authenticator,
      catalog,
      audiences,
      shards,
      nowMs,
      isReady: isServing,
      isHealthy: () => isServing() && shards.isReady,
      onError,
      counts,
      moreDescriptions: [...EVENTS_DESCRIPTION, DELTAS_DESCRIPTION],
      extras: audience => ({
        connectedOutputs: 0,
        faults: faultsOf(audiences, audience),
        variants: tests.variants(audience),
      }),
      variantTest: (audience, name) => tests.membersOf(audience, name),
      moreRoutes: [
        ...testRoutes({audiences, tests, connectedOutputs: () => 0}),
        ...calculatedRoutes({book: calculated, states: new AudienceStates(shards)}),
        ...estimateRoutes({audiences, check, questions}),
        ...sampleRoutes({catalog, audiences, check, shards, connections: () => []}),
        ...suggestionRoutes({catalog, suggestions, onAsked: () => ballots.warm()}),
        ...historyRoutes({audiences, counts, states: new AudienceStates(shards)}),
        ...downloadRoutes({
          audiences,
          tests,
          downloads,
          states: new AudienceStates(shards),
        }),
      ],
      findProfile: key => directory.find(key),
      eraseProfile: (mpid, actor) => downloads.erase(mpid, () => erasures.erase(mpid, actor)),
      metricsText: () => metrics.text(),
      version: VERSION,
    }),
  ];
  const sockets = [deltasSocket(hub)];
  const transport: Transport = await listen({
    host: options.host,
    port: options.port,
    routes,
    sockets,
    notFound: answerNotFound,
    onError,
  });
  closers.push(() => transport.close(BOUNDS.stopGraceMs));
  isReady = true;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  log.info({port: transport.port, transport: transport.name, shards: shardCount}, 'ready');
  return {
    url: `http://${host}:${transport.port}`,
    adminTokenPath: admin.path,
    calls: [
      ...routes.map(({method, pattern}) => `${method} ${pattern}`),
      ...sockets.map(({pattern}) => `GET ${pattern}`),
    ],
    stop: async () => {
      isStopping = true;
      await closeAll();
    },
  };
}

/** A shard that is gone again brings all of them up itself; this is for what else may fail. */
const BRING_UP_AGAIN_MS = 1000;
const VERSION = '0.1.0';

function faultsOf(audiences: AudienceBook, id: number): AudienceFault[] {
  const audience = audiences.get(id);
  if (audience === undefined) return [];
  return audiences.problemsOf(audience).map(problem => ({connection: null, ...problem}));
}

/** A shorter retention than before: windows mean less than they say, which nobody would see in the numbers. */
function warnOfProblems(
  {audiences, calculated}: {audiences: AudienceBook; calculated: CalculatedBook},
  log: Logger,
): void {
  const warn = (what: string, problems: readonly Problem[]): void => {
    for (const {path, message} of problems.slice(0, 1)) {
      log.warn(`${what} is not what it says: ${path} ${message}`);
    }
  };
  for (const audience of audiences.list()) {
    warn(`audience ${audience.id} (${audience.name})`, audiences.problemsOf(audience));
  }
  for (const attribute of calculated.attributes.list()) {
    const what = `calculated attribute ${attribute.id} (${attribute.name})`;
    warn(what, calculated.problemsOf(attribute));
  }
}

function streamAudiences(catalog: Catalog): {
  list(): {id: number; scopes: number[]}[];
  deleted(): {id: number; scopes: number[]}[];
  onChange(listener: () => void): void;
} {
  const scopesIn = (table: 'audiences' | 'deletedAudiences'): {id: number; scopes: number[]}[] =>
    [...catalog.store.all(table).values()].map(({id, workspaces, environment}) => ({
      id,
      scopes: workspaces.map(workspace => scopeOf(workspace, environment)),
    }));
  return {
    list: () => scopesIn('audiences'),
    deleted: () => scopesIn('deletedAudiences'),
    onChange: listener => {
      catalog.onChange('audiences', listener);
      catalog.onChange('credentials', listener);
    },
  };
}

function authorizeStream(
  authenticator: Authenticator,
  request: Parameters<Authenticator['authenticateSocket']>[0],
  rights: StreamRights,
): ReturnType<ConstructorParameters<typeof Hub>[0]['authorize']> {
  const principal = authenticator.authenticateSocket(request);
  if (principal === 'missing') {
    return {
      status: 401,
      body: refusal('UNAUTHORIZED', 'send a token: Authorization: Bearer …, or ?token='),
    };
  }
  if (principal === 'wrong') {
    return {status: 403, body: refusal('FORBIDDEN', 'these credentials do not allow this')};
  }
  return {
    principal: {
      tokenId: principal.tokenId,
      role: principal.role,
      mayStream: id => rights.mayStream(principal, id),
      identities: principal.identities && [...principal.identities],
    },
  };
}

/** Sockets of a token end with it. */
function closeRevokedTokens(catalog: Catalog, hub: Hub): void {
  let known = new Set(catalog.tokens.keys());
  catalog.onChange('credentials', () => {
    const present = new Set(catalog.tokens.keys());
    for (const id of known) if (!present.has(id)) hub.closeToken(Number(id));
    known = present;
  });
}

function refusal(code: string, message: string): string {
  return JSON.stringify({errors: [{code, message}]});
}
