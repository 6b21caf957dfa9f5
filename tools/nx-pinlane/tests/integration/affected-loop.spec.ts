import { describe, expect, it } from '@jest/globals';
import { withWorkspace, type Ran, type TestWorkspace } from './support/workspace.ts';

const ALL = ['acme-base', 'acme-one', 'acme-three', 'acme-two'];

const pins = async ({ read }: TestWorkspace): Promise<Record<string, string>> =>
  Object.fromEntries(await Promise.all(ALL.map(async (name) => [name, await read(`processors/${name}/registry.yaml`)] as const)));

const indexes = (text: Record<string, string>): string[] =>
  Object.values(text).map((each) => /index: store\.localhost\/[a-z-]+@sha256:[a-f0-9]{64}/.exec(each)?.[0] ?? 'none');

/** What the tasks that ran said; Nx repeats the words of those that it took from its cache, and marks them. */
const saidNow = ({ output }: Ran): string =>
  output
    .split(/^(?=> nx run )/m)
    .filter((section) => !/^> nx run .*(?:cache|existing outputs)/.test(section.split('\n')[0] as string))
    .join('');

/** The processors of which a command says that it did something, by the line that it prints for each. */
const saying = (ran: Ran, what: RegExp): string[] =>
  [...new Set([...saidNow(ran).matchAll(what)].map((match) => (match[1] as string).replace('/', '-').replace(/@1$/, '')))].sort();
const built = (ran: Ran): string[] => saying(ran, /^(acme-[a-z]+): built/gm);
const pinned = (ran: Ran): string[] => saying(ran, /^(acme\/[a-z]+@1) {2}pinned/gm);
const unchanged = (ran: Ran): string[] => saying(ran, /^(acme\/[a-z]+@1) {2}pins unchanged/gm);

const affected = async (workspace: TestWorkspace): Promise<Ran> => {
  const ran = await workspace.nx('affected', '-t', 'pin', '--base=HEAD~1', '--outputStyle=static');
  expect({ exitCode: ran.exitCode, output: ran.exitCode === 0 ? '' : ran.output }).toEqual({ exitCode: 0, output: '' });
  return ran;
};

describe('the affected loop', () => {
  it('builds and pins what changed and nothing else, from the first pin to a change of the base', async () => {
    await withWorkspace(async (workspace) => {
      const { nx, write, read, commit, git } = workspace;

      // (a) The first time everything is built and pinned.
      const first = await nx('run-many', '-t', 'pin', '--outputStyle=static');
      expect({ built: built(first), pinned: pinned(first), exitCode: first.exitCode }).toEqual({ built: ALL, pinned: ALL, exitCode: 0 });
      const afterFirst = await pins(workspace);
      expect(new Set(indexes(afterFirst)).size).toBe(4);

      // (b) Again: no build, no write.
      const again = await nx('run-many', '-t', 'pin', '--outputStyle=static');
      expect({ built: built(again), pinned: pinned(again), unchanged: unchanged(again) }).toEqual({ built: [], pinned: [], unchanged: ALL });
      expect(await pins(workspace)).toEqual(afterFirst);

      // (c) The commit of the pins makes all of them affected in Nx's eyes, and rebuilds none.
      await commit('ci: pin');
      const afterPins = await affected(workspace);
      expect({ built: built(afterPins), pinned: pinned(afterPins) }).toEqual({ built: [], pinned: [] });
      expect(await git('status', '--porcelain')).toBe('');

      // A deployment setting rebuilds and repins nothing, though Nx sees registry.yaml changed.
      const undeployed = await read('processors/acme-three/registry.yaml');
      await write({ 'processors/acme-three/registry.yaml': `${undeployed}deploy: { max_containers: 9 }\n` });
      await commit('scale');
      const deployed = await affected(workspace);
      expect({ built: built(deployed), pinned: pinned(deployed), unchanged: unchanged(deployed) }).toEqual({
        built: [],
        pinned: [],
        unchanged: ['acme-three'],
      });
      expect(await git('status', '--porcelain')).toBe('');

      // (d) One processor.
      await write({ 'processors/acme-three/src/main.ts': "console.log('three, changed');\n" });
      await commit('three');
      const one = await affected(workspace);
      expect({ built: built(one), pinned: pinned(one) }).toEqual({ built: ['acme-three'], pinned: ['acme-three'] });

      // (e) The shared library: those that bundle it.
      await commit('ci: pin');
      await write({ 'libs/shared/src/index.ts': "export const shared = 'two';\n" });
      await commit('shared');
      const shared = await affected(workspace);
      expect({ built: built(shared), pinned: pinned(shared) }).toEqual({ built: ['acme-one', 'acme-two'], pinned: ['acme-one', 'acme-two'] });

      // (f) A README, a test and a comment beside a pin.
      await commit('ci: pin');
      const before = await pins(workspace);
      await write({
        'processors/acme-one/README.md': '# changed\n',
        'libs/shared/README.md': '# changed\n',
        'processors/acme-two/tests/unit/main.spec.ts': '// changed\n',
        'processors/acme-three/registry.yaml': `${await read('processors/acme-three/registry.yaml')}# a comment\n`,
      });
      await commit('words');
      const words = await affected(workspace);
      expect({ built: built(words), pinned: pinned(words) }).toEqual({ built: [], pinned: [] });
      expect(indexes(await pins(workspace))).toEqual(indexes(before));

      // (g) What the base is made of: all that build on it.
      await write({ 'processors/acme-base/packages.txt': 'libc6\ntzdata\n' });
      await commit('base');
      const base = await affected(workspace);
      expect({ built: built(base), pinned: pinned(base) }).toEqual({ built: ALL, pinned: ALL });
    });
  }, 600_000);
});
