import { asPinlaneError, formatRepository, isPinlaneError, isStoreReference, parseRepository, type PinnedReference, type Repository } from '@pinlane/contracts';
import { pinsOf, publishedRepository, type LaneNeeds } from '@pinlane/pipeline';
import { openRegistry, type RegistryAccess } from '../../../images/locations.ts';
import type { SpecFile } from '../../../workspace/spec-file.ts';
import { findingOf, missing, type Check, type Finding } from '../check.ts';

/** One request that is answered, or is not: whoever looks has no time for more. */
const PATIENCE = { idleMs: 9_000, retry: { attempts: 1 } } as const;

const open = (repository: Repository, access: RegistryAccess, signal: AbortSignal) => openRegistry(repository, { ...access, signal, patience: PATIENCE });

const loginFix = ({ host, path }: Repository): string =>
  `Log in as somebody who may: docker login ${host}, or crane auth login ${host}. A job of GitHub needs packages: write. The repository is ${path}.`;

/** What a registry's refusal means; anything else is not known. */
const refusal = (repository: Repository, thrown: unknown): Finding => {
  const [problem] = asPinlaneError(thrown).problems;
  if (isPinlaneError(thrown, 'ERR_REGISTRY_AUTH') || isPinlaneError(thrown, 'ERR_REGISTRY_DENIED'))
    return missing(`${problem!.code}: ${problem!.message}`, problem!.file === undefined ? loginFix(repository) : (problem!.fix ?? loginFix(repository)));
  if (isPinlaneError(thrown, 'ERR_MANIFEST_UNKNOWN')) return findingOf('missing', problem!);
  return findingOf('unknown', problem!);
};

const pushFinding = async (repository: Repository, access: RegistryAccess, signal: AbortSignal): Promise<Finding> => {
  try {
    const { clean } = await open(repository, { ...access, writes: true }, signal).checkPush();
    return { state: 'ok', message: clean ? 'it takes uploads' : 'it takes uploads, and can not give one up: it forgets by itself the one that was begun' };
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    return refusal(repository, thrown);
  }
};

const pullFinding = async (pin: PinnedReference, access: RegistryAccess, signal: AbortSignal): Promise<Finding> => {
  try {
    await open(pin, access, signal).readManifest(pin.digest);
    return { state: 'ok', message: 'a pinned manifest was read' };
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    return refusal(pin, thrown);
  }
};

/** The repositories that processors are pushed to, and a pin in each of those that they are pinned in. */
const repositoriesOf = (specs: readonly SpecFile[], registry: string | undefined) => {
  const push = new Map<string, Repository>();
  const pull = new Map<string, PinnedReference>();
  for (const { spec } of specs) {
    const name = publishedRepository(spec, registry);
    const repository = parseRepository(name);
    if (!isStoreReference(repository)) push.set(name, repository);
    for (const pin of Object.values(pinsOf(spec))) if (!isStoreReference(pin)) pull.set(formatRepository(pin), pin);
  }
  return { push, pull };
};

/** Whether images may be pushed and pulled, for each repository that the workspace's processors use. */
export const registryChecks = (specs: readonly SpecFile[], registry: string | undefined, access: RegistryAccess, needs: LaneNeeds): Check[] => {
  const { push, pull } = repositoriesOf(specs, registry);
  return [
    ...[...push].map(([name, repository]): Check => ({
      ...{ group: 'registry', name: `push to ${name}`, needed: needs.push, without: 'no image is pushed there from here' },
      look: (signal) => pushFinding(repository, access, signal),
    })),
    ...[...pull].map(([name, pin]): Check => ({
      ...{ group: 'registry', name: `pull from ${name}`, needed: needs.pull, without: 'what is pinned there is neither tested nor found here' },
      look: (signal) => pullFinding(pin, access, signal),
    })),
  ];
};
