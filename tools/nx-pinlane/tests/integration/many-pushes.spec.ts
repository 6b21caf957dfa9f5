import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseRepository } from '@pinlane/contracts';
import { openRepository, protectingTag } from '@pinlane/oci';
import { lackOf, requirement, startRegistry } from '@pinlane/testing';
import { makeDockerRegistry } from './support/docker-registry.ts';
import { unnamed } from './support/registry-state.ts';
import { withWorkspace, type Ran, type TestWorkspace } from './support/workspace.ts';

const NAMES = Array.from({ length: 10 }, (_, at) => `p${at + 1}`);
const fileOf = (name: string) => `processors/acme-${name}/registry.yaml`;

/** Ten small processors, in place of those that are there. */
const makeTen = async ({ remove, write, commit }: TestWorkspace): Promise<void> => {
  for (const name of ['base', 'one', 'two', 'three']) await remove(`processors/acme-${name}`);
  for (const name of NAMES)
    await write({
      [fileOf(name)]: `ref: acme/${name}@1\n`,
      [`processors/acme-${name}/Dockerfile`]: 'FROM scratch\nCOPY name.txt /name.txt\n',
      [`processors/acme-${name}/name.txt`]: `${name}\n`,
    });
  await commit('ten processors');
};

const staging = (host: string) => ({ PINLANE_LANE: 'staging', PINLANE_PUSH: 'true', PINLANE_REGISTRY: `${host}/acme` });

const pinsIn = async ({ read }: TestWorkspace, name: string): Promise<string[]> => (await read(fileOf(name))).match(/\S+@sha256:[0-9a-f]{64}/g) ?? [];

const hushed = ({ exitCode, output }: Ran) => ({ exitCode, output: exitCode === 0 ? '' : output });
const fine = { exitCode: 0, output: '' };

/** Whether the build of p4 has come to its end, push included: what fails from then on fails in `pin`. */
const isPushed = ({ root }: TestWorkspace): boolean => {
  try {
    return (JSON.parse(readFileSync(join(root, '.pinlane/builds/acme-p4.json'), 'utf8')) as { pushed: boolean }).pushed;
  } catch {
    return false;
  }
};

describe('ten processors, of which the fourth', () => {
  it.each([
    ['can not be pushed', () => true, ['acme-p4']],
    ['can not be read when it is pinned', isPushed, []],
  ] as const)(
    '%s: nine are pinned, the run fails, and the next one does the one',
    async (_, begins, pushedLater) => {
      const registry = await startRegistry();
      try {
        await withWorkspace(async (workspace) => {
          await makeTen(workspace);
          registry.faults.push({
            when: ({ url }) => url.includes('/acme-p4/') && begins(workspace),
            fault: { kind: 'answer', status: 403, body: '{"errors":[{"code":"DENIED","message":"not yours"}]}' },
          });
          const first = await workspace.nxWith(staging(registry.host), 'run-many', '-t', 'pin', '--outputStyle=static');
          expect([first.exitCode, first.output]).toEqual([1, expect.stringContaining('ERR_REGISTRY_DENIED')]);
          for (const name of NAMES) expect([name, (await pinsIn(workspace, name)).length]).toEqual([name, name === 'p4' ? 0 : 3]);
          expect(unnamed(registry)).toEqual([]);
          await workspace.commit('nine');

          registry.faults.length = 0;
          registry.requests.length = 0;
          const second = await workspace.nxWith(staging(registry.host), 'run-many', '-t', 'pin', '--outputStyle=static');
          expect(hushed(second)).toEqual(fine);
          expect(await workspace.git('diff', '--name-only')).toBe(fileOf('p4'));
          const written = registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD').map(({ url }) => /acme-p\d+/.exec(url)?.[0]);
          expect([...new Set(written)]).toEqual(pushedLater);
          expect(unnamed(registry)).toEqual([]);
        });
      } finally {
        await registry.close();
      }
    },
    300_000,
  );
});

requirement(
  'registry',
  lackOf('registry'),
  describe,
)('twenty processes', () => {
  it('that push and pin at once, two for each processor, all end well, and everything they pushed is named', async () => {
    const registry = await makeDockerRegistry();
    try {
      await withWorkspace(async (workspace) => {
        await makeTen(workspace);
        const runs = [...NAMES, ...NAMES].map((name) => workspace.pinlaneWith(staging(registry.host), 'pin', `acme-${name}`));
        expect((await Promise.all(runs)).map(hushed)).toEqual(runs.map(() => fine));
        for (const name of NAMES) {
          const pins = await pinsIn(workspace, name);
          expect(pins).toHaveLength(3);
          const repository = openRepository(parseRepository(`${registry.host}/acme/acme-${name}`));
          for (const pin of pins) {
            const digest = (await repository.resolve(pin.slice(pin.indexOf('@') + 1))).digest;
            expect((await repository.resolve(protectingTag(digest))).digest).toBe(digest);
          }
        }
        expect((await workspace.pinlaneWith({ PINLANE_LANE: 'main' }, 'verify-pins')).stdout).toContain('30 pins of 10 processors (10 good)');
      });
    } finally {
      await registry.close();
    }
  }, 300_000);
});
