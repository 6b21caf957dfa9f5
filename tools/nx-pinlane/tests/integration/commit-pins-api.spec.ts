import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parseRepository, type ErrorCode, type PinCommit } from '@pinlane/contracts';
import { openRepository } from '@pinlane/oci';
import { errorOf, putImage, startRegistry, type TestRegistry } from '@pinlane/testing';
import { commitPins } from '../../src/verbs/commit-pins/commit-pins.ts';
import { verb } from '../../src/verbs/commit-pins/verb.ts';
import { startGraphqlCommits, type CommitFault } from './support/graphql-commits.ts';
import { makeImage, type ProcessorImage } from './support/images.ts';
import { cloneStaging, GIT, git, pushAll, put, stagingRemote } from './support/staging-remote.ts';
import { contextOf } from './support/verb-context.ts';

const FILE = 'processors/one/registry.yaml';
const TOKEN = 'ghs_canaryCanaryCanary42';
const [first, second] = ['first', 'second'].map((mark) => makeImage('acme-one', mark)) as [ProcessorImage, ProcessorImage];

let registry: TestRegistry;
let github: Awaited<ReturnType<typeof startGraphqlCommits>>;
let remote: string;
let root: string;
let built: string;

const claimed = ({ amd64 }: ProcessorImage): string =>
  /"dev.pinlane.fingerprint":"(sha256:[0-9a-f]{64})"/.exec(Buffer.from(amd64.config.bytes).toString())![1]!;
const textOf = (image: ProcessorImage, revision: string): string => {
  const place = ({ descriptor }: { readonly descriptor: { readonly digest: string } }): string => `${registry.host}/acme/acme-one@${descriptor.digest}`;
  const { amd64, arm64, index } = image;
  return `ref: acme/one@1 # ü\nimage:\n  platforms:\n    amd64: ${place(amd64)}\n    arm64: ${place(arm64)}\n  index: ${place(index)}\n  source: { fingerprint: "${claimed(image)}", revision: "${revision}" }\n`;
};
const cloned = (depth?: '--depth=1'): string => cloneStaging(remote, depth);
const commits = (): number => Number(git(remote, 'rev-list', '--count', 'staging'));

const commit = async (env: Record<string, string | undefined> = {}): Promise<PinCommit> => {
  const { data, error } = verb.parse({ lane: 'staging', via: 'api' });
  if (error) throw error;
  const told: string[] = [];
  const tell = (line: string): void => void told.push(line);
  const all = { ...GIT, GITHUB_API_URL: github.api, GITHUB_REPOSITORY: 'acme/w', GITHUB_TOKEN: TOKEN, PINLANE_GIT_TOKEN: undefined, ...env };
  try {
    const outcome = await commitPins(data as never, contextOf(root, { env: all, note: tell, progress: tell }), async () => undefined);
    told.push(JSON.stringify(outcome));
    return verb.document[0]!.parse(outcome.document) as PinCommit;
  } catch (thrown) {
    told.push(String(thrown), JSON.stringify(thrown));
    throw thrown;
  } finally {
    expect(told.join('\n')).not.toContain(TOKEN);
  }
};

beforeAll(async () => {
  [registry, github] = [await startRegistry(), await startGraphqlCommits({ token: TOKEN, repository: 'acme/w', remote: () => remote })];
  for (const image of [first, second]) await putImage(openRepository(parseRepository(`${registry.host}/acme/acme-one`)), image);
});
afterAll(async () => {
  await registry.close();
  await github.close();
});
let repositories: ReturnType<typeof stagingRemote>;
beforeAll(() => {
  repositories = stagingRemote({ [FILE]: textOf(first, '1'.repeat(40)), 'src/a.ts': '1\n', '.gitignore': '.pinlane\n' });
});
beforeEach(() => {
  [github.faults.length, github.requests.length] = [0, 0];
  repositories.restore();
  ({ remote, job: root, commit: built } = repositories);
  put(root, FILE, textOf(second, built));
});

