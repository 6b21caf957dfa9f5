import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, isDigest, type Architecture } from '@pinlane/contracts';
import { makeFolder } from '@pinlane/oci';
import { DEBIAN_ARCHITECTURES } from '../architectures.ts';
import type { LockedPackage } from '../lock/lock.ts';
import { run, type RunOptions, type RunResult } from '../process.ts';
import { installedState, parseSimulation, parseStanzas, releasePreferences, type Choice, type Stanza } from './control.ts';

export interface AptOptions extends RunOptions {
  readonly architecture: Architecture;
  /** The only Debian release that is looked at, whatever else the machine knows. */
  readonly release: string;
  /** A folder of our own for lists, state and cache; nothing of the machine's is written. */
  readonly stateDir: string;
  /** Further settings, `Name=value`: for a machine whose sources are elsewhere than apt expects them. */
  readonly settings?: readonly string[];
}

/** The machine's apt, with a state of our own for one architecture. It finds, downloads and verifies; it installs nothing. */
export interface Apt {
  /** Reads the sources anew: whether they hold the release, and what apt complained about. */
  update(): Promise<{ readonly found: boolean; readonly complaint: string }>;
  /** The packages and all they depend on, in the versions that apt would install. @throws ERR_BASE_UNAVAILABLE */
  resolve(packages: readonly string[], without: readonly string[]): Promise<LockedPackage[]>;
  /** Every version of the named packages that the lists hold. */
  known(names: readonly string[]): Promise<LockedPackage[]>;
  /** Downloads exact versions into a folder. apt checks signatures and hashes; files that arrived whole stay there even if others did not. */
  download(choices: readonly Choice[], folder: string): Promise<RunResult>;
}

/** The settings with which apt works as a plain user, for any architecture, with its checks on. */
export const aptSettings = ({ architecture, stateDir, settings = [] }: Pick<AptOptions, 'architecture' | 'stateDir' | 'settings'>): string[] =>
  [
    `APT::Architecture=${DEBIAN_ARCHITECTURES[architecture]}`,
    `APT::Architectures=${DEBIAN_ARCHITECTURES[architecture]}`,
    `Dir::State=${join(stateDir, 'state')}`,
    `Dir::State::lists=${join(stateDir, 'state/lists')}`,
    `Dir::State::status=${join(stateDir, 'status')}`,
    `Dir::Cache=${join(stateDir, 'cache')}`,
    `Dir::Cache::archives=${join(stateDir, 'cache/archives')}`,
    'Dir::Cache::pkgcache=pkgcache.bin',
    'Dir::Cache::srcpkgcache=srcpkgcache.bin',
    `Dir::Etc::Preferences=${join(stateDir, 'preferences')}`,
    `Dir::Etc::PreferencesParts=${join(stateDir, 'preferences.d')}`,
    'Debug::NoLocking=1',
    'APT::Sandbox::User=',
    'APT::Get::AllowUnauthenticated=false',
    'Acquire::AllowInsecureRepositories=false',
    'Acquire::AllowWeakRepositories=false',
    'Acquire::AllowDowngradeToInsecureRepositories=false',
    'Acquire::Languages=none',
    'Acquire::GzipIndexes=false',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false',
    'Acquire::Retries=3',
    ...settings,
  ].flatMap((setting) => ['-o', setting]);

const isLockable = (word: string | undefined): word is LockedPackage['architecture'] =>
  word === 'all' || Object.values(DEBIAN_ARCHITECTURES).some((known) => known === word);

const toPackage = (stanza: Stanza): LockedPackage[] => {
  const [name, version, architecture, size, sha256] = ['package', 'version', 'architecture', 'size', 'sha256'].map((field) => stanza.get(field));
  const digest = `sha256:${sha256 ?? ''}`;
  if (!name || !version || !isDigest(digest) || !/^[0-9]+$/.test(size ?? '')) return [];
  if (!isLockable(architecture)) return [];
  return [{ name, version, architecture, size: Number(size), digest }];
};

/** Makes the folders that apt needs, and returns a client that uses them. */
export const openApt = async (options: AptOptions): Promise<Apt> => {
  const { stateDir, release, architecture } = options;
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'preferences.d']) await makeFolder(join(stateDir, folder));
  await writeFile(join(stateDir, 'status'), '');
  await writeFile(join(stateDir, 'preferences'), releasePreferences(release));
  const settings = aptSettings(options);
  const invoke = (program: 'apt-get' | 'apt-cache', args: readonly string[], cwd = stateDir) =>
    run(program, [...settings, '-qq', ...args], { ...options, cwd });

  const show = async (names: readonly string[]): Promise<Stanza[]> =>
    names.length === 0 ? [] : parseStanzas((await invoke('apt-cache', ['show', '--', ...names])).stdout);
  const known = async (names: readonly string[]) => (await show(names)).flatMap(toPackage);

  return {
    known,
    async update() {
      // apt fails as a whole if any source of the machine does not answer; what counts is whether the release is there.
      const { stderr } = await invoke('apt-get', ['update']);
      const policy = await invoke('apt-cache', ['policy']);
      return { found: policy.stdout.split('\n').some((line) => /\brelease\b.*\bo=Debian,/.test(line) && line.includes(`,n=${release},`)), complaint: stderr };
    },
    async resolve(packages, without) {
      await writeFile(join(stateDir, 'status'), installedState(without, await show(without)));
      const simulated = await invoke('apt-get', ['install', '--simulate', '--no-install-recommends', '--yes', '--', ...packages]);
      if (!simulated.ok)
        fail('ERR_BASE_UNAVAILABLE', `apt cannot resolve the packages of the base for ${architecture}: ${simulated.stderr}`, {
          fix: 'Correct the packages in base.yaml.',
        });
      const choices = parseSimulation(simulated.stdout);
      const candidates = await known(choices.map(({ name }) => name));
      return choices
        .map(({ name, version }) => {
          const found = candidates.find((candidate) => candidate.name === name && candidate.version === version);
          return found ?? fail('ERR_BASE_UNAVAILABLE', `apt knows no sha256 of ${name} ${version} for ${architecture}`);
        })
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    download: (choices, folder) => invoke('apt-get', ['download', '--', ...choices.map(({ name, version }) => `${name}=${version}`)], folder),
  };
};
