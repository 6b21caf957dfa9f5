import { watch } from 'node:fs';
import { cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { asPinlaneError } from '@pinlane/contracts';
import { runs, startRegistry, type Fault, type TestRegistry } from '@pinlane/testing';
import { verb as pinVerb } from '../../src/verbs/pin/verb.ts';
import { contentsOf, empty, unnamed } from './support/registry-state.ts';
import { contextOf, run } from './support/verb-context.ts';
import { withWorkspace, type TestWorkspace } from './support/workspace.ts';

const FOLDER = 'processors/acme-base';
const FILE = `${FOLDER}/registry.yaml`;
const JOURNAL = '.pinlane/journal';

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.close());

const staging = () => ({ PINLANE_LANE: 'staging', PINLANE_PUSH: 'true', PINLANE_REGISTRY: `${registry.host}/acme` });

/** A run that nobody kills, in this process: a command of its own would take ten times as long to begin. */
const pin = async ({ root }: TestWorkspace) => {
  const env = { PATH: process.env['PATH'], HOME: root, GIT_CONFIG_NOSYSTEM: '1', ...staging() };
  const context = contextOf(root, { project: 'acme-base', projectRoot: FOLDER, env });
  try {
    const { exitCode, lines } = await run(pinVerb, {}, context);
    return { exitCode, output: [...lines, ...context.notes].join('\n') };
  } catch (thrown) {
    const { exitCode, message } = asPinlaneError(thrown);
    return { exitCode, output: message };
  }
};

/** As before the first pin: nothing built, nothing pushed, nothing pinned, and a commit that tells which run built. */
const startOver = async ({ git, remove }: TestWorkspace): Promise<string> => {
  await remove('.pinlane');
  await git('checkout', '--quiet', FILE);
  empty(registry);
  return git('rev-parse', 'HEAD');
};

/** What an undisturbed run leaves. */
const undisturbed = async (workspace: TestWorkspace) => {
  await startOver(workspace);
  const { exitCode, output } = await pin(workspace);
  if (exitCode !== 0) throw new Error(output);
  const [pins, contents, requests] = [await workspace.read(FILE), contentsOf(registry), registry.requests.map(({ method }) => method)];
  return { pins, contents, requests };
};

const withoutRevision = (text: string): string => text.replace(/^ +revision: .*\n/m, '');
const revisionIn = (text: string): string | undefined => /^ +revision: ([0-9a-f]{40})$/m.exec(text)?.[1];

/** Runs it again, at a later commit, and holds what is there against what an undisturbed run leaves. */
const rerun = async (workspace: TestWorkspace, wanted: Awaited<ReturnType<typeof undisturbed>>, builtAt: string) => {
  const killed = await workspace.read(FILE);
  expect(['', withoutRevision(wanted.pins)]).toContain(killed.includes('sha256:') ? withoutRevision(killed) : '');
  await workspace.git('commit', '--quiet', '--allow-empty', '--message', 'later');
  registry.faults.length = 0;
  const { exitCode, output } = await pin(workspace);
  const pinned = await workspace.read(FILE);
  expect({ exitCode, output: exitCode === 0 ? '' : output }).toEqual({ exitCode: 0, output: '' });
  expect(withoutRevision(pinned)).toBe(withoutRevision(wanted.pins));
  // A second build would have been made at the later commit.
  expect(revisionIn(pinned)).toBe(builtAt);
  expect({ unnamed: unnamed(registry), contents: contentsOf(registry) }).toEqual({ unnamed: [], contents: wanted.contents });
  expect(await readdir(join(workspace.root, JOURNAL)).catch(() => [])).toEqual([]);
  expect(await workspace.git('status', '--porcelain', '--', FOLDER)).toBe(`M ${FILE}`);
};

