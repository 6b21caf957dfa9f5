import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openStore } from '@pinlane/oci';
import { buildBase, updateBase, type BuildBaseOptions } from '@pinlane/base-node';
import { temporaryFolder } from '@pinlane/testing';
import { makeArchive, type TestPackage } from './debs.ts';
import { startRegistry } from './npm-registry.ts';

export const RELEASE = 'testing-only';

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

/** A handful of packages with all that the assembler has to deal with. */
export const PACKAGES: readonly TestPackage[] = (['amd64', 'arm64'] as const).flatMap((architecture): TestPackage[] => [
  {
    name: 'libsmall1',
    version: '1:1.0-1',
    architecture,
    files: { [`lib/${architecture}/libsmall.so.1`]: `library for ${architecture}\n`, 'usr/share/doc/libsmall1/copyright': 'free\n' },
  },
  {
    name: 'tool',
    version: '2.0-1+b1',
    architecture,
    depends: 'libsmall1 (>= 1:1.0), helper | helper-virtual',
    files: {
      'bin/tool': '#!/bin/sh\n',
      'bin/t': { link: 'tool' },
      'usr/share/doc/tool/copyright': 'free\n',
      'usr/share/doc/tool/changelog.gz': 'long\n',
      'usr/share/man/man1/tool.1': 'long\n',
      'var/run/tool': { folder: 0o755 },
    },
    scripts: { postinst: '#!/bin/sh\ntouch "$PROOF"\n' },
  },
]);
const COMMON: readonly TestPackage[] = [
  { name: 'helper', version: '1', depends: 'deep', files: { 'usr/bin/helper': 'needed by scripts\n' } },
  { name: 'deep', version: '1', files: { 'usr/bin/deep': 'needed by helper\n' } },
  {
    name: 'certs',
    version: '2026~1',
    files: { 'usr/share/ca-certificates/mozilla/B.crt': CERTIFICATE, 'usr/share/ca-certificates/mozilla/A_Főtanúsítvány.crt': CERTIFICATE },
  },
];
export const ALL_PACKAGES: readonly TestPackage[] = [...PACKAGES, ...COMMON];

export const DEFINITION = `release: ${RELEASE}
packages: [tool, certs]
without: [helper]
node: '24'
config:
  env: { PATH: /usr/local/bin:/usr/bin }
  cmd: [node]
`;

const seeded = async (): Promise<{ lock: string; downloads: string }> => {
  const site = await makeWorkspace();
  try {
    await site.update();
    const downloads = temporaryFolder('seed', { forFile: true });
    await cp(join(site.root, '.pinlane/cache/base/sha256'), downloads, { recursive: true });
    return { lock: await readFile(join(site.baseDir, 'base.lock.json'), 'utf8'), downloads };
  } finally {
    await site.close();
  }
};
let seed: ReturnType<typeof seeded> | undefined;

/** A workspace with a base of its own, a package archive on disk and a package registry in this process. */
export const makeWorkspace = async ({ trusted = true } = {}) => {
  const folder = temporaryFolder('base');
  const [root, baseDir, home] = [join(folder, 'work'), join(folder, 'base'), join(folder, 'home')];
  for (const one of [root, baseDir, home]) await mkdir(one);
  await writeFile(join(baseDir, 'base.yaml'), DEFINITION);
  const archive = await makeArchive(folder, RELEASE, trusted);
  const files = await archive.publish(ALL_PACKAGES);
  const registry = await startRegistry(['24.1.0', '24.9.0', '24.10.0']);
  const env = {
    PATH: process.env.PATH,
    // Where a maintainer script would leave a trace.
    PROOF: join(folder, 'a-maintainer-script-ran'),
    HOME: home,
    npm_config_registry: registry.url,
    npm_config_userconfig: join(home, '.npmrc'),
    npm_config_fetch_retries: '0',
    no_proxy: '127.0.0.1',
  };
  const said: string[] = [];
  const common = {
    root,
    name: 'base-node',
    baseDir,
    env,
    progress: (line: string) => said.push(line),
    signal: new AbortController().signal,
    aptSettings: archive.settings,
  };
  const store = openStore(join(root, '.pinlane/store'));
  return {
    folder,
    root,
    baseDir,
    env,
    archive,
    files,
    registry,
    said,
    store,
    /** Writes the lock. @param record whether what it assembles to is recorded in it */
    update: (record = false) => updateBase({ ...common, ...(record ? { store } : {}) }),
    /** Puts the lock there that an update would write, and Node as it downloads it: for tests that are not about updating. */
    async lock() {
      const { lock, downloads } = await (seed ??= seeded());
      await writeFile(join(baseDir, 'base.lock.json'), lock);
      await cp(downloads, join(root, '.pinlane/cache/base/sha256'), { recursive: true });
    },
    /** Takes away what was downloaded and what is known of earlier builds. */
    forget: () => rm(join(root, '.pinlane/cache'), { recursive: true, force: true }),
    build: (more: Partial<BuildBaseOptions> = {}) => buildBase({ ...common, store, ...more }),
    close: () => registry.close(),
  };
};
