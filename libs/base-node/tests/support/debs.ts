import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '@pinlane/testing';

const execute = promisify(execFile);

/** A small package that a test builds; a value of `files` is a text, a link's target or a folder. */
export interface TestPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture?: 'amd64' | 'arm64' | 'all';
  readonly depends?: string;
  readonly provides?: string;
  readonly files?: Readonly<Record<string, string | { readonly link: string } | { readonly folder: number }>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

/** Builds a .deb in a folder and answers its path. Owners are root's, as in any real one. */
export const makeDeb = async (folder: string, one: TestPackage): Promise<string> => {
  const { name, version, architecture = 'all', depends, provides, files = {}, scripts = {} } = one;
  await mkdir(folder, { recursive: true });
  const tree = await mkdtemp(join(folder, 'tree-'));
  await chmod(tree, 0o755);
  const control = [`Package: ${name}`, `Version: ${version}`, `Architecture: ${architecture}`, 'Maintainer: Test <test@example.org>'];
  if (depends !== undefined) control.push(`Depends: ${depends}`);
  if (provides !== undefined) control.push(`Provides: ${provides}`);
  const write = async (path: string, text: string, mode: number) => {
    const parts = dirname(path).split('/');
    for (let length = 1; length <= parts.length; length++) {
      const at = join(tree, ...parts.slice(0, length));
      await mkdir(at, { mode: 0o755 }).then(
        () => chmod(at, 0o755),
        () => undefined,
      );
    }
    await writeFile(join(tree, path), text);
    await chmod(join(tree, path), mode);
  };
  await write('DEBIAN/control', `${[...control, 'Description: made by a test'].join('\n')}\n`, 0o644);
  for (const [script, text] of Object.entries(scripts)) await write(`DEBIAN/${script}`, text, 0o755);
  for (const [path, what] of Object.entries(files)) {
    if (typeof what === 'string') await write(path, what, path.includes('bin/') ? 0o755 : 0o644);
    else if ('link' in what) {
      await write(`${path}.placeholder`, '', 0o644);
      await rm(join(tree, `${path}.placeholder`));
      await symlink(what.link, join(tree, path));
    } else {
      await mkdir(join(tree, path), { recursive: true });
      await chmod(join(tree, path), what.folder);
    }
  }
  const deb = join(folder, `${name}_${version.replaceAll(':', '%3a')}_${architecture}.deb`);
  // Times are those of the epoch, so that a package that is published again has the same bytes.
  await execute('dpkg-deb', ['--root-owner-group', '-Zgzip', '--build', tree, deb], { env: { ...process.env, SOURCE_DATE_EPOCH: '0' } });
  await rm(tree, { recursive: true });
  return deb;
};

const made = new Map<string, Promise<{ readonly deb: string; readonly fields: string }>>();
/** A package that was made before has the same bytes, and is not made again. */
const debOf = (one: TestPackage): ReturnType<typeof make> => {
  const key = JSON.stringify(one);
  const known = made.get(key) ?? make(one);
  made.set(key, known);
  return known;
};
const make = async (one: TestPackage): Promise<{ readonly deb: string; readonly fields: string }> => {
  const deb = await makeDeb(temporaryFolder('deb', { forFile: true }), one);
  const { stdout } = await execute('dpkg-deb', ['--field', deb]);
  return { deb, fields: stdout.trimEnd() };
};

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** A package archive on disk, as a mirror would serve it, and the settings by which apt reads it and nothing else. */
export interface TestArchive {
  readonly settings: readonly string[];
  /** Puts exactly these packages into the archive, in place of what was there. */
  publish(packages: readonly TestPackage[]): Promise<ReadonlyMap<string, string>>;
}

/** @param trusted whether apt is told to do without a signature; it has none */
export const makeArchive = async (folder: string, release: string, trusted = true): Promise<TestArchive> => {
  const base = join(folder, 'archive');
  await mkdir(join(folder, 'empty'), { recursive: true });
  await writeFile(join(folder, 'sources.list'), `deb ${trusted ? '[trusted=yes] ' : ''}copy:${base} ${release} main\n`);
  return {
    settings: [`Dir::Etc::sourcelist=${join(folder, 'sources.list')}`, `Dir::Etc::sourceparts=${join(folder, 'empty')}`],
    async publish(packages) {
      await rm(base, { recursive: true, force: true });
      const stanzas: { architecture: string; text: string }[] = [];
      const files = new Map<string, string>();
      const pool = join(base, 'pool');
      await mkdir(pool, { recursive: true });
      for (const one of packages) {
        const { deb: from, fields } = await debOf(one);
        const deb = join(pool, basename(from));
        await copyFile(from, deb);
        const bytes = await readFile(deb);
        const place = `Filename: pool/${basename(deb)}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}`;
        stanzas.push({ architecture: one.architecture ?? 'all', text: `${fields}\n${place}\n` });
        files.set(`${one.name}:${one.architecture ?? 'all'}`, deb);
      }
      const sums: string[] = [];
      for (const architecture of ['amd64', 'arm64']) {
        const list = `main/binary-${architecture}/Packages`;
        const text = stanzas
          .filter((one) => one.architecture === architecture || one.architecture === 'all')
          .map((one) => one.text)
          .join('\n');
        await mkdir(join(base, 'dists', release, dirname(list)), { recursive: true });
        await writeFile(join(base, 'dists', release, list), text);
        sums.push(` ${sha256(text)} ${Buffer.byteLength(text)} ${list}`);
      }
      const head = ['Origin: Debian', 'Label: Debian', `Suite: ${release}`, `Codename: ${release}`, 'Architectures: amd64 arm64', 'Components: main'];
      await writeFile(join(base, 'dists', release, 'Release'), `${[...head, 'Date: Thu, 01 Jan 2026 00:00:00 UTC', 'SHA256:', ...sums].join('\n')}\n`);
      return files;
    },
  };
};
