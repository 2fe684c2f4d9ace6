/** The page on which everything begins: ten thousand audiences, with their metrics, sorted and filtered. */
import {join} from 'node:path';
import {Catalog} from '../server/catalog/catalog.ts';
import type {Audience} from '../server/catalog/entities.ts';
import {type BenchOptions, type Figure, figure, sizeName} from './support/figures.ts';
import {MusterServer} from './support/muster-server.ts';
import {definitionOf, inHours} from './workload-records.ts';
import {Workload} from './workload.ts';

const AUDIENCES = 10_000;
const TIMES = 20;

export async function listFigures({tiny}: BenchOptions): Promise<Figure[]> {
  const count = tiny ? 40 : AUDIENCES;
  let server = await MusterServer.start(await MusterServer.temporaryFolder());
  try {
    const {workspace} = await server.createInput();
    await server.stop();
    await writeAudiences(server.folder, {workspace, count});
    server = await MusterServer.start(server.folder);
    const asked = {
      page: '/v1/audiences?limit=100',
      'page-by-size': '/v1/audiences?limit=100&sort=-size',
      'filtered-page-by-volatility':
        '/v1/audiences?limit=100&sort=-volatility&status=active&tag=odd&tag=third&q=aud&view=single',
      all: `/v1/audiences?limit=${count}`,
    };
    const figures: Figure[] = [];
    for (const [name, path] of Object.entries(asked)) {
      const took: number[] = [];
      let bytes = 0;
      for (let time = 0; time < TIMES; time++) {
        const startedMs = performance.now();
        const answer = await fetch(server.url + path, {headers: server.tokenHeader});
        bytes = (await answer.arrayBuffer()).byteLength;
        if (!answer.ok) throw new Error(`${path} was answered ${answer.status}`);
        took.push(performance.now() - startedMs);
      }
      figures.push(figure(`bulk/list-${sizeName(count)}/${name}`, 'ms', took, `${bytes} bytes`));
    }
    return figures;
  } finally {
    await server.remove();
  }
}

/** As they would be after as many calls. */
async function writeAudiences(
  folder: string,
  {workspace, count}: {workspace: number; count: number},
): Promise<void> {
  const workload = new Workload({audiences: count, profiles: 1000});
  const catalog = await Catalog.open(join(folder, 'catalog'));
  await catalog.change('audiences', write => {
    for (const made of workload.audiences) {
      const id = write.nextId('audiences');
      const audience: Audience = {
        id,
        name: `Audience ${id}`,
        externalName: undefined,
        description: '',
        definition: definitionOf(made, workload.predicates, inHours),
        version: 1,
        lastVersion: 1,
        status: id % 10 === 0 ? 'draft' : 'active',
        tags: [id % 2 === 1 ? 'odd' : 'even', ...(id % 3 === 0 ? ['third'] : [])],
        access: 'usable',
        owner: 'admin',
        workspaces: [workspace],
        inputs: undefined,
        environment: 'production',
        createdBy: 'admin',
        createdMs: 1,
        lastModifiedBy: 'admin',
        lastModifiedMs: 1,
      };
      write.put('audiences', id, audience);
    }
  });
  await catalog.close();
}
