import { join } from 'node:path';
import { fail, type Availability, type Runtime } from '@pinlane/contracts';
import { ask, findProgram } from '../process/index.ts';
import { imageProcess } from './image-config.ts';
import { ARTIFACTS_ROOT, processorEnv } from './processor-env.ts';
import type { SetupStep } from './bridge.ts';
import { requireRunnable } from './emulation.ts';
import { askedOnce, NAMESPACES_FIX, whyFailed } from './trial.ts';
import { isolationOf } from './isolation.ts';
import { launch, type LaunchPlan } from './launch.ts';
import { dropCapabilities, placeSetpriv, portableSetpriv, type PortableSetpriv } from './drop-capabilities.ts';
import { MACHINE_WIDE, SANDBOX_BYTES } from './sandbox-limits.ts';

interface Tools {
  readonly unshare: string;
  readonly setpriv: string;
  /** The same for use in a processor's root. */
  readonly portable: PortableSetpriv;
  readonly mount: string;
  /** The command that raises the loopback interface. */
  readonly raise: readonly [string, ...string[]];
}

// SIOCSIFFLAGS with IFF_UP | IFF_RUNNING, for machines without iproute2.
const PERL = 'socket(my $s, 2, 2, 0) or die $!; my $r = pack("a16s x14", "lo", 0x41); ioctl($s, 0x8914, $r) or die $!';
const PYTHON = 'import fcntl,socket,struct;fcntl.ioctl(socket.socket(2,2),0x8914,struct.pack("16sh14x",b"lo",0x41))';

const raiseLoopback = (): Tools['raise'] | null => {
  const [ip, ifconfig, perl, python] = [findProgram('ip'), findProgram('ifconfig'), findProgram('perl'), findProgram('python3')];
  if (ip !== null) return [ip, 'link', 'set', 'lo', 'up'];
  if (ifconfig !== null) return [ifconfig, 'lo', 'up'];
  if (perl !== null) return [perl, '-e', PERL];
  return python === null ? null : [python, '-I', '-c', PYTHON];
};

const findTools = async (signal?: AbortSignal): Promise<Tools | string> => {
  const [unshare, setpriv, mount, raise] = [findProgram('unshare'), findProgram('setpriv'), findProgram('mount'), raiseLoopback()];
  if (unshare === null || setpriv === null || mount === null) return 'util-linux (unshare, setpriv, mount) is not installed';
  if (raise === null) return 'nothing that can raise the loopback interface is installed: ip, ifconfig, perl or python3';
  const portable = await portableSetpriv(setpriv, signal);
  return portable === null ? `ldd does not tell what ${setpriv} is linked with` : { unshare, setpriv, portable, mount, raise };
};

/** The bridge's namespaces. It becomes root of them, which gives it no right outside. */
const outer = ({ unshare }: Tools): string[] => [unshare, '--user', '--map-root-user', '--net', '--mount', '--'];

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom'];
const LINKS = { fd: '/proc/self/fd', stdin: '/proc/self/fd/0', stdout: '/proc/self/fd/1', stderr: '/proc/self/fd/2' };

/** /dev, which nothing is written to once setpriv lies there. */
const DEV_BYTES = 64 * 2 ** 20;

/** Makes read-only what of /proc is about the whole machine, and runs the command that it is given. */
const COVER = [
  'mount=$1 proc=$2; shift 2',
  `for name in ${MACHINE_WIDE.join(' ')}; do`,
  '  test -e "$proc/$name" || continue',
  '  "$mount" --bind "$proc/$name" "$proc/$name" && "$mount" -o remount,bind,ro,nosuid,nodev,noexec "$proc/$name" || exit 125',
  'done',
  'exec "$@"',
].join('\n');

