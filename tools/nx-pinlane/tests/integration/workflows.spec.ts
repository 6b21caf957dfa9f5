import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { parseSpec } from '@pinlane/pipeline';
import { checkCommands, checkWorkflow, type Facts } from './support/workflows/check.ts';
import { readExpression, readWorkflow } from './support/workflows/read.ts';
import { runbookTables, withTables } from './support/workflows/runbook.ts';
import { WORKFLOW_NAMES, WORKFLOWS, type WorkflowName } from './support/workflows/settings.ts';
import { ENVIRONMENT } from '../../src/command/environment.ts';

const root = resolve(import.meta.dirname, '../../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const json = <T>(path: string): T => JSON.parse(read(path)) as T;

interface Graph {
  readonly graph: {
    readonly nodes: Readonly<
      Record<string, { readonly data: { readonly targets?: Readonly<Record<string, { readonly executor?: string; readonly configurations?: object }>> } }>
    >;
  };
}

/** What the workspace has, as Nx itself tells. */
const factsOf = (): Facts => {
  const file = join(temporaryFolder('graph'), 'graph.json');
  const nx = createRequire(join(root, 'package.json')).resolve('nx/bin/nx.js');
  execFileSync(process.execPath, [nx, 'graph', `--file=${file}`], { cwd: root, env: { ...process.env, NX_DAEMON: 'false' }, stdio: 'ignore' });
  const { graph } = JSON.parse(readFileSync(file, 'utf8')) as Graph;
  const projects = Object.entries(graph.nodes).map(([name, { data }]) => {
    const targets = Object.entries(data.targets ?? {}).map(([target, { executor = '', configurations = {} }]) => [
      target,
      { executor, configurations: Object.keys(configurations) },
    ]);
    return [name, Object.fromEntries(targets)];
  });
  const specs = readdirSync(join(root, 'processors')).map((name) => `processors/${name}/registry.yaml`);
  return {
    projects: Object.fromEntries(projects),
    optionsOf: (executor) => {
      const [, name] = /^@pinlane\/nx:(.+)$/.exec(executor) ?? [];
      return name === undefined ? null : Object.keys(json<{ properties: object }>(`tools/nx-pinlane/schemas/${name}.json`).properties);
    },
    secrets: [...new Set(specs.flatMap((path) => Object.values(parseSpec(read(path), { file: path }).spec.secrets).flat()))],
    variables: Object.keys(ENVIRONMENT),
    exists: (path) => existsSync(join(root, path)),
    node: json<{ devDependencies: Record<string, string> }>('package.json').devDependencies['node'] ?? '',
  };
};

const facts = factsOf();
const texts = Object.fromEntries(WORKFLOW_NAMES.map((lane) => [lane, read(WORKFLOWS[lane].file)])) as Record<WorkflowName, string>;
const findings = (lane: WorkflowName, text = texts[lane]): string[] => checkWorkflow(lane, readWorkflow(WORKFLOWS[lane].file, text), facts);

describe('the workflows', () => {
  it.each(WORKFLOW_NAMES)('of %s name what there is, and do what the lane may and must', (lane) => {
    expect(findings(lane)).toEqual([]);
  });

  it('are these, and no others', () => {
    expect(readdirSync(join(root, '.github/workflows')).sort()).toEqual(WORKFLOW_NAMES.map((lane) => WORKFLOWS[lane].file.split('/').at(-1)).sort());
  });
});

type Break = readonly [what: string, lane: WorkflowName, from: string | RegExp, to: string, finding: RegExp];

const CHECKOUT = 'actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2';
const UPLOAD = 'actions/upload-artifact@b7c566a772e6b6bfb58ed0dc250532a479d7789f # v6.0.0';
const CACHE = 'actions/cache@0057852bfaa89a56745cba8c7296529d2fc39830 # v4.3.0';
const BREAKS: readonly Break[] = [
  // What is not there.
  ['a target', 'pr', 'affected -t acceptance', 'affected -t acceptanec', /no target acceptanec/],
  ['a target of the workspace', 'staging', 'pinlane:commit-pins', 'pinlane:commit-pin', /no target commit-pin of pinlane/],
  ['a project', 'main', 'run pinlane:drift-report', 'run pinlanes:drift-report', /no project pinlanes/],
  ['a configuration', 'staging', 'affected -t acceptance', 'affected -t acceptance -c pined', /no configuration pined/],
  ['a flag', 'staging', '-t pin --check', '-t pin --chekc', /no option --chekc/],
  ['a file', 'main', '.ci/modal-client.txt', '.ci/modal.txt', /no file \.ci\/modal\.txt/],
  ['a variable of Pinlane', 'dev', '  PINLANE_RUNTIME:', '  PINLANE_RUNTIMES:', /nothing reads the variable PINLANE_RUNTIMES/],
  ['a variable of the repository', 'staging', 'vars.STAGING_DEPLOY', 'vars.STAGING_DEPLOYS', /no variable STAGING_DEPLOYS/],
  ['a secret', 'staging', 'secrets.OPENAI_API_KEY_STAGING', 'secrets.OPENAI_KEY_STAGING', /may not read the secret OPENAI_KEY_STAGING/],
  ['a job', 'main', 'needs: promotion', 'needs: promote', /no job promote|not found|unknown/i],
  ['an output of a job', 'staging', 'needs.build.outputs.commit', 'needs.build.outputs.sha', /no output sha/],
  ['an output of a step', 'staging', 'steps.commit.outputs.commit', 'steps.commit.outputs.sha', /no step commit of the job has an output sha/],
  ['another Node', 'dev', 'node-version: 24.21.0', 'node-version: 22.12.0', /Node of the workspace is 24\.21\.0/],
  // What a lane may not do.
  ['a build in dev', 'dev', 'affected -t acceptance', 'affected -t buildx acceptance', /could build, and lane dev does not/],
  ['a build in main', 'main', 'affected -t acceptance', 'affected -t pin acceptance', /could build, and lane main does not/],
  ['a pin in a pull request', 'pr', 'affected -t acceptance', 'affected -t pin acceptance', /could write pins, and lane pr does not/],
  ['a push in dev', 'dev', 'affected -t acceptance', 'affected -t acceptance --push', /could push images, and lane dev does not/],
  ['a push in a pull request', 'pr', 'PINLANE_LANE: pr', "PINLANE_LANE: pr\n  PINLANE_PUSH: 'true'", /could push images, and lane pr does not/],
  ['a deployment in dev', 'dev', 'affected -t acceptance', 'affected -t acceptance modal-deploy', /could deploy, and lane dev does not/],
  ['a secret in dev', 'dev', "OPENAI_API_KEY: ''", 'OPENAI_API_KEY: ${{ secrets.OPENAI_API_KEY }}', /unset OPENAI_API_KEY in/],
  ['a secret that is not unset', 'pr', "  OPENAI_API_KEY_PROD: ''\n", '', /unset OPENAI_API_KEY_PROD/],
  ["production's secret in staging", 'staging', 'secrets.OPENAI_API_KEY_STAGING', 'secrets.OPENAI_API_KEY_PROD', /may not read the secret OPENAI_API_KEY_PROD/],
  ['a secret for every step', 'staging', "PINLANE_PUSH: 'true'", "PINLANE_PUSH: 'true'\n      MODAL_TOKEN_ID: ${{ secrets.MODAL_TOKEN_ID }}", /for every step/],
  [
    'a secret under another name',
    'main',
    'OPENAI_API_KEY_PROD: ${{ secrets.OPENAI_API_KEY_PROD }}',
    'OPENAI_API_KEY: ${{ secrets.OPENAI_API_KEY_PROD }}',
    /handed on as OPENAI_API_KEY/,
  ],
  ['a secret that a processor wants and nobody gives', 'main', /\n +REPLICATE_API_TOKEN_PROD: .*/, '', /not given REPLICATE_API_TOKEN_PROD/],
  ['all secrets at once', 'staging', 'secrets.MODAL_TOKEN_ID', 'toJSON(secrets)', /not known before it runs/],
  ['another environment', 'main', 'environment: production', 'environment: staging', /should have production/],
  ['no environment', 'staging', '    environment: staging\n', '', /outside of an environment/],
  ['another lane', 'main', 'PINLANE_LANE: main', 'PINLANE_LANE: staging', /the lane is main/],
  ['a token that may write in dev', 'dev', 'contents: read', 'contents: write', /may write contents/],
  ['a token that may write packages in main', 'main', 'packages: read', 'packages: write', /may write packages/],
  ['a token that may ask for identities', 'staging', 'packages: write # the images', 'packages: write\n      id-token: write', /may write id-token/],
  ['a job that takes what tokens may by default', 'dev', /    permissions:\n(?:      \w+: read\n)+/, '', /does not say what its token may do/],
  ['permissions of all jobs', 'dev', 'permissions: {}', 'permissions: write-all', /job by job/],
  ['kept credentials', 'main', 'persist-credentials: false', 'persist-credentials: true', /keeps credentials in a job that pushes no commit/],
  ['credentials by default', 'pr', '          persist-credentials: false\n', '', /must say whether it keeps credentials/],
  // What must be there.
  ['no probe', 'staging', 'modal-deploy smoke probe', 'modal-deploy smoke', /must run probe/],
  [
    'a probe that may fail',
    'main',
    'run: npx nx affected -t modal-deploy smoke probe',
    'continue-on-error: true\n        run: npx nx affected -t modal-deploy smoke probe',
    /must run probe/,
  ],
  [
    'a probe with a condition',
    'main',
    'run: npx nx affected -t modal-deploy smoke probe',
    'if: github.actor\n        run: npx nx affected -t modal-deploy smoke probe',
    /must run probe/,
  ],
  ['no proof of promotion', 'main', 'run: npx nx run pinlane:promotion --platforms=linux/amd64', 'run: npx nx run pinlane:verify-pins', /must run promotion/],
  ['no drift', 'main', 'run: npx nx run pinlane:drift-report', 'run: npx nx run pinlane:verify-pins', /must run drift-report/],
  ['drift before the deployment', 'staging', 'needs: [build, deploy]', 'needs: build', /drift-report must come after modal-deploy/],
  ['a deployment without evidence', 'staging', 'needs: [build, acceptance]', 'needs: build', /secrets-sync must come after verify-pins/],
  ['a deployment after a failure', 'main', "if: vars.MAIN_DEPLOY != 'off'", "if: always() && vars.MAIN_DEPLOY != 'off'", /after a failure/],
  ['no look at pins by hand', 'pr', 'pinlane:pin-edits', 'pinlane:verify-pins', /must run pin-edits/],
  ['no pin commit', 'staging', 'run: npx nx run pinlane:commit-pins', 'run: npx nx run pinlane:commit-pins --dryRun', /must run commit-pins/],
  ['the commit before the pins', 'staging', '          ref: ${{ needs.build.outputs.commit }}\n', '', /must check out the commit with the pins/],
  ['affected since nobody knows when', 'dev', '        env:\n          NX_BASE: ${{ steps.since.outputs.base }}\n', '', /told by NX_BASE/],
  ['no proof that pins are what sources make', 'nightly', ' --reproduce', ' --check', /must run pin --reproduce/],
  ['pins that are written at night', 'nightly', ' --reproduce', '', /could write pins, and lane main does not/],
  ['another night', 'nightly', /schedule:\n.*/, 'push:', /run by schedule, and by nothing else/],
  // What a pull request could poison.
  ["a pull request's rights of the branch", 'pr', /pull_request:\n.*/, 'pull_request_target:\n    branches: [dev, staging, main]', /by nothing else/],
  ['a run after the one of a pull request', 'staging', /push:\n.*/, 'workflow_run:\n    workflows: [pr-tests]\n    types: [completed]', /by nothing else/],
  ['a lane that a pull request sets off, too', 'staging', '  push:', '  pull_request:\n    branches: [staging]\n  push:', /by nothing else/],
  ['files that set nothing off', 'staging', 'branches: [staging]', "branches: [staging]\n    paths-ignore: ['tools/**']", /paths-ignore/],
  ['a secret for a pull request', 'pr', "OPENAI_API_KEY: ''", 'OPENAI_API_KEY: ${{ secrets.OPENAI_API_KEY_STAGING }}', /for every step/],
  ['a token that may write, for a pull request', 'pr', 'contents: read', 'contents: write', /may write contents/],
  ['a token that may write to a pull request', 'pr', 'contents: read', 'contents: read\n      pull-requests: write', /may write pull-requests/],
  ['credentials that are kept for a pull request', 'pr', 'persist-credentials: false', 'persist-credentials: true', /keeps credentials/],
  ['a cache', 'staging', CHECKOUT, `${CACHE}\n        with: { path: .pinlane, key: store }\n      - uses: ${CHECKOUT}`, /none of the actions that lanes use/],
  ['a cache that a pull request fills', 'pr', CHECKOUT, `${CACHE}\n        with: { path: .nx, key: nx }\n      - uses: ${CHECKOUT}`, /none of the actions/],
  ['a cache of packages', 'main', 'package-manager-cache: false', 'package-manager-cache: true', /from a cache that other runs write/],
  ['a cache of packages by default', 'pr', /\n +package-manager-cache: false/, '', /from a cache that other runs write/],
  ['a cache of npm', 'staging', 'package-manager-cache: false', 'package-manager-cache: false\n          cache: npm', /is told `cache`/],
  ['an artifact of another run', 'staging', UPLOAD, UPLOAD.replace('upload', 'download'), /none of the actions that lanes use/],
  ["somebody else's action", 'dev', 'actions/setup-node@', 'evil/setup-node@', /none of the actions that lanes use/],
  ['an action of the branch itself', 'pr', CHECKOUT, './.github/actions/checkout', /not pinned|none of the actions/],
  ['another repository', 'main', 'persist-credentials: false', 'persist-credentials: false\n          repository: evil/fork', /is told `repository`/],
  [
    'the code of a pull request in a lane',
    'main',
    'persist-credentials: false',
    'persist-credentials: false\n          ref: ${{ github.event.pull_request.head.sha }}',
    /must check out what set the workflow off/,
  ],
  [
    'the head of a pull request in place of its merge',
    'pr',
    'persist-credentials: false',
    'persist-credentials: false\n          ref: refs/heads/dev',
    /what set/,
  ],
  ['another branch at night', 'nightly', 'ref: main', 'ref: dev', /must check out main/],
  ['a container', 'staging', 'runs-on: ubuntu-24.04', 'runs-on: ubuntu-24.04\n    container: evil/image', /has `container`/],
  ['a service beside it', 'pr', 'runs-on: ubuntu-24.04', 'runs-on: ubuntu-24.04\n    services: { db: { image: evil/db } }', /has `services`/],
  ['another shell', 'staging', 'permissions: {}', 'permissions: {}\n\ndefaults:\n  run:\n    shell: python', /has `defaults`/],
  ['another shell of a step', 'staging', '- run: npm ci', '- run: npm ci\n        shell: ./evil {0}', /has `shell`/],
  ['another folder of a step', 'main', '- run: npm ci', '- run: npm ci\n        working-directory: /tmp', /has `working-directory`/],
  ['a matrix', 'dev', 'runs-on: ubuntu-24.04', 'runs-on: ubuntu-24.04\n    strategy: { fail-fast: false, matrix: { a: [1] } }', /has a from elsewhere/],
  ['a matrix that is more', 'staging', 'matrix:\n', 'matrix:\n        include: [{ part: 3/2 }]\n', /has include from elsewhere/],
  ['a matrix of what a job told', 'staging', 'fromJSON(vars.STAGING_PARTS', 'fromJSON(github.event.head_commit.message', /has part from elsewhere/],
  ['another strategy', 'staging', 'fail-fast: false', 'fail-fast: false\n      max-parallel: 1', /has `max-parallel`/],
  ['a part of no matrix', 'staging', 'PINLANE_PART: ${{ matrix.part }}', 'PINLANE_PART: ${{ matrix.parts }}', /job parts has no such thing/],
  ['a job after one that may be left out', 'staging', "    if: needs.build.result == 'success' && !cancelled()\n", '', /must say which results it needs/],
  ['a job of a workflow that was cancelled', 'staging', '!cancelled()', 'cancelled()', /runs when the workflow is cancelled/],
  ['a deployment whatever came of acceptance', 'staging', " && needs.acceptance.result == 'success'", '', /job deploy would run whatever came before/],
  [
    'a deployment though acceptance was left out',
    'staging',
    "needs.acceptance.result == 'success'",
    "needs.acceptance.result != 'failure'",
    /would run whatever/,
  ],
  ['a build whatever came of its parts', 'staging', "(needs.parts.result == 'success' || needs.parts.result == 'skipped')", 'true', /whatever came before/],
  [
    'a way round a condition',
    'staging',
    "if: needs.build.result == 'success' && !cancelled()",
    "if: needs.build.result == 'success' && !cancelled() && github.actor == 'x'",
    /asks for something else/,
  ],
  [
    'pins of what may be left out',
    'staging',
    "vars.STAGING_PIPELINE != 'off' && !cancelled()",
    "vars.STAGING_PIPELINE != 'off' && vars.STAGING_DEPLOY != '' && !cancelled()",
    /must run commit-pins/,
  ],
  [
    'a part that may push commits',
    'staging',
    'contents: read\n      packages: write # the images',
    'contents: write\n      packages: write',
    /which it has no use for/,
  ],
  [
    'a variable that Node reads',
    'staging',
    'env:\n  PINLANE_LANE',
    'env:\n  NODE_OPTIONS: --import=./evil.mjs\n  PINLANE_LANE',
    /nothing reads the variable NODE_OPTIONS/,
  ],
  ['a job that calls a workflow', 'dev', /^jobs:\n/m, 'jobs:\n  other:\n    uses: evil/w/.github/workflows/x.yml@main\n', /has `uses`/],
  // How it is run.
  ['a tag of an action', 'dev', CHECKOUT, 'actions/checkout@v6', /not pinned/],
  ['no version of an action', 'dev', CHECKOUT, CHECKOUT.replace(' # v6.0.2', ''), /no comment says which version/],
  [
    'untrusted text in a script',
    'pr',
    'run: npx nx affected -t acceptance',
    'run: npx nx affected -t acceptance --exclude=${{ github.head_ref }}',
    /becomes part of the script/,
  ],
  ['a script that is cleverer than a target', 'dev', 'npx nx affected -t acceptance', 'npx nx affected -t acceptance || true', /./],
  ['another script', 'dev', 'npm ci', 'npm install', /neither a target of Nx/],
  ['forks with the rights of the branch', 'pr', 'pull_request:', 'pull_request_target:', /by nothing else/],
  ['another event', 'main', '  push:', '  workflow_dispatch:\n  push:', /by nothing else/],
  ['runs that are dropped', 'staging', '  queue: max\n', '', /none is dropped/],
  ['runs that are cancelled', 'staging', 'cancel-in-progress: false', 'cancel-in-progress: true', /none is dropped|queue/],
  ['no timeout', 'dev', /    timeout-minutes: \d+\n/, '', /no timeout/],
  ['another system', 'dev', 'runs-on: ubuntu-24.04', 'runs-on: ubuntu-latest', /another system/],
];

/** What is found in a text, or what GitHub's parser says of it. */
const findingsOf = (lane: WorkflowName, text: string): string[] => {
  try {
    return findings(lane, text);
  } catch (thrown) {
    return [(thrown as Error).message];
  }
};

describe('a workflow that is broken is found', () => {
  it.each(BREAKS)('%s (%s)', (_, lane, from, to, finding) => {
    const text = texts[lane].replaceAll(typeof from === 'string' ? from : new RegExp(from, `g${from.flags}`), () => to);
    expect(text).not.toBe(texts[lane]);
    expect(findingsOf(lane, text)).toContainEqual(expect.stringMatching(finding));
  });

  it('where a processor has a new secret, in every lane', () => {
    const more = { ...facts, secrets: [...facts.secrets, 'NEW_KEY'] };
    for (const lane of WORKFLOW_NAMES.filter((name) => name !== 'nightly'))
      expect(checkWorkflow(lane, readWorkflow(WORKFLOWS[lane].file, texts[lane]), more)).not.toEqual([]);
  });
});

describe('an expression', () => {
  it.each([
    ['needs.build.outputs.commit', [['needs', 'build', 'outputs', 'commit']]],
    ["vars['A'] != 'off' && !cancelled()", [['vars', 'A']]],
    [
      'secrets[github.actor]',
      [
        ['github', 'actor'],
        ['secrets', '*'],
      ],
    ],
    ["format('{0}', secrets.A)", [['secrets', 'A']]],
  ])('%s tells what it reads', (expression, reads) => {
    expect(readExpression(expression).reads).toEqual(reads);
  });
});

describe('the runbook', () => {
  const runbook = read('docs/runbook.md');

  it('has commands of targets that there are', () => {
    const code = [...runbook.matchAll(/```sh\n(.*?)```|`(npx nx [^`]*)`/gs)].map(([, block, line]) => block ?? line ?? '').join('\n');
    expect(checkCommands(code, facts)).toEqual([]);
    expect(code).toContain('npx nx');
  });

  it('names files that there are', () => {
    const named = [...runbook.matchAll(/(?:\.github|\.ci)\/[\w./-]+\w/g)].map(([path]) => path);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  /** Whether a page has the tables of some workflows, however they are aligned. */
  const agrees = (page: string, of: Readonly<Record<WorkflowName, string>>): boolean => {
    const parsed = Object.fromEntries(WORKFLOW_NAMES.map((lane) => [lane, readWorkflow(WORKFLOWS[lane].file, of[lane])]));
    const loose = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/-+/g, '-');
    return loose(withTables(page, runbookTables(parsed as Parameters<typeof runbookTables>[0]))) === loose(page);
  };

  it('has the tables of the workflows', () => {
    expect(agrees(runbook, texts)).toBe(true);
  });

  it.each<[string, WorkflowName, string, string]>([
    ['a target', 'main', 'smoke probe', 'smoke'],
    ['an environment', 'staging', 'environment: staging', 'environment: production'],
    ['what a token may write', 'staging', 'contents: write', 'contents: read'],
    ['a secret', 'staging', 'secrets.OPENAI_API_KEY_STAGING', 'secrets.OTHER_STAGING'],
    ['where a variable is read', 'dev', 'vars.PINLANE_RUNTIME', 'vars.PINLANE_ENGINE'],
  ])('parts from workflows that change %s', (_, lane, from, to) => {
    const text = texts[lane].replaceAll(from, () => to);
    expect(text).not.toBe(texts[lane]);
    expect(agrees(runbook, { ...texts, [lane]: text })).toBe(false);
  });

  it('notices a command that is none', () => {
    expect(checkCommands('PINLANE_LANE=pr npx nx affected -t acceptanec # all', facts)).toEqual([expect.stringMatching(/no target acceptanec/)]);
  });
});
