import { chooseRuntime, isEmulated, RUNTIMES, whyUnrunnable } from '@pinlane/adapters';
import { asPinlaneError, PLATFORMS, type Platform, type RuntimeName } from '@pinlane/contracts';
import type { LaneNeeds } from '@pinlane/pipeline';
import { available, findingOf, missing, type Check, type Finding } from '../check.ts';
import type { Settings } from '../settings.ts';

const TITLES: Readonly<Record<Exclude<RuntimeName, 'host'>, readonly [title: string, without: string]>> = {
  bubblewrap: ['bubblewrap', 'images run in unshare or Docker, if either can be used'],
  unshare: ['unshare', 'images run in bubblewrap or Docker, if either can be used'],
  docker: ['Docker', 'nothing limits the CPU and memory of an image under test, and none is loaded into it'],
};

/** The runtime that would be chosen, by the choice itself. */
const chosenFinding = async ({ lane, runtime }: Settings, signal: AbortSignal): Promise<Finding> => {
  const notes: string[] = [];
  try {
    const { name } = await chooseRuntime(runtime, { lane, progress: (line) => void notes.push(line), signal });
    return { state: 'ok', message: name === 'host' ? `host, which isolates nothing: ${notes.join('; ')}` : `${name} is taken` };
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    const [problem] = asPinlaneError(thrown).problems;
    return findingOf('missing', { fix: 'Install bubblewrap, and allow unprivileged user namespaces.', ...problem! });
  }
};

/** Whether a platform is another than this machine's, which may be of none that is known. */
const isForeign = (platform: Platform): boolean => {
  try {
    return isEmulated(platform);
  } catch {
    return true;
  }
};

/** What images run in here, and for which platforms. */
export const runningChecks = (settings: Settings, needs: LaneNeeds): Check[] => [
  {
    ...{ group: 'running', name: 'a runtime', needed: needs.runtime, without: 'no image is tested here' },
    look: (signal) => chosenFinding(settings, signal),
  },
  ...RUNTIMES.flatMap((runtime): Check[] => {
    if (runtime.name === 'host') return [];
    const [name, without] = TITLES[runtime.name];
    return [{ group: 'running', name, needed: null, without, look: async (signal) => available(await runtime.availability(signal)) }];
  }),
  ...PLATFORMS.filter(isForeign).map((platform): Check => ({
    ...{ group: 'running', name: `QEMU for ${platform}`, needed: null, without: `images for ${platform} are built and pinned, and not run here` },
    look: () => {
      const why = whyUnrunnable(platform);
      const fix = 'As root: apt-get install qemu-user-static, or docker run --privileged --rm tonistiigi/binfmt --install all.';
      return why === null ? { state: 'ok', message: 'an emulator is registered' } : missing(why, fix);
    },
  })),
];
