import { randomBytes } from 'node:crypto';
import { chmod, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { withWorkspace, type Ran } from './support/workspace.ts';

const FILE = 'processors/acme-one/registry.yaml';
const hushed = ({ exitCode, output }: Ran) => ({ exitCode, output: exitCode === 0 ? '' : output });
const fine = { exitCode: 0, output: '' };
const digests = (text: string): string[] => text.match(/sha256:[a-f0-9]{64}/g) ?? [];

describe('pin', () => {
  it('builds an image anew that is gone, says so, and finds the same digests', async () => {
    await withWorkspace(async ({ root, nx, read, remove }) => {
      expect(hushed(await nx('run', 'acme-one:pin'))).toEqual(fine);
      const pinned = await read(FILE);
      expect(digests(pinned)).toHaveLength(4);

      // The whole store.
      await remove('.pinlane');
      const wiped = await nx('run', 'acme-one:pin', '--outputStyle=static');
      expect(wiped.output).toContain('acme-one: built');
      expect(await read(FILE)).toBe(pinned);

      // One blob: the manifest of a platform.
      const [manifest] = digests(pinned) as [string];
      await rm(join(root, '.pinlane/store/blobs/sha256', manifest.slice('sha256:'.length)));
      const torn = await nx('run', 'acme-one:pin', '--outputStyle=static');
      expect(torn.output).toMatch(/WARNING .* is gone, or a part of it[^]*acme-one: built/);
      expect(hushed(torn)).toEqual(fine);
      expect(await read(FILE)).toBe(pinned);
      const checked = await nx('run', 'acme-one:pin', '--check', '--outputStyle=static');
      expect(checked.output).toContain('pins are current');
    });
  }, 180_000);

  it('builds an image anew of which a small layer was altered, and refuses one of which a large layer was, by the name of the blob', async () => {
    await withWorkspace(async ({ root, nx, pinlane, read, write }) => {
      // So large that it is hashed only when it is pinned, and random, so that it stays so.
      await writeFile(join(root, 'processors/acme-one/data.bin'), randomBytes(2 * 2 ** 20));
      await write({
        'processors/acme-one/.dockerignore': '*\n!data.bin\n!registry.yaml\n',
        'processors/acme-one/Dockerfile': 'FROM scratch\nCOPY data.bin /\nCOPY registry.yaml /\nUSER 1000:1000\nENTRYPOINT ["/data.bin"]\n',
      });
      expect(hushed(await nx('run', 'acme-one:pin'))).toEqual(fine);
      const pinned = await read(FILE);
      const blob = (digest: string) => join(root, '.pinlane/store/blobs/sha256', digest.slice('sha256:'.length));
      const { layers } = JSON.parse(await readFile(blob(digests(pinned)[0] as string), 'utf8')) as { layers: { digest: string; size: number }[] };
      const [small, large] = [...layers].sort((one, other) => one.size - other.size).map(({ digest }) => digest) as [string, string];
      const alter = async (digest: string) => {
        const bytes = await readFile(blob(digest));
        bytes[bytes.length - 9] = (bytes[bytes.length - 9] as number) ^ 1;
        await chmod(blob(digest), 0o644);
        await writeFile(blob(digest), bytes);
      };

      const sound = await readFile(blob(small));
      await alter(small);
      expect(hushed(await pinlane('pin', 'acme-one'))).toEqual(fine);
      expect((await readFile(blob(small))).equals(sound)).toBe(true);

      await alter(large);
      const { exitCode, output } = await pinlane('pin', 'acme-one');
      expect({ exitCode, named: output.includes(`ERR_STORE_CORRUPT`) && output.includes(large) }).toEqual({ exitCode: 1, named: true });
      expect(await read(FILE)).toBe(pinned);
    });
  }, 180_000);

  it('is right when one processor is pinned twice at once, and keeps the mode of the file and a link to it', async () => {
    await withWorkspace(async ({ root, nx, pinlane, read, write }) => {
      expect(hushed(await nx('run', 'acme-base:buildx'))).toEqual(fine);
      const real = join(root, 'processors/acme-one/spec.yaml');
      await rename(join(root, FILE), real);
      await symlink('spec.yaml', join(root, FILE));
      await chmod(real, 0o640);
      await write({ 'processors/acme-one/.dockerignore': '*\n!dist\n!registry.yaml\n!spec.yaml\n' });
      const before = await read(FILE);

      const [one, other] = await Promise.all([pinlane('pin', 'acme-one'), pinlane('pin', 'acme-one')]);
      expect([hushed(one), hushed(other)]).toEqual([fine, fine]);
      expect([one.output, other.output].filter((output) => output.includes('  pinned  '))).toHaveLength(1);
      const after = await read('processors/acme-one/spec.yaml');
      expect(new Set(digests(after)).size).toBe(4);
      expect(after.split('\n').filter((line) => before.split('\n').includes(line))).toEqual(before.split('\n'));
      expect((await stat(real)).mode & 0o777).toBe(0o640);
      expect((await readdir(join(root, 'processors/acme-one'))).filter((name) => name.endsWith('.tmp'))).toEqual([]);

      // What a person writes between two pins is not lost.
      await write({ 'processors/acme-one/spec.yaml': `# mine\n${after}` });
      const again = await pinlane('pin', 'acme-one');
      expect(again.output).toContain('pins unchanged');
      expect(await read(FILE)).toBe(`# mine\n${after}`);
      // Nor does a pin reach the image over the link: then no pin would ever be current.
      expect((await pinlane('pin', '--check', 'acme-one')).exitCode).toBe(0);
    });
  }, 120_000);

  it('is right when two platforms are pinned at once, each by a process of its own', async () => {
    await withWorkspace(async ({ nx, pinlane, read, write }) => {
      expect(hushed(await nx('run', 'acme-one:pin'))).toEqual(fine);
      const before = digests(await read(FILE));
      await write({ 'processors/acme-one/src/main.ts': "console.log('changed');\n" });
      const both = await Promise.all(['linux/arm64', 'linux/amd64'].map((platform) => pinlane('pin', 'acme-one', `--platforms=${platform}`)));
      expect(both.map(hushed)).toEqual([fine, fine]);
      expect(digests(await read(FILE)).filter((digest) => before.includes(digest))).toEqual([]);
      expect(hushed(await pinlane('pin', '--check', 'acme-one'))).toEqual(fine);
    });
  }, 120_000);

  it('sees what Nx does not: a file that git ignores, what may be executed, where a link leads', async () => {
    await withWorkspace(async ({ root, nx, pinlane, read, write }) => {
      await write({
        'processors/acme-one/.gitignore': 'model/\n',
        'processors/acme-one/model/weights': 'one',
        'processors/acme-one/etc/run.sh': '#!/bin/sh\n',
        'processors/acme-one/.dockerignore': '*\n!etc\n!model\n!registry.yaml\n',
        'processors/acme-one/Dockerfile': 'FROM scratch\nCOPY etc model /app/\nCOPY registry.yaml /\nENTRYPOINT ["/app/run.sh"]\n',
      });
      await symlink('v1', join(root, 'processors/acme-one/etc/current'));
      const settle = async () => {
        for (let run = 0; run < 2; run += 1) expect(hushed(await nx('run', 'acme-one:pin'))).toEqual(fine);
        return read(FILE);
      };
      const changes = [
        () => write({ 'processors/acme-one/model/weights': 'two' }),
        () => chmod(join(root, 'processors/acme-one/etc/run.sh'), 0o755),
        () => rm(join(root, 'processors/acme-one/etc/current')).then(() => symlink('v2', join(root, 'processors/acme-one/etc/current'))),
      ];
      for (const change of changes) {
        const before = await settle();
        await change();
        expect(hushed(await nx('run', 'acme-one:pin'))).toEqual(fine);
        expect(digests(await read(FILE)).filter((digest) => digests(before).includes(digest))).toEqual([]);
        expect(hushed(await pinlane('pin', '--check', 'acme-one'))).toEqual(fine);
      }
    });
  }, 180_000);

  it('tells with --check by its exit code whether source and pins have parted, and with --dry-run what it would write', async () => {
    await withWorkspace(async ({ nx, pinlane, read, write }) => {
      expect(hushed(await nx('run', 'acme-base:buildx'))).toEqual(fine);
      const untouched = await read(FILE);
      const unpinned = await pinlane('pin', '--check', 'acme-one');
      expect([unpinned.exitCode, unpinned.stdout]).toEqual([2, expect.stringContaining('ERR_PIN_STALE')]);

      const dry = await pinlane('pin', '--dry-run', 'acme-one');
      expect([dry.exitCode, dry.stdout]).toEqual([0, expect.stringMatching(/^\+ +amd64: store\.localhost\/acme-one@sha256:/m)]);
      expect(await read(FILE)).toBe(untouched);

      expect((await pinlane('pin', 'acme-one')).exitCode).toBe(0);
      const local = await pinlane('pin', '--check', '--lane=main', 'acme-one');
      expect([local.exitCode, local.stdout]).toEqual([2, expect.stringMatching(/amd64: it names the local store[^]*arm64: it names[^]*index: it names/)]);
      const both = await pinlane('pin', '--check', `--digest=store.localhost/acme-one@sha256:${'0'.repeat(64)}`, 'acme-one');
      expect([both.exitCode, both.stderr]).toEqual([1, expect.stringContaining('ERR_OPTION_INVALID')]);
      const current = await pinlane('pin', '--check', 'acme-one', '--json');
      expect([current.exitCode, JSON.parse(current.stdout)]).toEqual([0, expect.objectContaining({ kind: 'PinReport', outcome: 'current', reasons: [] })]);

      await write({ 'processors/acme-one/src/main.ts': "console.log('changed');\n" });
      const stale = await pinlane('pin', '--check', 'acme-one', '--json');
      expect([stale.exitCode, JSON.parse(stale.stdout)]).toEqual([
        2,
        expect.objectContaining({ outcome: 'stale', reasons: [expect.stringContaining('source has changed')] }),
      ]);
    });
  }, 120_000);

  it('pins one platform and keeps the other, and says so as long as the other is of older source', async () => {
    await withWorkspace(async ({ nx, pinlane, read, write }) => {
      expect(hushed(await nx('run', 'acme-base:buildx'))).toEqual(fine);
      expect((await pinlane('pin', 'acme-one')).exitCode).toBe(0);
      const [amd64, arm64] = digests(await read(FILE));
      await write({ 'processors/acme-one/src/main.ts': "console.log('changed');\n" });

      expect((await pinlane('pin', 'acme-one', '--platforms=linux/arm64')).exitCode).toBe(0);
      const [amd64Now, arm64Now] = digests(await read(FILE));
      expect(amd64Now).toBe(amd64);
      expect(arm64Now).not.toBe(arm64);
      expect((await pinlane('pin', '--check', 'acme-one')).exitCode).toBe(2);

      expect((await pinlane('pin', 'acme-one', '--platforms=linux/amd64')).exitCode).toBe(0);
      expect(digests(await read(FILE))[1]).toBe(arm64Now);
      expect(await pinlane('pin', '--check', 'acme-one')).toMatchObject({ exitCode: 0 });
    });
  }, 120_000);

  it('rolls back to an image that is named, and refuses one that is not what it claims', async () => {
    await withWorkspace(async ({ nx, pinlane, read, write }) => {
      expect(hushed(await nx('run', 'acme-base:buildx'))).toEqual(fine);
      expect((await pinlane('pin', 'acme-one')).exitCode).toBe(0);
      const [amd64, arm64, index] = digests(await read(FILE));
      await write({ 'processors/acme-one/src/main.ts': "console.log('changed');\n" });
      expect((await pinlane('pin', 'acme-one')).exitCode).toBe(0);

      expect((await pinlane('pin', 'acme-one', `--digest=store.localhost/acme-one@${index}`)).exitCode).toBe(0);
      expect(digests(await read(FILE)).slice(0, 3)).toEqual([amd64, arm64, index]);
      expect((await pinlane('pin', '--check', 'acme-one')).exitCode).toBe(2);

      const text = await read(FILE);
      const unknown = await pinlane('pin', 'acme-one', `--digest=store.localhost/acme-one@sha256:${'0'.repeat(64)}`);
      expect([unknown.exitCode, unknown.stderr]).toEqual([1, expect.stringContaining('ERR_MANIFEST_UNKNOWN')]);
      const tag = await pinlane('pin', 'acme-one', '--digest=store.localhost/acme-one:latest');
      expect([tag.exitCode, tag.stderr]).toEqual([1, expect.stringContaining('ERR_REFERENCE_INVALID')]);
      const { index: foreign } = JSON.parse((await pinlane('buildx', 'acme-base', '--json')).stdout) as { index: string };
      const other = await pinlane('pin', 'acme-one', `--digest=store.localhost/acme-base@${foreign}`);
      expect([other.exitCode, other.stderr]).toEqual([1, expect.stringMatching(/ERR_PIN_UNVERIFIED: .*"acme-base", not of acme-one/)]);
      expect(await read(FILE)).toBe(text);
    });
  }, 120_000);
});
