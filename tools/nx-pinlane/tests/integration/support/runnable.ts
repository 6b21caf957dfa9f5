import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TestWorkspace } from './workspace.ts';

/** A root file system that holds this machine's Node and the libraries it needs. */
const copyNode = async (rootfs: string): Promise<void> => {
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).match(/\/[^\s)]+/g) ?? [];
  // ldd names the place; what stands there may be a link, of which the image needs the file.
  const files: [string, string][] = [[process.execPath, '/usr/bin/node'], ...libraries.map((library): [string, string] => [library, library])];
  for (const [from, to] of files) {
    await mkdir(dirname(join(rootfs, to)), { recursive: true });
    await copyFile(from, join(rootfs, to));
  }
  for (const name of ['app', 'artifacts', 'dev', 'proc', 'tmp']) {
    await mkdir(join(rootfs, name), { recursive: true });
    await writeFile(join(rootfs, name, '.keep'), '');
  }
};

/**
 * Makes a workspace in which the processor acme-echo, as it is generated, stands on a base that runs: this machine's Node. Its image is listed for
 * both platforms and runs on the machine's own.
 */
export const makeRunnable = async (workspace: TestWorkspace): Promise<void> => {
  const base = 'processors/acme-base';
  await copyNode(join(workspace.root, base, 'rootfs'));
  await workspace.write({
    [`${base}/Dockerfile`]: 'FROM scratch\nCOPY rootfs/ /\nENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n',
    [`${base}/.dockerignore`]: '*\n!rootfs\n',
    '.gitignore': 'node_modules\ndist/\n.pinlane/\n.nx/\nrootfs/\n',
  });
  const { exitCode, output } = await workspace.nx('g', '@pinlane/nx:processor', 'acme/echo@1', '--secret=ACME_KEY', '--no-interactive');
  if (exitCode !== 0) throw new Error(output);
  const dockerfile = join(workspace.root, 'processors/acme-echo/Dockerfile');
  await writeFile(dockerfile, (await readFile(dockerfile, 'utf8')).replace(/^ARG BASE_IMAGE=.*$/m, 'ARG BASE_IMAGE=store.localhost/acme-base'));
  for (const other of ['one', 'two', 'three']) await workspace.remove(`processors/acme-${other}`);
  await workspace.commit('a processor that runs');
};
