import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { asPinlaneError } from '@pinlane/contracts';
import { temporaryFolder } from '@pinlane/testing';
import type { VerbContext, VerbOutcome } from '../../../src/command/context.ts';
import type { Verb } from '../../../src/command/verb.ts';
import { makeRunnable } from './runnable.ts';
import { contextOf, run } from './verb-context.ts';
import { linkPackages, openWorkspace, type TestWorkspace } from './workspace.ts';

/** The processor of such a workspace. */
export const ECHO = 'processors/acme-echo';
export const ECHO_FILE = `${ECHO}/registry.yaml`;

/** A remote with the branches of the lanes, from which each job makes a clone of its own. */
export interface LanesWorld {
  readonly remote: string;
  /** Runs git in the remote. */
  git(...args: string[]): string;
  /** A clone of a branch, as a runner has it: without anything that an earlier one left. */
  clone(branch?: string): Promise<TestWorkspace>;
  /** The pin commits of staging, the newest first. */
  pinCommits(): string[];
  /** The variables of a lane's jobs. */
  env(lane: 'staging' | 'main'): Record<string, string>;
  /** Carries a verb out in this process: what it says, or the code and the words of its error. */
  carryOut(
    root: string,
    verb: Verb,
    lane: 'staging' | 'main',
    more?: Partial<Omit<VerbContext, 'env'>> & { readonly options?: Readonly<Record<string, unknown>>; readonly variables?: Readonly<Record<string, string>> },
  ): Promise<Carried>;
}

/** What came of a verb. */
export interface Carried {
  readonly exitCode: number;
  readonly code: string | null;
  readonly said: string;
  readonly document: VerbOutcome['document'];
}

/** A registry is waited for as one that is near. */
export const NEAR = { idleMs: 300, retry: { sleep: async () => undefined } };

/**
 * Makes the workspace of `makeRunnable` one whose base is in a registry, so that clones have little to build.
 * @param env of lane staging, with the place of the registry
 */
export const makeDeliverable = async (workspace: TestWorkspace, registry: string): Promise<void> => {
  await makeRunnable(workspace);
  const env = { PINLANE_LANE: 'staging', PINLANE_PUSH: 'true', PINLANE_REGISTRY: `${registry}/bases` };
  const { exitCode, output } = await workspace.pinlaneWith(env, 'pin', 'acme-base');
  if (exitCode !== 0) throw new Error(output);
  const base = /index: (\S+@sha256:[a-f0-9]{64})/.exec(await workspace.read('processors/acme-base/registry.yaml'))?.[1];
  const dockerfile = `${ECHO}/Dockerfile`;
  await workspace.write({ [dockerfile]: (await workspace.read(dockerfile)).replace(/^ARG BASE_IMAGE=.*$/m, `ARG BASE_IMAGE=${base}`) });
  await workspace.remove('processors/acme-base');
  await workspace.remove(`${ECHO}/tests`);
  await workspace.commit('a processor on a base that is published');
};

/** A workspace of processors whose images are one file each. @param more files besides, or in the place of those */
export const makeSmall = async (names: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<TestWorkspace> => {
  const workspace = await openWorkspace(temporaryFolder('small'));
  await workspace.write({
    'package.json': '{ "name": "acme", "private": true, "type": "module" }\n',
    'nx.json': '{ "analytics": false, "plugins": ["@pinlane/nx"] }\n',
    '.gitignore': 'node_modules\ndist/\n.pinlane/\n.nx/\n',
    ...Object.fromEntries(
      names.flatMap((name) => [
        [`processors/acme-${name}/registry.yaml`, `ref: acme/${name}@1\n`],
        [`processors/acme-${name}/Dockerfile`, 'FROM scratch\nCOPY name.txt /name.txt\n'],
        [`processors/acme-${name}/name.txt`, `${name}\n`],
      ]),
    ),
    ...more,
  });
  await workspace.git('init', '--quiet', '--initial-branch=main');
  await workspace.commit('first');
  return workspace;
};

/** What a verb is told of one of its processors. */
export const of = (name: string): Pick<VerbContext, 'project' | 'projectRoot'> => ({ project: `acme-${name}`, projectRoot: `processors/acme-${name}` });

/** Opens a remote whose branches staging and main are at what a workspace has, with a registry path and deployments of its own. */
export const openLanes = async (workspace: TestWorkspace, registry: string): Promise<LanesWorld> => {
  const folder = temporaryFolder('lanes');
  const remote = join(folder, 'remote.git');
  execFileSync('git', ['clone', '--quiet', '--bare', workspace.root, remote], { stdio: 'ignore' });
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: remote, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  const first = git('rev-parse', 'HEAD');
  for (const branch of ['staging', 'main']) git('update-ref', `refs/heads/${branch}`, first);
  const env = (lane: 'staging' | 'main'): Record<string, string> => ({
    ...{ PINLANE_LANE: lane, PINLANE_REGISTRY: `${registry}/acme`, PINLANE_ADAPTER: 'local', PINLANE_DEPLOYMENTS: join(folder, 'deployments') },
    ...(lane === 'staging' ? { PINLANE_PUSH: 'true', ACME_KEY_STAGING: 'a key' } : { ACME_KEY_PROD: 'a key' }),
  });
  return {
    remote,
    git,
    env,
    clone: async (branch = 'staging') => {
      const clone = await openWorkspace(temporaryFolder('clone'));
      await clone.git('clone', '--quiet', `--branch=${branch}`, `file://${remote}`, '.');
      await linkPackages(clone.root);
      return clone;
    },
    pinCommits: () => git('log', '--format=%H', '--grep=^Pinlane-Source:', 'staging').split('\n').filter(Boolean),
    carryOut: async (root, verb, lane, { options = {}, variables = {}, ...more } = {}) => {
      const project = verb.subject === 'processor' ? { project: 'acme-echo', projectRoot: ECHO } : {};
      const plain = { PATH: process.env['PATH'], HOME: folder, TMPDIR: process.env['TMPDIR'], GIT_CONFIG_NOSYSTEM: '1' };
      const context = contextOf(root, { ...project, env: { ...plain, ...env(lane), ...variables }, ...more });
      try {
        const { exitCode, lines, document } = await run(verb, options, context);
        return { exitCode, code: null, document, said: [...lines, ...context.notes].join('\n') };
      } catch (thrown) {
        const { code, exitCode, message } = asPinlaneError(thrown);
        return { exitCode, code, document: undefined, said: [message, ...context.notes].join('\n') };
      }
    },
  };
};
