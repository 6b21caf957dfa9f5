import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { ask, headRevision } from '@pinlane/adapters';
import { asPinlaneError } from '@pinlane/contracts';
import { findingOf, missing, type Check, type Finding } from '../check.ts';
import { installedVersion } from '../packages.ts';
import { namesOfVariables } from '../settings.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The oldest Node and the versions of Nx that the plugin is for (its package.json). */
export const FLOORS = { node: [22, 12], nx: { lowest: 22, below: 25 } } as const;

const numbersOf = (version: string): readonly [number, number] => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return [major, minor];
};

/** Whether a Node, and an Nx, is new enough, and not too new. */
export const isFitNode = (version: string): boolean => {
  const [major, minor] = numbersOf(version);
  return major > FLOORS.node[0] || (major === FLOORS.node[0] && minor >= FLOORS.node[1]);
};
export const isFitNx = (version: string): boolean => numbersOf(version)[0] >= FLOORS.nx.lowest && numbersOf(version)[0] < FLOORS.nx.below;

const nodeFinding = (): Finding => {
  const { node } = process.versions;
  const floor = FLOORS.node.join('.');
  return isFitNode(node)
    ? { state: 'ok', message: `${node}; ${floor} or newer is needed` }
    : missing(`this is ${node}, and ${floor} is needed`, `Install Node ${floor} or newer.`);
};

const nxFinding = (root: string): Finding => {
  const version = installedVersion('nx', root);
  const wanted = `${FLOORS.nx.lowest} to ${FLOORS.nx.below - 1}`;
  const fix = `Install it: npm install --save-dev nx@${FLOORS.nx.below - 1}.`;
  if (version === null) return missing('there is no nx in node_modules', `${fix} In a workspace that has a lockfile, npm ci brings it.`);
  return isFitNx(version) ? { state: 'ok', message: `${version}; ${wanted} are supported` } : missing(`this is ${version}, and ${wanted} are supported`, fix);
};

const gitFinding = async (root: string, signal: AbortSignal): Promise<Finding> => {
  const asked = await ask({ command: 'git', args: ['--version'], timeoutMs: 9_000, signal });
  if (asked.fault === 'missing') return missing('git is not installed', 'Install it: apt-get install git.');
  if (asked.exitCode !== 0) return { state: 'unknown', message: 'git does not tell its version', fix: 'Run git --version, and see.' };
  const version = asked.stdout.trim().replace(/^git version /, '');
  const head = await headRevision(root);
  return head.revision === null
    ? missing(`${version}; ${head.reason}`, 'Make the workspace a git repository with a commit: git init.')
    : { state: 'ok', message: version };
};

/** The nearest folder that is there: what is below it would be made in it. */
const nearestFolder = (path: string): string => {
  try {
    statSync(path);
    return path;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw thrown;
    return nearestFolder(dirname(path));
  }
};

/** Less than this, in bytes, holds no base with a few images on it. */
const ROOM = 2 * 1024 ** 3;

const storeFinding = (store: string): Finding => {
  try {
    const folder = nearestFolder(store);
    if (!statSync(folder).isDirectory()) return missing(`${folder} is a file, where a folder is needed`, 'Remove it.');
    accessSync(folder, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = statfsSync(folder);
    const gigabytes = `${((bavail * bsize) / 1e9).toFixed(1)} GB are free`;
    if (bavail * bsize < ROOM) return missing(`only ${gigabytes}`, 'Free disk space: npx pinlane gc.');
    return { state: 'ok', message: `${folder.split(sep).at(-1) === 'store' ? 'it is there' : 'it can be made'}, and ${gigabytes}` };
  } catch (thrown) {
    return findingOf('missing', { fix: 'Let this user write there.', ...asPinlaneError(thrown, { file: store }).problems[0]! });
  }
};

const proxyFinding = (env: Env): Finding => {
  const { proxies } = namesOfVariables(env);
  if (proxies.length === 0) return { state: 'ok', message: 'none is set' };
  if (env['NODE_USE_ENV_PROXY'] === '1') return { state: 'ok', message: `${proxies.join(', ')} set, and used for registries` };
  return missing(`${proxies.join(', ')} set, and not used for registries`, 'Set NODE_USE_ENV_PROXY=1 if registries are reached by it (Node 24.5 or newer).');
};

/** What every lane needs of a machine. */
export const machineChecks = (root: string, store: string, env: Env): Check[] => [
  { group: 'machine', name: 'Node', needed: 'Pinlane runs on it', without: '', look: nodeFinding },
  { group: 'machine', name: 'Nx', needed: 'it runs the targets of every processor', without: '', look: () => nxFinding(root) },
  { group: 'machine', name: 'store', needed: 'images are kept there', without: '', look: () => storeFinding(store) },
  {
    ...{ group: 'machine', name: 'git', needed: null },
    without: 'nothing tells what is affected, no build names its commit, and rollback finds no earlier pin',
    look: (signal) => gitFinding(root, signal),
  },
  { group: 'machine', name: 'proxy', needed: null, without: 'registries that are behind it are not reached', look: () => proxyFinding(env) },
];
