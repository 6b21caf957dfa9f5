import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { LANES, type BuiltImage } from '@pinlane/contracts';
import { openStore } from '@pinlane/oci';
import { putImage, startRegistry, type TestRegistry } from '@pinlane/testing';
import { workspacePaths } from '../../src/workspace/paths.ts';
import { joined, labelsOf, makePlatform } from './support/images.ts';
import { empty } from './support/registry-state.ts';
import { withWorkspace, type Ran, type TestWorkspace } from './support/workspace.ts';

jest.setTimeout(300_000);

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.close());
afterEach(() => empty(registry));

const ONE = 'processors/acme-one';
const FILE = `${ONE}/registry.yaml`;
const PR = '.pinlane/lanes/pr';
const EVIL = "console.log('evil');\n";

const good = ({ exitCode, output }: Ran): void => expect({ exitCode, output: exitCode === 0 ? '' : output }).toEqual({ exitCode: 0, output: '' });
const staging = () => ({ PINLANE_LANE: 'staging', PINLANE_PUSH: 'true', PINLANE_REGISTRY: `${registry.host}/acme` });
const digestsIn = (text: string): string[] => text.match(/sha256:[0-9a-f]{64}/g) ?? [];
const put = (root: string, file: string, text: string): void => {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
};
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => !each.isDirectory())
    .map((each) => join(each.parentPath, each.name).slice(folder.length + 1))
    .sort();

/** Builds a processor and its base, as the acceptance of a pull request does. */
const lanePr = ({ nxWith }: TestWorkspace): Promise<Ran> =>
  nxWith({ PINLANE_LANE: 'pr' }, 'run-many', '-t', 'buildx', '-p', 'acme-one', 'acme-base', '--outputStyle=static');

/** What staging pins where there was no pull request. */
const undisturbed = async (workspace: TestWorkspace): Promise<string[]> => {
  good(await workspace.pinlaneWith(staging(), 'buildx', 'acme-base'));
  good(await workspace.pinlaneWith(staging(), 'pin', 'acme-one'));
  const pinned = digestsIn(await workspace.read(FILE));
  await workspace.git('checkout', '--quiet', '--', '.');
  await workspace.remove('.pinlane');
  await workspace.remove(`${ONE}/dist`);
  empty(registry);
  return pinned;
};

/** Writes entries into a cache of what was found out, with the hash that its reader asks for. */
const sealed = (root: string, file: string, change: (entries: Record<string, Record<string, unknown>>) => void): void => {
  const [head = '', body = '{}'] = readFileSync(join(root, file), 'utf8').split('\n');
  const entries = JSON.parse(body) as Record<string, Record<string, unknown>>;
  change(entries);
  const text = JSON.stringify(entries);
  const seal = createHash('sha256').update(text).digest('hex');
  put(root, file, `${JSON.stringify({ ...(JSON.parse(head) as object), seal })}\n${text}`);
};

/** An image that says it was built from the source that a record names, and is another. */
const evilImage = async (store: string, { name, fingerprint }: Pick<BuiltImage, 'name' | 'fingerprint'>) => {
  const labels = labelsOf(name, fingerprint);
  const image = joined(makePlatform('amd64', labels, 'evil'), makePlatform('arm64', labels, 'evil'));
  await putImage(openStore(store), image);
  return { index: image.index.descriptor.digest, platforms: { amd64: image.amd64.descriptor.digest, arm64: image.arm64.descriptor.digest } };
};

/** Everything that lane pr keeps, as somebody would have it who wrote the code of a pull request. */
const poison = async ({ root }: TestWorkspace): Promise<string[]> => {
  const evil: string[] = [];
  for (const name of ['acme-one', 'acme-base']) {
    const file = `${PR}/builds/${name}.json`;
    const record = JSON.parse(readFileSync(join(root, file), 'utf8')) as BuiltImage;
    const image = await evilImage(join(root, PR, 'store'), record);
    put(root, file, JSON.stringify({ ...record, ...image }));
    evil.push(image.index, ...Object.values(image.platforms));
  }
  sealed(root, `${PR}/cache/inference.json`, (entries) => {
    for (const facts of Object.values(entries)) Object.assign(facts, { slug: 'evil-one', ref: 'evil/one@1', dockerfile: 'evil', secrets: [] });
  });
  sealed(root, `${PR}/cache/bundle-files.json`, (entries) => {
    for (const kept of Object.values(entries)) Object.assign(kept, { files: [] });
  });
  put(root, `${ONE}/dist/main.js`, EVIL);
  put(root, `${ONE}/dist/main.js.map`, '{}');
  put(root, '.pinlane/reports/acme-one/acceptance.json', '{"verdict":"accepted"}');
  return evil;
};

