import {HttpClient} from '../http-client.ts';
import {DEMO_AUDIENCES} from './audiences.ts';

export interface DemoSetup {
  readonly workspace: number;
  readonly inputKey: string;
  readonly inputSecret: string;
  /** In the order of DEMO_AUDIENCES. */
  readonly audiences: readonly number[];
}

/** A workspace, an input and five active audiences, made as any client would make them. */
export async function setUpDemo(url: URL, adminToken: string): Promise<DemoSetup> {
  const client = new HttpClient({url, authorization: `Bearer ${adminToken}`, connections: 1});
  const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const answer = await client.send('POST', path, JSON.stringify(body));
    if (answer.status >= 300) {
      throw new Error(`POST ${path} was answered ${answer.status}: ${answer.body}`);
    }
    return JSON.parse(answer.body) as Record<string, unknown>;
  };
  try {
    const workspace = Number((await post('/v1/workspaces', {name: 'Demo shop'}))['id']);
    const input = await post(`/v1/workspaces/${workspace}/inputs`, {name: 'Shop', type: 'feed'});
    const audiences: number[] = [];
    for (const {name, means, definition} of DEMO_AUDIENCES) {
      const made = await post('/v1/audiences', {
        name,
        description: means,
        workspaces: [workspace],
        definition,
      });
      const id = Number(made['id']);
      await post(`/v1/audiences/${id}/activate`, {});
      audiences.push(id);
    }
    return {
      workspace,
      inputKey: String(input['key']),
      inputSecret: String(input['secret']),
      audiences,
    };
  } finally {
    client.close();
  }
}
