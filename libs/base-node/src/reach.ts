import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { architectureOfMachine, fail, type Architecture } from '@pinlane/contracts';
import { openApt } from './debian/apt.ts';
import { readDefinition, readLock } from './inputs.ts';
import { nodePackageName } from './lock/lock.ts';
import { isInstalled, run, type RunOptions } from './process.ts';

/** With these apt fetches and verifies what a source signed, and none of its lists. */
const SIGNATURES_ALONE = ['Acquire::IndexTargets::deb::Packages::DefaultEnabled=false', 'Acquire::IndexTargets::deb-src::Sources::DefaultEnabled=false'];

/** Whether apt took what a source of Debian signs for a release: it keeps only what it could verify. */
const isOffered = async (lists: string, release: string): Promise<boolean> => {
  const files = (await readdir(lists)).filter((name) => /_(?:In)?Release$/.test(name));
  const texts = await Promise.all(files.map((name) => readFile(join(lists, name), 'utf8')));
  return texts.some((text) => /^Origin: Debian$/m.test(text) && text.split('\n').includes(`Codename: ${release}`));
};

/** @throws ERR_BASE_UNAVAILABLE */
const requireRelease = async (release: string, architecture: Architecture, options: RunOptions): Promise<void> => {
  const stateDir = join(options.cwd, 'apt');
  const { complaint } = await (await openApt({ ...options, architecture, release, stateDir, settings: SIGNATURES_ALONE })).update();
  if (await isOffered(join(stateDir, 'state/lists'), release)) return;
  fail('ERR_BASE_UNAVAILABLE', `no source that this machine's apt reads offers Debian ${release}${complaint === '' ? '' : `; apt says: ${complaint}`}`);
};

/**
 * Makes sure that a base could be assembled here, as far as that can be told without its packages: apt and npm are there, a source of apt offers the
 * release and signs for it, and npm has the locked Node. Nothing of the machine is written; what apt fetches goes into a temporary folder, and with it.
 * @returns what was found, in words
 * @throws ERR_TOOL_MISSING, ERR_BASE_UNAVAILABLE, ERR_BASE_DEFINITION_INVALID, ERR_BASE_LOCK_INVALID, ERR_CANCELLED
 */
export const reachSources = async (baseDir: string, { env, signal }: Pick<RunOptions, 'env' | 'signal'>): Promise<string> => {
  const lock = await readLock(baseDir, await readDefinition(baseDir));
  const architecture = architectureOfMachine(process.arch);
  const { node } = lock.platforms[architecture];
  const folder = await mkdtemp(join(tmpdir(), 'pinlane-apt-'));
  const options = { cwd: folder, env, signal };
  try {
    const missing = await Promise.all(['apt-get', 'npm'].map(async (program) => ((await isInstalled(program, options)) ? [] : [program])));
    if (missing.flat().length > 0) return fail('ERR_TOOL_MISSING', `${missing.flat().join(' and ')} can't be used here`);
    const spec = `${nodePackageName(architecture)}@${node.version}`;
    const asked = run('npm', ['view', spec, 'version', '--json'], options);
    await Promise.all([
      requireRelease(lock.release, architecture, options),
      asked.then(({ ok, stderr }) => (ok ? undefined : fail('ERR_BASE_UNAVAILABLE', `npm does not tell of ${spec}: ${stderr.split('\n').at(-1)}`))),
    ]);
    return `apt reaches a source of Debian ${lock.release}, and npm has ${spec}`;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
};
