import type { Availability, Runtime } from '@pinlane/contracts';
import { fail } from '@pinlane/contracts';
import { ask, findProgram } from '../process/index.ts';
import { imageProcess, type ImageProcess } from './image-config.ts';
import { ARTIFACTS_ROOT, processorEnv } from './processor-env.ts';
import { requireRunnable } from './emulation.ts';
import { askedOnce, NAMESPACES_FIX, whyFailed } from './trial.ts';
import { isolationOf } from './isolation.ts';
import { launch, type LaunchPlan } from './launch.ts';
import { MACHINE_WIDE, SANDBOX_BYTES } from './sandbox-limits.ts';

/** The bridge's namespaces: a user and a network of its own, and this machine's files. Bubblewrap raises `lo` in it. */
const OUTER = ['--unshare-user', '--unshare-net', '--dev-bind', '/', '/', '--'];

/** A tmpfs that has a size, and is open to all. */
const tmpfs = (path: string, bytes: number): string[] => ['--perms', '1777', '--size', String(bytes), '--tmpfs', path];

/** The processor's namespaces, inside the bridge's: its own processes, the image as a read-only root, no capability. */
const inner = (rootfs: string, artifacts: string, { env, cwd, uid, gid }: ImageProcess): string[] => [
  ...['--die-with-parent', '--new-session', '--as-pid-1', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-user'],
  ...['--hostname', 'processor', '--uid', String(uid), '--gid', String(gid), '--cap-drop', 'ALL', '--clearenv'],
  ...['--ro-bind', rootfs, '/', '--proc', '/proc', '--dev', '/dev'],
  ...MACHINE_WIDE.flatMap((name) => ['--ro-bind-try', `/proc/${name}`, `/proc/${name}`]),
  // Bubblewrap makes /dev on a tmpfs of its own that has no size and belongs to the processor's user; only what is mounted in it stays writable.
  ...[...tmpfs('/dev/shm', SANDBOX_BYTES.sharedMemory), '--remount-ro', '/dev', ...tmpfs('/tmp', SANDBOX_BYTES.tmp)],
  ...['--bind', artifacts, ARTIFACTS_ROOT],
  ...Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]),
  ...['--chdir', cwd],
];

/** A size that any machine has. */
const SMALLEST_BYTES = 2 ** 16;

const trial = async (signal?: AbortSignal): Promise<Availability> => {
  const bwrap = findProgram('bwrap');
  const fix = 'Install it: apt-get install bubblewrap.';
  if (bwrap === null) return { available: false, reason: 'bwrap is not installed', fix };
  const nested = [
    bwrap,
    '--unshare-pid',
    '--unshare-user',
    '--uid',
    '1000',
    '--gid',
    '1000',
    '--ro-bind',
    '/',
    '/',
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    ...tmpfs('/tmp', SMALLEST_BYTES),
  ];
  const tried = await ask({ command: bwrap, args: [...OUTER, ...nested, '--', bwrap, '--version'], timeoutMs: 10_000, signal });
  if (tried.exitCode === 0) return { available: true, version: tried.stdout.trim() };
  if (/unknown option/i.test(tried.stderr))
    return { available: false, reason: 'bwrap is older than 0.7, and gives a tmpfs no size', fix: 'Update bubblewrap.' };
  return { available: false, reason: `bwrap cannot make its namespaces here: ${whyFailed(tried)}`, fix: NAMESPACES_FIX };
};

/** Runs images with bubblewrap, as root or as a plain user. */
export const bubblewrapRuntime: Runtime = {
  name: 'bubblewrap',
  availability: askedOnce(trial),
  artifactsRootOf: () => ARTIFACTS_ROOT,
  start: async (options) => {
    const bwrap = findProgram('bwrap') ?? fail('ERR_RUNTIME_UNAVAILABLE', 'bwrap is not installed', { fix: 'Install it: apt-get install bubblewrap.' });
    requireRunnable(options.image.platform);
    const rootfs = await options.image.rootfs();
    const image = await imageProcess(rootfs, options.image.config, processorEnv(options, ARTIFACTS_ROOT, options.port));
    const plan: LaunchPlan = {
      isolation: isolationOf('bubblewrap', options.image.platform),
      outer: [bwrap, ...OUTER],
      order: {
        setup: [],
        command: [bwrap, '--args', '3', '--', ...image.argv],
        env: {},
        secretArgs: inner(rootfs, options.artifacts, image),
        cwd: null,
        port: options.port,
        depth: 1,
      },
      artifactsRoot: ARTIFACTS_ROOT,
    };
    return launch(plan, options);
  },
};