describe('What lane pr keeps', () => {
  it('is in a folder that no other lane has a path to, but for locks and reports, and lane pr itself builds anew', async () => {
    await withWorkspace(async (workspace) => {
      good(await lanePr(workspace));
      const left = filesIn(join(workspace.root, '.pinlane'));
      expect(left.filter((file) => !/^(?:lanes\/pr|locks|reports)\/|^\.gitignore$/.test(file))).toEqual([]);
      for (const kept of ['builds/acme-one.json', 'cache/inference.json', 'cache/bundle-files.json', 'store/oci-layout'])
        expect([kept, existsSync(join(workspace.root, PR, kept))]).toEqual([kept, true]);

      const before = await workspace.read(`${PR}/builds/acme-one.json`);
      await poison(workspace);
      // What was found out about the sources is believed as long as nobody edits them.
      for (const cache of ['inference', 'bundle-files']) await workspace.remove(`${PR}/cache/${cache}.json`);
      good(await lanePr(workspace));
      expect(await workspace.read(`${PR}/builds/acme-one.json`)).toBe(before);
    });
    const own = join('/w', PR);
    for (const lane of LANES.filter((each) => each !== 'pr')) {
      const paths = Object.values(workspacePaths('/w', lane)).map((path) => (typeof path === 'function' ? path('x' as never, 'x' as never) : path));
      expect(paths.filter((path) => path.startsWith(own))).toEqual([]);
    }
  });

  it('is not used by a pin of staging on the same checkout, whatever was put there, nor by its check', async () => {
    await withWorkspace(async (workspace) => {
      const { root, pinlaneWith, nxWith, read } = workspace;
      const wanted = await undisturbed(workspace);
      expect(wanted).toHaveLength(4);
      good(await lanePr(workspace));
      const evil = await poison(workspace);

      const nx = (...args: string[]) => nxWith(staging(), ...args, '-p', 'acme-one', '--outputStyle=static');
      const pinned = await nx('run-many', '-t', 'pin');
      good(pinned);
      expect(digestsIn(await read(FILE))).toEqual(wanted);
      expect(readFileSync(join(root, ONE, 'dist/main.js'), 'utf8')).not.toContain('evil');
      // What lane pr has is not there for anybody who asks for it: neither in a registry, nor in the store of other lanes.
      const inRegistry = [...registry.manifests.keys()].join('\n');
      expect(evil.filter((digest) => inRegistry.includes(digest) || existsSync(join(root, '.pinlane/store/blobs/sha256', digest.slice(7))))).toEqual([]);
      good(await nx('run-many', '-t', 'pin', '--check'));

      // A pin that a pull request put there is found by the check, though lane pr has the image that it names.
      const [amd64, , index] = wanted as [string, string, string];
      const text = await read(FILE);
      writeFileSync(join(root, FILE), text.replace(amd64, evil[1]!).replace(index, evil[0]!));
      const checked = await pinlaneWith(staging(), 'pin', 'acme-one', '--check');
      expect([checked.exitCode, checked.output]).toEqual([2, expect.stringMatching(/ERR_PIN_STALE/)]);
      for (const lane of ['staging', 'main']) {
        const accepted = await pinlaneWith({ ...staging(), PINLANE_LANE: lane, PINLANE_PUSH: 'false' }, 'acceptance', 'acme-one', '--platform=linux/amd64');
        expect([lane, accepted.exitCode, accepted.output]).toEqual([lane, 1, expect.stringMatching(/ERR_(?:MANIFEST_UNKNOWN|EVIDENCE_MISSING)/)]);
      }
    });
  });
});