describe('the pin commit that GitHub makes', () => {
  it('is on the tip, of pins alone, byte for byte, and says what it pins', async () => {
    const report = await commit();
    expect(report).toMatchObject({ outcome: 'committed', parent: built, commit: git(remote, 'rev-parse', 'staging') });
    expect(git(remote, 'diff', '--name-status', built, 'staging')).toBe(`M\t${FILE}`);
    expect(execFileSync('git', ['cat-file', 'blob', `staging:${FILE}`], { cwd: remote, encoding: 'utf8' })).toBe(textOf(second, built));
    const message = git(remote, 'log', '-1', '--format=%B', 'staging');
    expect(message).toMatch(/^ci\(staging\): pin processor images\n\nacme\/one@1 linux\/amd64 sha256:/);
    expect(git(remote, 'log', '-1', '--format=%(trailers:key=Pinlane-Source,valueonly)', 'staging')).toBe(built);
    expect(github.requests).toMatchObject([{ expectedHeadOid: built, branch: { branchName: 'staging' } }]);
    // Again, there is nothing to do.
    expect(await commit()).toMatchObject({ outcome: 'there', commit: report.commit });
    expect(github.requests).toHaveLength(1);
  });

  it('is made anew on the tip that others pushed meanwhile', async () => {
    const other = cloned();
    const pushes = (): void => {
      put(other, 'src/a.ts', `${Math.random()}\n`);
      pushAll(other);
    };
    github.faults.push({ before: pushes }, { before: pushes });
    const report = await commit();
    expect(report).toMatchObject({ outcome: 'committed', parent: git(other, 'rev-parse', 'HEAD') });
    expect(github.requests).toHaveLength(3);
    expect(git(remote, 'diff', '--name-only', report.parent!, 'staging')).toBe(FILE);
  });

  it.each<[string, CommitFault]>([
    ['lost', { body: null, takesEffect: true }],
    ["a gateway's", { status: 502, body: '<html>', takesEffect: true }],
    ['an error all the same', { body: { data: null, errors: [{ message: 'Something went wrong while executing your query.' }] }, takesEffect: true }],
  ])('is recognised where the answer is %s', async (_, fault) => {
    github.faults.push(fault);
    expect(await commit()).toMatchObject({ commit: git(remote, 'rev-parse', 'staging') });
    expect([github.requests.length, commits()]).toEqual([1, 2]);
  });

  const refusal = (type: string, message: string): CommitFault => ({ body: { data: { createCommitOnBranch: null }, errors: [{ type, message }] } });
  it.each<[string, ErrorCode, CommitFault[]]>([
    ['the token may not', 'ERR_PIN_COMMIT_DENIED', [refusal('FORBIDDEN', 'Resource not accessible by integration')]],
    ['the token is none', 'ERR_PIN_COMMIT_DENIED', [{ status: 401, body: { message: 'Bad credentials' } }]],
    [
      'the branch is protected',
      'ERR_PIN_COMMIT_PROTECTED',
      [refusal('UNPROCESSABLE', 'Protected branch update failed: Changes must be made through a pull request.')],
    ],
    ['a ruleset says no', 'ERR_PIN_COMMIT_RULESET', [refusal('UNPROCESSABLE', 'Repository rule violations found\n\nCannot update this protected ref.')]],
    ['it says something else', 'ERR_PIN_COMMIT_REFUSED', [refusal('UNPROCESSABLE', `A path was requested that is odd; ${TOKEN}`)]],
    ['it is a page of a proxy', 'ERR_GITHUB_ANSWER', [{ body: '<html>' }]],
    ['others push each time', 'ERR_PIN_COMMIT_RACE', Array.from({ length: 9 }, () => refusal('STALE_DATA', 'Expected branch to point to "x" but it did not.'))],
    ['it is down', 'ERR_GIT_UNREACHABLE', Array.from({ length: 9 }, () => ({ status: 503, body: 'no' }))],
    [
      'it promises a commit that is nowhere',
      'ERR_GIT_UNREACHABLE',
      Array.from({ length: 9 }, () => ({ body: { data: { createCommitOnBranch: { commit: { oid: '7'.repeat(40) } } } } })),
    ],
  ])(
    'is not there, by name, where %s',
    async (_, code, faults) => {
      github.faults.push(...faults);
      expect(await errorOf(() => commit())).toMatchObject({ code });
      expect(commits()).toBe(1);
    },
    // Some are tried eight times, each with a score of git's processes.
    300_000,
  );

  it('is refused where it holds more than pins, whoever made it', async () => {
    const other = cloned();
    const forged = (): void => {
      put(other, FILE, textOf(second, built));
      put(other, 'src/a.ts', 'evil\n');
      pushAll(other);
    };
    // GitHub names a commit that is not the one asked for.
    const body = { data: { createCommitOnBranch: { commit: { oid: '' } } } };
    github.faults.push({ before: () => (forged(), void (body.data.createCommitOnBranch.commit.oid = git(remote, 'rev-parse', 'staging'))), body });
    expect(await errorOf(() => commit())).toMatchObject({ code: 'ERR_PIN_COMMIT_DIRTY', message: expect.stringContaining('src/a.ts') });
  });

  it('needs a token, and a repository at GitHub', async () => {
    expect(await errorOf(() => commit({ GITHUB_TOKEN: undefined }))).toMatchObject({
      code: 'ERR_PIN_COMMIT_DENIED',
      message: expect.stringContaining('GITHUB_TOKEN'),
    });
    expect(await errorOf(() => commit({ GITHUB_REPOSITORY: undefined }))).toMatchObject({ code: 'ERR_OPTION_INVALID' });
    expect(await errorOf(() => commit({ GITHUB_REPOSITORY: 'acme/other' }))).toMatchObject({ code: 'ERR_PIN_COMMIT_DENIED' });
    expect(commits()).toBe(1);
  });

  it('is not made of a file that is executable, which the API would make a plain one', async () => {
    const other = cloned();
    chmodSync(join(other, FILE), 0o755);
    built = pushAll(other);
    root = cloned('--depth=1');
    put(root, FILE, textOf(second, built));
    expect(await errorOf(() => commit())).toMatchObject({ code: 'ERR_PIN_COMMIT_REFUSED', message: expect.stringContaining('plain file') });
    expect(github.requests).toEqual([]);
  });
});
