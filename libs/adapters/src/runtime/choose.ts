import { fail, LANE_TABLE, type Lane, type Progress, type Runtime, type RuntimeName } from '@pinlane/contracts';
import { unlessAborted } from '@pinlane/oci';
import { bubblewrapRuntime } from './bubblewrap.ts';
import { dockerRuntime } from './docker/index.ts';
import { hostRuntime } from './host.ts';
import { unshareRuntime } from './unshare.ts';

/** The runtimes there are, the best first. Docker isolates as well as the two before it, and takes longer. */
export const RUNTIMES: readonly Runtime[] = [bubblewrapRuntime, unshareRuntime, dockerRuntime, hostRuntime];

/** The facts that decide the choice; tests give runtimes of their own. */
export interface RuntimeChoice {
  readonly lane: Lane;
  readonly progress: Progress;
  readonly runtimes?: readonly Runtime[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Chooses what runs an image: the one that is asked for, or the best that is there. `host` isolates nothing; it is chosen
 * only by name, or as the last resort, with a warning, in a lane that allows an open network.
 * @throws ERR_RUNTIME_UNAVAILABLE with what each runtime lacks, ERR_EGRESS_OPEN if the lane refuses `host`, ERR_CANCELLED
 */
export const chooseRuntime = async (requested: 'auto' | RuntimeName, { lane, progress, runtimes = RUNTIMES, signal }: RuntimeChoice): Promise<Runtime> => {
  const availabilityOf = (runtime: Runtime) => unlessAborted(signal, () => runtime.availability(signal));
  const bearsOpen = LANE_TABLE[lane].egress === 'any';
  if (requested !== 'auto') {
    const runtime = runtimes.find(({ name }) => name === requested);
    if (runtime === undefined) return fail('ERR_RUNTIME_UNAVAILABLE', `the runtime ${requested} is not available yet`, { fix: 'Use --runtime=auto.' });
    if (requested === 'host' && !bearsOpen) return fail('ERR_EGRESS_OPEN', `the runtime host leaves the network open, which lane ${lane} refuses`);
    const found = await availabilityOf(runtime);
    return found.available ? runtime : fail('ERR_RUNTIME_UNAVAILABLE', `the runtime ${requested} cannot be used: ${found.reason}`, { fix: found.fix });
  }
  const lacking: string[] = [];
  for (const runtime of runtimes.filter(({ name }) => name !== 'host')) {
    const found = await availabilityOf(runtime);
    if (found.available) return runtime;
    lacking.push(`${runtime.name}: ${found.reason}`);
  }
  const host = runtimes.find(({ name }) => name === 'host');
  if (host === undefined || !bearsOpen) return fail('ERR_RUNTIME_UNAVAILABLE', `nothing here can isolate an image (${lacking.join('; ')})`);
  progress(`WARNING: nothing here can isolate the processor (${lacking.join('; ')}); it runs on the host with the network open`, 'note');
  return host;
};