/** What is mounted over the image, in the bridge's mount namespace alone. */
const mounts = ({ mount, raise, portable }: Tools, rootfs: string, artifacts: string): SetupStep[] => {
  const at = (path: string): string => join(rootfs, path);
  const mounted = (...args: string[]): SetupStep => ({ run: [mount, ...args] });
  const tmpfs = (path: string, options = ''): SetupStep => mounted('-t', 'tmpfs', '-o', `nosuid,nodev${options}`, 'tmpfs', at(path));
  return [
    { run: raise },
    mounted('--bind', rootfs, rootfs),
    mounted('-o', 'remount,bind,ro,nosuid,nodev', rootfs),
    // A tmpfs is sticky unless told. In a sticky folder of another user, Linux refuses to open even /dev/null the way a shell does for `>`.
    tmpfs('dev', `,mode=755,size=${DEV_BYTES}`),
    ...DEVICES.flatMap((name): SetupStep[] => [{ file: at(`dev/${name}`) }, mounted('--bind', `/dev/${name}`, at(`dev/${name}`))]),
    ...Object.entries(LINKS).map(([name, target]): SetupStep => ({ link: at(`dev/${name}`), target })),
    { folder: at('dev/shm') },
    tmpfs('dev/shm', `,mode=1777,size=${SANDBOX_BYTES.sharedMemory}`),
    ...placeSetpriv(portable, at),
    // With `bind`, mount changes this mount alone. Without, it would repeat the tmpfs's own options, not all of which are valid here for a plain user.
    mounted('-o', 'remount,bind,ro,nosuid,nodev', at('dev')),
    tmpfs('tmp', `,mode=1777,size=${SANDBOX_BYTES.tmp}`),
    mounted('--bind', artifacts, at(ARTIFACTS_ROOT)),
    // unshare --mount-proc wants a mount point of its own.
    tmpfs('proc'),
  ];
};

/**
 * The processor's namespaces, inside the bridge's. First its processes, then a user of its own in which it is not root
 * and has no capability, then the image as its root. It cannot gain rights, and goes when the bridge goes.
 */
const inner = ({ unshare, setpriv, portable, mount }: Tools, rootfs: string, uid: number, gid: number, cwd: string): string[] => [
  ...[setpriv, '--pdeathsig', 'KILL', '--no-new-privs', '--'],
  ...[unshare, '--pid', '--ipc', '--uts', '--fork', '--kill-child', `--mount-proc=${join(rootfs, 'proc')}`, '--'],
  ...['/bin/sh', '-c', COVER, 'pinlane-cover', mount, join(rootfs, 'proc')],
  ...[unshare, '--user', `--map-user=${uid}`, `--map-group=${gid}`, '--keep-caps', `--root=${rootfs}`, `--wd=${cwd}`, '--'],
  ...dropCapabilities(portable),
];

// With these variables an image would change util-linux's own programs, which are run with them before the image's first program.
const LOADER = /^(?:LD_.*|GLIBC_TUNABLES|GCONV_PATH|LOCPATH|NLSPATH|MALLOC_.*)$/;

const trial = async (signal?: AbortSignal): Promise<Availability> => {
  const tools = await findTools(signal);
  if (typeof tools === 'string') return { available: false, reason: tools, fix: 'Install util-linux and iproute2.' };
  const [program = tools.unshare, ...args] = outer(tools);
  const nested = [tools.unshare, '--pid', '--fork', '--kill-child', '--mount-proc', '--', tools.unshare, '--user', '--map-user=1000', '--keep-caps', '--'];
  const drop = [tools.setpriv, '--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all', '--', tools.unshare];
  const tried = await ask({ command: program, args: [...args, ...nested, ...drop, '--version'], timeoutMs: 10_000, signal });
  if (tried.exitCode === 0) return { available: true, version: tried.stdout.trim() };
  return { available: false, reason: `unshare cannot make its namespaces here: ${whyFailed(tried)}`, fix: NAMESPACES_FIX };
};

/** Runs images with util-linux alone, as root or as a plain user. */
export const unshareRuntime: Runtime = {
  name: 'unshare',
  availability: askedOnce(trial),
  artifactsRootOf: () => ARTIFACTS_ROOT,
  start: async (options) => {
    const tools = await findTools(options.signal);
    if (typeof tools === 'string') return fail('ERR_RUNTIME_UNAVAILABLE', tools);
    const { artifacts, image } = options;
    requireRunnable(image.platform);
    const rootfs = await image.rootfs();
    const { argv, env, cwd, uid, gid } = await imageProcess(rootfs, image.config, processorEnv(options, ARTIFACTS_ROOT, options.port));
    const unsafe = Object.keys(env).filter((name) => LOADER.test(name));
    if (unsafe.length > 0)
      return fail('ERR_RUNTIME_UNAVAILABLE', `unshare cannot run an image that sets ${unsafe.join(', ')}`, { fix: 'Use --runtime=bubblewrap.' });
    const plan: LaunchPlan = {
      isolation: isolationOf('unshare', image.platform),
      outer: outer(tools),
      order: {
        setup: mounts(tools, rootfs, artifacts),
        command: [...inner(tools, rootfs, uid, gid, cwd), ...argv],
        env,
        secretArgs: null,
        cwd: null,
        port: options.port,
        depth: 1,
      },
      artifactsRoot: ARTIFACTS_ROOT,
    };
    return launch(plan, options);
  },
};
