import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { schema as published } from '@octokit/graphql-schema';
import { buildSchema, getVariableValues, Kind, parse, validate } from 'graphql';
import { temporaryFolder } from '@pinlane/testing';

/** What is answered in the place of a commit. */
export interface CommitFault {
  readonly status?: number;
  /** Nothing at all if it is null; the true answer if it is absent. */
  readonly body?: object | string | null;
  /** Whether the commit is made all the same. */
  readonly takesEffect?: boolean;
  /** What happens just before. */
  readonly before?: () => void;
}

interface Input {
  readonly branch: { readonly repositoryNameWithOwner: string; readonly branchName: string };
  readonly expectedHeadOid: string;
  readonly message: { readonly headline: string; readonly body: string };
  readonly fileChanges: { readonly additions: readonly { readonly path: string; readonly contents: string }[] };
}

const git = (remote: string, args: readonly string[], more: { readonly input?: string | Buffer; readonly env?: Record<string, string> } = {}): string =>
  execFileSync('git', ['-c', 'user.name=GitHub', '-c', 'user.email=noreply@github.com', ...args], {
    cwd: remote,
    encoding: 'utf8',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', ...more.env },
    ...(more.input === undefined ? {} : { input: more.input }),
  }).trim();

/** Makes the commit in a bare repository, as GitHub does: plain files, on the tip, if that is the expected one. */
const makeCommit = (remote: string, { branch, expectedHeadOid, message, fileChanges }: Input): object => {
  const ref = `refs/heads/${branch.branchName}`;
  const tip = git(remote, ['rev-parse', ref]);
  if (tip !== expectedHeadOid)
    return {
      data: { createCommitOnBranch: null },
      errors: [{ type: 'STALE_DATA', path: ['createCommitOnBranch'], message: `Expected branch to point to "${tip}" but it did not. Pull and try again.` }],
    };
  const env = { GIT_INDEX_FILE: join(temporaryFolder('index'), 'index') };
  git(remote, ['read-tree', tip], { env });
  for (const { path, contents } of fileChanges.additions) {
    const blob = git(remote, ['hash-object', '-w', '--stdin'], { input: Buffer.from(contents, 'base64') });
    git(remote, ['update-index', '--add', '--cacheinfo', `100644,${blob},${path}`], { env });
  }
  const commit = git(remote, ['commit-tree', git(remote, ['write-tree'], { env }), '-p', tip, '-F', '-'], {
    input: `${message.headline}\n\n${message.body}\n`,
  });
  git(remote, ['update-ref', ref, commit, tip]);
  return { data: { createCommitOnBranch: { commit: { oid: commit } } } };
};

/** GitHub's GraphQL API on loopback, for commits alone. Each request is checked against GitHub's own schema. */
export const startGraphqlCommits = async ({
  token,
  repository,
  remote,
}: {
  readonly token: string;
  readonly repository: string;
  readonly remote: () => string;
}) => {
  const schema = buildSchema(published.idl, { assumeValid: true });
  const faults: CommitFault[] = [];
  const requests: Input[] = [];
  const violations: string[] = [];
  const answer = (body: string, authorization: string | undefined): { readonly status: number; readonly body: object } => {
    const { query, variables } = JSON.parse(body) as { query: string; variables: Record<string, unknown> };
    const document = parse(query);
    violations.push(...validate(schema, document).map(({ message }) => message));
    const [operation] = document.definitions;
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('no operation');
    const { errors, coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
    violations.push(...(errors ?? []).map(({ message }) => message));
    if (authorization !== `token ${token}`) return { status: 401, body: { message: 'Bad credentials' } };
    const input = coerced?.['input'] as Input;
    requests.push(input);
    if (input.branch.repositoryNameWithOwner !== repository)
      return {
        status: 200,
        body: {
          data: { createCommitOnBranch: null },
          errors: [{ type: 'NOT_FOUND', message: `Could not resolve to a Repository with the name '${input.branch.repositoryNameWithOwner}'.` }],
        },
      };
    return { status: 200, body: makeCommit(remote(), input) };
  };
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => void chunks.push(chunk));
    incoming.on('end', () => {
      const fault = faults.shift();
      fault?.before?.();
      const truth =
        fault === undefined || fault.takesEffect === true || fault.body === undefined
          ? answer(Buffer.concat(chunks).toString(), incoming.headers.authorization)
          : null;
      const given = fault === undefined || fault.body === undefined ? truth!.body : fault.body;
      if (given === null) return void incoming.socket.destroy();
      response.writeHead(fault?.status ?? truth?.status ?? 200, { 'content-type': typeof given === 'string' ? 'text/html' : 'application/json' });
      response.end(typeof given === 'string' ? given : JSON.stringify(given));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    ...{ faults, requests },
    api: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** @throws if a request was not what GitHub's schema says */
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      if (violations.length > 0) throw new Error(`not what GitHub describes:\n${violations.join('\n')}`);
    },
  };
};
