import { describe, expect, it } from '@jest/globals';
import { withWorkspace, type Ran } from './support/workspace.ts';

/** Names of folders that mean something else in a pattern, in a shell or in a URL. */
const ODD = ['(a) [b] {one,two}', '!not sta*r', "@(x|y) qu'ote&; $HOME #50%"];

const slugOf = (at: number): string => `acme-odd-${at}`;
const folderOf = (at: number): string => `processors/${ODD[at]}/${slugOf(at)}`;
const ALL = ODD.map((_, at) => slugOf(at)).sort();

const LIBRARY = 'libs/[shared] (two)';

const filesOf = (at: number): Record<string, string> => ({
  [`${folderOf(at)}/registry.yaml`]: `ref: acme/odd-${at}@1\n`,
  [`${folderOf(at)}/Dockerfile`]: 'FROM scratch\nCOPY dist/ /app/\n',
  [`${folderOf(at)}/.dockerignore`]: '*\n!dist\n',
  [`${folderOf(at)}/src/main.ts`]: `import { shared } from '../../../../${LIBRARY}/src/index.ts';\nconsole.log(${at}, shared);\n`,
});

const refs = (ran: Ran, what: RegExp): string[] =>
  [...ran.output.matchAll(what)].map((match) => (match[1] as string).replace('/', '-').replace(/@1$/, '')).sort();
const pinned = (ran: Ran): string[] => refs(ran, /^(acme\/[a-z0-9-]+@1) {2}pinned/gm);
const stale = (ran: Ran): string[] => refs(ran, /^(acme\/[a-z0-9-]+@1) {2}pins are stale/gm);

/** A test that notices the library's text, in the folder of a processor. */
const testOf = (folder: string): Record<string, string> => ({
  [`${folder}/tests/unit/shared.spec.js`]: `import { expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
it('has the library', () => expect(readFileSync(${JSON.stringify(`${LIBRARY}/src/index.ts`)}, 'utf8')).toContain('one'));
`,
});

const JEST = `export default {
  projects: [{ displayName: 'unit', rootDir: import.meta.dirname, testEnvironment: 'node', testMatch: ['<rootDir>/processors/**/*.spec.js'], transform: {} }],
};
`;

describe('processors and libraries in folders whose names are patterns', () => {
  it('are built when they change, and their stale pins are called stale', async () => {
    await withWorkspace(async ({ nx, pinlane, write, commit }) => {
      await write({ [`${LIBRARY}/project.json`]: '{ "name": "odd-shared" }\n', [`${LIBRARY}/src/index.ts`]: "export const shared = 'one';\n" });
      for (const at of ODD.keys()) await write(filesOf(at));
      await commit('odd');
      const projects = `--projects=${ALL.join(',')}`;
      const pinAll = () => nx('run-many', '-t', 'pin', projects, '--outputStyle=static');
      const checkAll = () => nx('run-many', '-t', 'pin', projects, '--check', '--outputStyle=static', '--nxBail=false');

      const first = await pinAll();
      expect({ exitCode: first.exitCode, pinned: pinned(first) }).toEqual({ exitCode: 0, pinned: ALL });

      // A library that all of them bundle.
      await write({ [`${LIBRARY}/src/index.ts`]: "export const shared = 'two';\n" });
      expect(stale(await checkAll())).toEqual(ALL);
      for (const at of [0, 1]) expect((await pinlane('pin', folderOf(at), '--check')).exitCode).toBe(2);
      expect(pinned(await pinAll())).toEqual(ALL);

      // Their own source.
      for (const at of ODD.keys()) await write({ [`${folderOf(at)}/src/main.ts`]: `console.log('edited', ${at});\n` });
      await pinlane('pin', folderOf(0));
      const [, ...others] = ALL;
      expect(stale(await checkAll())).toEqual(others);
      expect((await pinlane('pin', folderOf(0), '--check')).exitCode).toBe(0);
    });
  }, 300_000);

  it('are tested again when they change, and only then', async () => {
    await withWorkspace(async ({ nx, write, commit }) => {
      await write({ [`${LIBRARY}/project.json`]: '{ "name": "odd-shared" }\n', [`${LIBRARY}/src/index.ts`]: "export const shared = 'one';\n" });
      await write({ 'jest.config.js': JEST, ...filesOf(0), ...testOf(folderOf(0)), ...testOf('processors/acme-three') });
      await commit('odd');
      const test = () => nx('run-many', '-t', 'test-unit', `--projects=${slugOf(0)},acme-three`, '--outputStyle=static', '--nxBail=false');
      const fromCache = ({ output }: Ran): number => output.match(/\[(?:local cache|existing outputs match the cache)/g)?.length ?? 0;
      const [first, second] = [await test(), await test()];
      expect([first.exitCode, fromCache(first), second.exitCode, fromCache(second)]).toEqual([0, 0, 0, 2]);
      await write({ [`${folderOf(0)}/notes.txt`]: 'its own\n' });
      expect(fromCache(await test())).toBe(0);
      await write({ [`${LIBRARY}/src/index.ts`]: "export const shared = 'two';\n" });
      const third = await test();
      expect([third.exitCode, fromCache(third)]).toEqual([1, 0]);
    });
  }, 300_000);
});