/** Kills the run at one of its requests: before the registry does anything, or when it has done what was asked and answers. */
const killAt = async (workspace: TestWorkspace, request: number, moment: 'asked' | 'answered'): Promise<void> => {
  const kill = new AbortController();
  let seen = 0;
  const fault: Fault =
    moment === 'asked'
      ? { kind: 'hang' }
      : {
          kind: 'headers',
          get headers() {
            kill.abort();
            return {};
          },
        };
  registry.faults.push({
    when: () => {
      seen += 1;
      if (seen === request && moment === 'asked') kill.abort();
      return seen >= request;
    },
    fault,
  });
  const { exitCode } = await workspace.pinlaneKilled(kill.signal, staging(), 'pin', 'acme-base');
  expect(exitCode).toBeNull();
};

describe('push and pin', () => {
  it('are finished by the next run, without a second build and with nothing left unnamed, wherever they were killed in a push', async () => {
    await withWorkspace(async (workspace) => {
      const wanted = await undisturbed(workspace);
      expect(unnamed(registry)).toEqual([]);
      const writes = wanted.requests.flatMap((method, position) => (['GET', 'HEAD'].includes(method) ? [] : [position + 1]));
      expect(writes.length).toBeGreaterThan(8);
      // The first asks whether another machine has built it, before there is a build.
      expect(wanted.requests[0]).toBe('GET');
      const all = wanted.requests
        .slice(1)
        .flatMap((_, at) => (writes.includes(at + 2) ? (['asked', 'answered'] as const) : (['asked'] as const)).map((moment) => [at + 2, moment] as const));
      // A request that was not carried out leaves the registry as the last write did; the test below tells what is written to the disk meanwhile.
      const differing = all.filter(([, moment], at) => at === 0 || moment === 'answered');
      for (const [request, moment] of runs(1) > 1 ? all : differing) {
        const builtAt = await startOver(workspace);
        await killAt(workspace, request, moment);
        await rerun(workspace, wanted, builtAt);
      }
    });
  }, 600_000);

  it('are finished by the next run wherever they were killed between two writes to the disk', async () => {
    await withWorkspace(async (workspace) => {
      const wanted = await undisturbed(workspace);
      const folders = [JOURNAL, '.pinlane/builds', '.pinlane/locks/tmp', FOLDER].map((folder) => join(workspace.root, folder));
      const builtAt = await startOver(workspace);
      // The record of the build comes first; a kill before it is one of a build, not of a push. So what a build leaves is there each time.
      const built = await workspace.pinlaneWith({ ...staging(), PINLANE_PUSH: 'false' }, 'buildx', 'acme-base');
      expect(built.exitCode).toBe(0);
      const [own, kept] = [join(workspace.root, '.pinlane'), join(workspace.root, '.nx/built')];
      await cp(own, kept, { recursive: true, preserveTimestamps: true });
      for (let event = 1, killed = true; killed; event += 1) {
        await startOver(workspace);
        await workspace.git('reset', '--quiet', '--soft', builtAt);
        await cp(kept, own, { recursive: true, preserveTimestamps: true });
        await Promise.all(folders.map((folder) => mkdir(folder, { recursive: true })));
        const kill = new AbortController();
        let seen = 0;
        const watchers = folders.map((folder) =>
          watch(folder, () => {
            seen += 1;
            if (seen === event) kill.abort();
          }),
        );
        const { exitCode } = await workspace.pinlaneKilled(kill.signal, staging(), 'pin', 'acme-base');
        watchers.forEach((watcher) => watcher.close());
        killed = exitCode === null;
        await rerun(workspace, wanted, builtAt);
      }
    });
  }, 600_000);

  it('name what a killed run left of an image that is never finished', async () => {
    await withWorkspace(async (workspace) => {
      const { requests } = await undisturbed(workspace);
      for (const request of requests.flatMap((method, position) => (method === 'PUT' ? [position + 1] : []))) {
        await startOver(workspace);
        await killAt(workspace, request, 'answered');
        registry.faults.length = 0;
        const left = [...registry.manifests.keys()].filter((name) => name.includes('@'));
        await workspace.write({ [`${FOLDER}/packages.txt`]: `libc6\nchanged ${request}\n` });
        const { exitCode } = await pin(workspace);
        expect(exitCode).toBe(0);
        expect(unnamed(registry)).toEqual([]);
        expect([...registry.manifests.keys()]).toEqual(expect.arrayContaining(left));
      }
    });
  }, 600_000);
});
