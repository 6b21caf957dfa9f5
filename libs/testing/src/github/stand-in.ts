import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { readDescribed, type Described, type DescribedPath, type Operation } from './description.ts';

const require = createRequire(import.meta.url);

/** A request as it came. */
export interface GitHubRequest {
  readonly method: string;
  /** Below the address of the API. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What a request is answered with, in the place of what is true. */
export interface GitHubFault {
  readonly method?: string;
  readonly path?: RegExp;
  /** How many requests are answered so; one where absent. */
  readonly times?: number;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or the text as it is; nothing at all and a closed connection if it is null. */
  readonly body: object | string | null;
  /** Whether the request takes effect all the same. */
  readonly takesEffect?: boolean;
}

/** A pull request that it has. */
export interface GitHubPull {
  number: number;
  title: string;
  body: string | null;
  state: 'open' | 'closed';
  /** The branch, and whose repository it is in. */
  head: { ref: string; owner: string };
  base: string;
}

/** What was checked of a commit. */
export interface GitHubChecks {
  readonly runs?: readonly {
    readonly workflow: number;
    readonly path?: string;
    readonly status?: string;
    readonly conclusion: string | null;
    readonly event?: string;
    readonly number?: number;
  }[];
  readonly checks?: readonly { readonly name: string; readonly status?: string; readonly conclusion: string | null; readonly app?: string }[];
  readonly statuses?: readonly { readonly context: string; readonly state: string }[];
}

/** GitHub's API on loopback. */
export interface GitHubStandIn {
  readonly api: string;
  readonly requests: GitHubRequest[];
  readonly pulls: GitHubPull[];
  /** By commit. */
  readonly checks: Map<string, GitHubChecks>;
  readonly faults: GitHubFault[];
  /** The tips of branches, for pull requests. */
  readonly tips: Map<string, string>;
  /** Forgets requests, pull requests, checks and faults. */
  readonly reset: () => void;
  /** Ends it. @throws if a request or an answer was not what GitHub's description says */
  readonly close: () => Promise<void>;
}

/** The repository that it has, and the token that may write to it. */
export interface GitHubStandInOptions {
  readonly owner: string;
  readonly name: string;
  readonly token: string;
}

type Checked =
  { readonly _tag: 'Left'; readonly left: readonly { readonly message: string; readonly path?: readonly string[] }[] } | { readonly _tag: 'Right' };
type Check = (given: { readonly resource: Operation; readonly element: object }) => Checked;

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

const matcherOf = (path: string): RegExp => new RegExp(`^${path.replaceAll(/\{\w+\}/g, '([^/]+)')}$`);
const refused = (status: number, message: string, errors?: readonly object[]): Answer => ({
  status,
  body: { message, documentation_url: 'https://docs.github.com/rest', status: String(status), ...(errors === undefined ? {} : { errors }) },
});

/** What is true of the repository, in the shape of GitHub's own examples. */
const answersOf = ({ example }: Described, { owner, name }: GitHubStandInOptions, state: Pick<GitHubStandIn, 'pulls' | 'checks' | 'tips'>) => {
  const repository = (of: string) => ({ full_name: `${of}/${name}` });
  const like = (shape: unknown, { number, title, body, state: is, head, base }: GitHubPull): object => {
    const pull = shape as { head: { repo: object }; base: { repo: object } };
    const side = (given: { repo: object }, of: string, ref: string) => ({
      ...given,
      label: `${of}:${ref}`,
      ref,
      sha: state.tips.get(ref) ?? '0'.repeat(40),
      repo: { ...given.repo, ...repository(of) },
    });
    return {
      ...pull,
      ...{ number, title, body, state: is, html_url: `https://github.com/${owner}/${name}/pull/${number}` },
      head: side(pull.head, head.owner, head.ref),
      base: side(pull.base, owner, base),
      // GitHub's example of a team lacks what its description requires.
      requested_teams: [],
    };
  };
  const open = (): GitHubPull[] => state.pulls.filter((pull) => pull.state === 'open');
  const list = (all: readonly unknown[], { query }: GitHubRequest): unknown[] => {
    const [size, page] = [Number(query['per_page'] ?? 30), Number(query['page'] ?? 1)];
    return all.slice((page - 1) * size, page * size);
  };
  const first = (value: unknown): Record<string, unknown> => (value as Record<string, unknown>[])[0]!;
  return {
    'get /repos/{owner}/{repo}/pulls': (request: GitHubRequest): Answer => {
      const [shape] = example('get', '/repos/{owner}/{repo}/pulls', 200) as object[];
      const wanted = open().filter(({ head, base }) => `${head.owner}:${head.ref}` === request.query['head'] && base === request.query['base']);
      return { status: 200, body: list(wanted, request).map((pull) => like(shape, pull as GitHubPull)) };
    },
    'post /repos/{owner}/{repo}/pulls': ({ body }: GitHubRequest): Answer => {
      const { title, head, base } = body as { title: string; head: string; base: string };
      if (open().some((pull) => pull.head.ref === head && pull.head.owner === owner && pull.base === base))
        return refused(422, 'Validation Failed', [{ resource: 'PullRequest', code: 'custom', message: `A pull request already exists for ${owner}:${head}.` }]);
      const pull: GitHubPull = {
        number: state.pulls.length + 1,
        title,
        body: (body as { body: string }).body,
        state: 'open',
        head: { ref: head, owner },
        base,
      };
      state.pulls.push(pull);
      return { status: 201, body: like(example('post', '/repos/{owner}/{repo}/pulls', 201), pull) };
    },
    'patch /repos/{owner}/{repo}/pulls/{pull_number}': ({ path, body }: GitHubRequest): Answer => {
      const pull = state.pulls.find(({ number }) => number === Number(path.split('/').at(-1)));
      if (pull === undefined) return refused(404, 'Not Found');
      Object.assign(pull, body);
      return { status: 200, body: like(example('patch', '/repos/{owner}/{repo}/pulls/{pull_number}', 200), pull) };
    },
    'get /repos/{owner}/{repo}/actions/runs': (request: GitHubRequest): Answer => {
      const { head_sha: sha = '', event: wanted, branch } = request.query;
      const shape = first((example('get', '/repos/{owner}/{repo}/actions/runs', 200) as { workflow_runs: unknown }).workflow_runs);
      const runs = (state.checks.get(sha)?.runs ?? []).filter(({ event = 'push' }) => event === wanted);
      const workflow_runs = runs.map(
        ({ workflow, path = '.github/workflows/staging-pipeline.yml', status = 'completed', conclusion, event = 'push', number = 1 }) => ({
          ...shape,
          ...{ id: workflow * 1000 + number, workflow_id: workflow, run_number: number, path, status, conclusion, event, head_sha: sha, head_branch: branch },
          html_url: `https://github.com/${owner}/${name}/actions/runs/${workflow * 1000 + number}`,
        }),
      );
      return { status: 200, body: { total_count: workflow_runs.length, workflow_runs: list(workflow_runs, request) } };
    },
    'get /repos/{owner}/{repo}/commits/{ref}/check-runs': (request: GitHubRequest): Answer => {
      const sha = request.path.split('/').at(-2)!;
      const shape = first((example('get', '/repos/{owner}/{repo}/commits/{ref}/check-runs', 200) as { check_runs: unknown }).check_runs);
      const all = (state.checks.get(sha)?.checks ?? []).map(({ name: check, status = 'completed', conclusion, app = 'octoapp' }) => ({
        ...shape,
        ...{ name: check, status, conclusion, head_sha: sha, app: { ...(shape['app'] as object), slug: app } },
      }));
      return { status: 200, body: { total_count: all.length, check_runs: list(all, request) } };
    },
    'get /repos/{owner}/{repo}/commits/{ref}/status': (request: GitHubRequest): Answer => {
      const sha = request.path.split('/').at(-2)!;
      const example200 = example('get', '/repos/{owner}/{repo}/commits/{ref}/status', 200) as { statuses: unknown };
      const all = (state.checks.get(sha)?.statuses ?? []).map(({ context, state: is }) => ({ ...first(example200.statuses), context, state: is }));
      return { status: 200, body: { ...example200, sha, total_count: all.length, statuses: list(all, request) } };
    },
  } satisfies Partial<Record<`${string} ${DescribedPath}`, (request: GitHubRequest) => Answer>>;
};

/**
 * Starts GitHub's API on loopback, for one repository. Each request, and each answer that is no fault, is checked by Prism against GitHub's own description of its
 * API; answers are GitHub's own examples, with what is true of the repository put in.
 */
export const startGitHubStandIn = async (options: GitHubStandInOptions): Promise<GitHubStandIn> => {
  const described = await readDescribed();
  const { validateInput, validateOutput } = require('@stoplight/prism-http/dist/validator') as { validateInput: Check; validateOutput: Check };
  const state = {
    requests: [] as GitHubRequest[],
    pulls: [] as GitHubPull[],
    checks: new Map<string, GitHubChecks>(),
    faults: [] as GitHubFault[],
    tips: new Map<string, string>(),
  };
  const answers = answersOf(described, options, state);
  const violations: string[] = [];
  const note = (what: string, checked: Checked): void => {
    if (checked._tag === 'Left') violations.push(...checked.left.map(({ message, path = [] }) => `${what}: ${path.join('.')}: ${message}`));
  };
  const PREFIX = '/api/v3';

  const truth = (request: GitHubRequest, headers: IncomingMessage['headers']): Answer => {
    const operation = described.operations.find((each) => each.method === request.method && matcherOf(each.path).test(request.path));
    const answer = operation && (answers as Record<string, (request: GitHubRequest) => Answer>)[`${operation.method} ${operation.path}`];
    if (operation === undefined || answer === undefined) {
      violations.push(`${request.method} ${request.path}: nobody expected it`);
      return refused(404, 'Not Found');
    }
    const what = `${request.method} ${request.path}`;
    note(
      what,
      validateInput({
        resource: operation,
        element: { method: request.method, url: { path: request.path, query: request.query }, headers, body: request.body },
      }),
    );
    if (headers.authorization !== `token ${options.token}`) return refused(401, 'Bad credentials');
    if (!request.path.startsWith(`/repos/${options.owner}/${options.name}/`)) return refused(404, 'Not Found');
    const given = answer(request);
    note(
      `the answer to ${what}`,
      validateOutput({ resource: operation, element: { statusCode: given.status, headers: { 'content-type': 'application/json' }, body: given.body } }),
    );
    return given;
  };

  const faultFor = ({ method, path }: GitHubRequest): GitHubFault | undefined => {
    const at = state.faults.findIndex((fault) => (fault.method ?? method) === method && (fault.path?.test(path) ?? true));
    const fault = state.faults[at];
    if (fault === undefined) return undefined;
    const left = (fault.times ?? 1) - 1;
    if (left > 0) state.faults[at] = { ...fault, times: left };
    else state.faults.splice(at, 1);
    return fault;
  };

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(incoming.url ?? '/', 'http://localhost');
    const text = await textOf(incoming);
    const request: GitHubRequest = {
      method: (incoming.method ?? '').toLowerCase(),
      path: url.pathname.startsWith(`${PREFIX}/`) ? url.pathname.slice(PREFIX.length) : url.pathname,
      query: Object.fromEntries(url.searchParams),
      body: text === '' ? undefined : JSON.parse(text),
    };
    state.requests.push(request);
    const fault = faultFor(request);
    const answer = fault === undefined || fault.takesEffect === true ? truth(request, incoming.headers) : null;
    const { status, headers = {}, body } = fault ?? answer!;
    if (body === null) return void incoming.socket.destroy();
    const isText = typeof body === 'string';
    response.writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json; charset=utf-8', ...headers });
    response.end(isText ? body : JSON.stringify(body));
  };

  const server = createServer(
    (incoming, response) => void handle(incoming, response).catch((error: unknown) => (violations.push(String(error)), response.destroy())),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    ...state,
    api: `http://127.0.0.1:${(server.address() as AddressInfo).port}${PREFIX}`,
    reset: () => {
      for (const list of [state.requests, state.pulls, state.faults]) list.length = 0;
      state.checks.clear();
      state.tips.clear();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      if (violations.length > 0) throw new Error(`not what GitHub describes:\n${violations.join('\n')}`);
    },
  };
};
