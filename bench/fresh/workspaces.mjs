// Workspaces on a base that is published in a registry, and fresh clones of them.
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { appendRandom, fleetFiles, gitIn, makeRepository, write } from '../fleet.mjs';

/** The sizes of a base's layer for each platform, in MB; together those of Pinlane's own base. */
const LAYER = 55;

/** Makes bases that share their large layer, and pushes them. Each call gives another one. */
export const openBases = (folder, script, repository) => {
  const context = join(folder, 'base');
  write(context, { Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY blob-${TARGETARCH} /blob\nCOPY version /version\n' });
  for (const architecture of ['amd64', 'arm64']) appendRandom(join(context, `blob-${architecture}`), LAYER);
  let version = 0;
  return () => {
    writeFileSync(join(context, 'version'), `${++version}\n`);
    const argv = [script, context, join(folder, 'base-store'), repository, String(version)];
    const { index, platforms } = JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8' }));
    return { index, platforms, reference: `${repository}@${index}` };
  };
};

/** Writes a base's lock, as if this base had been assembled from it, and where it was published. */
export const writeBase = (root, to, { index, platforms, reference }) => {
  const from = join(root, 'libs/base-node');
  const lock = JSON.parse(readFileSync(join(from, 'base.lock.json'), 'utf8'));
  const [yaml] = readFileSync(join(from, 'base.yaml'), 'utf8').split(/^published:/m);
  // It is pinned already, to an image that no lock gives.
  const targets = { buildx: { executor: '@pinlane/nx:base', cache: false }, pin: { executor: 'nx:noop' } };
  write(to, {
    'base/project.json': JSON.stringify({ name: 'base-node', targets }),
    'base/base.yaml': `${yaml}\npublished: ${reference}\n`,
    'base/base.lock.json': `${JSON.stringify({ ...lock, image: { ...lock.image, index, platforms } }, null, 2)}\n`,
  });
};

/** Makes the workspace that is cloned. */
export const makeOrigin = (root, to, count, base) => {
  write(to, fleetFiles(count, 'base-node'));
  writeBase(root, to, base);
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'));
  makeRepository(to);
};

/** Clones a workspace; packages are installed already, and are linked. @returns what the environment of a machine is that has run nothing */
export const cloneFresh = (root, origin, to) => {
  execFileSync('git', ['clone', '-q', origin, to]);
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'));
  // Node's compile cache and Nx's sockets are in the folder for temporary files.
  const temporary = `${to}-tmp`;
  mkdirSync(temporary);
  return { TMPDIR: temporary, NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false', NX_TUI: 'false' };
};

/** Changes one line of one processor in a clone, as a commit. */
export const changeOne = (to, word) => {
  appendFileSync(join(to, 'processors/bench-p0/src/main.ts'), `console.log('${word}');\n`);
  gitIn(to)('commit', '-qam', 'one line');
};

/** Puts another base into a clone, as a commit. */
export const changeBase = (root, to, base) => {
  writeBase(root, to, base);
  gitIn(to)('commit', '-qam', 'base');
};
