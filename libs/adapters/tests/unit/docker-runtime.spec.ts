import { describe, expect, it } from '@jest/globals';
import { fail, parseDigest } from '@pinlane/contracts';
import type { BridgeFolder } from '../../src/runtime/bridge-client.ts';
import { bridgeArgs, environmentOf, processorArgs, type ProcessorPlan } from '../../src/runtime/docker/arguments.ts';
import { parseInfo, type DaemonFacts, type Docker } from '../../src/runtime/docker/daemon.ts';
import { bridgeImage } from '../../src/runtime/docker/bridge-image.ts';
import { createBridge } from '../../src/runtime/docker/bridge.ts';
import { createOf } from '../../src/runtime/docker/images.ts';
import { isGone, ownerLabels, parseOwners, startOf, thisOwner, type Owner } from '../../src/runtime/docker/owner.ts';
import { describeEnd, parseState } from '../../src/runtime/docker/state.ts';

const FACTS: DaemonFacts = { version: '26', os: 'linux', cpus: 2, limits: { cpu: true, memory: true, pids: true } };
const PLAN: ProcessorPlan = {
  name: 'pinlane-x',
  labels: { a: 'b' },
  imageId: 'sha256:1',
  uid: 1000,
  gid: 1001,
  platform: 'linux/arm64',
  networkOf: 'pinlane-x-bridge',
  limits: { cpus: 8, memoryBytes: 1024, pids: 10 },
  envFile: '/run/env',
  envNames: ['KEY'],
  mounts: [{ source: '/tmp/a,"b', target: '/artifacts', writable: true }],
};

describe('the arguments of docker', () => {
  it('create a container that may do nothing but what it needs, of a platform, without pulling anything', () => {
    const args = processorArgs(PLAN, FACTS);
    const text = args.join(' ');
    for (const wanted of [
      '--user 1000:1001 --read-only --security-opt no-new-privileges --cap-drop ALL',
      '--pull never',
      '--platform linux/arm64 --network container:pinlane-x-bridge',
      '--cpus 2 --memory 1024 --memory-swap 1024 --pids-limit 10',
      '--env-file /run/env --env KEY',
    ])
      expect(text).toContain(wanted);
    expect(args.at(-1)).toBe('sha256:1');
  });

  it('quote a path for the CSV in which docker reads a mount', () => {
    expect(processorArgs(PLAN, FACTS)).toContain('type=bind,"source=/tmp/a,""b",target=/artifacts');
  });

  it('leave out limits that the daemon cannot enforce', () => {
    const text = processorArgs(PLAN, { ...FACTS, limits: { cpu: false, memory: true, pids: false } }).join(' ');
    expect(text).not.toMatch(/--cpus|--pids-limit/);
    expect(text).toContain('--memory 1024');
  });

  it('give the bridge no network, and no way to write but its folder', () => {
    const mounts = [{ source: '/usr/bin/node', target: '/usr/bin/node', writable: false }];
    const text = bridgeArgs({ ...PLAN, mounts, command: ['node', 'bridge.cjs'] }, FACTS).join(' ');
    expect(text).toContain('--network none');
    expect(text).toContain('--read-only');
    expect(text).toMatch(/--mount type=bind,source=\/usr\/bin\/node,target=\/usr\/bin\/node,readonly sha256:1 node bridge\.cjs$/);
  });
});

describe('an environment for docker', () => {
  it('is a file of lines, but for values that have several', () => {
    expect(environmentOf({ ONE: 'a b=c # "d"', EMPTY: '', PEM: 'a\nb', CR: 'a\r' })).toEqual({
      file: 'ONE=a b=c # "d"\nEMPTY=\n',
      own: { PEM: 'a\nb', CR: 'a\r' },
    });
  });
});

describe('what docker says', () => {
  it('of its daemon is read', () => {
    expect(parseInfo(JSON.stringify({ ServerVersion: '27', OSType: 'linux', NCPU: 4, CpuCfsQuota: true, MemoryLimit: true, PidsLimit: false }))).toEqual({
      version: '27',
      os: 'linux',
      cpus: 4,
      limits: { cpu: true, memory: true, pids: false },
    });
  });

  it('where no daemon answers counts as none', () => {
    expect(parseInfo(JSON.stringify({ ServerErrors: ['Cannot connect to the Docker daemon'], NCPU: 0 }))).toBeNull();
  });

  it.each([
    [{ ExitCode: 3, OOMKilled: false, Error: '' }, 'ended with exit code 3'],
    [{ ExitCode: 137, OOMKilled: true, Error: '' }, 'was killed, because it went over its memory limit of 512 MiB (runtime.memory_gb)'],
    [{ ExitCode: 127, OOMKilled: false, Error: 'no such file' }, 'could not be started: no such file'],
  ])('of a container that ended is told: %j', (state, text) => {
    expect(describeEnd(parseState(JSON.stringify(state)), { cpus: 1, memoryBytes: 512 * 2 ** 20, pids: 1 })).toBe(text);
  });
});

describe('the owner of a container', () => {
  const here: Owner = { host: 'ci', boot: 'b1', space: 'pid:[1]', pid: '10', started: '500' };
  const running = (pid: string): string => ({ '10': '500', '11': '600' })[pid] ?? '';

  it.each<[string, Partial<Owner>, boolean]>([
    ['runs', { pid: '11', started: '600' }, false],
    ['has ended', { pid: '12', started: '700' }, true],
    ['has ended, and its number is in use again', { pid: '11', started: '599' }, true],
    ['ran before the machine was started anew', { boot: 'b0' }, true],
    ['is in another container and cannot be seen', { space: 'pid:[2]', pid: '12' }, false],
    ['is on another machine', { host: 'other', boot: 'b0', pid: '12' }, false],
  ])('that %s', (_, owner, gone) => {
    expect(isGone({ ...here, ...owner }, here, running)).toBe(gone);
  });

  it('is told from this very process', () => {
    const owner = thisOwner();
    expect(owner.started).toMatch(/^[0-9]+$/);
    expect(isGone(owner, owner, startOf)).toBe(false);
    expect(isGone({ ...owner, pid: '999999999' }, owner, startOf)).toBe(true);
  });

  it('is read back from what docker ps prints', () => {
    const line = ['id1', ...Object.values(ownerLabels(here))].join('\t');
    expect(parseOwners(`${line}\nid2\tci\tb1\t\t7\t\n`)).toEqual([
      { id: 'id1', owner: here },
      { id: 'id2', owner: { host: 'ci', boot: 'b1', space: '', pid: '7', started: '' } },
    ]);
  });
});

describe('creating a container of an image', () => {
  const digest = parseDigest(`sha256:${'a'.repeat(64)}`);
  const image = { name: 'x', platform: 'linux/amd64', digest, configDigest: digest, archive: async function* () {} } as const;
  const docker: Docker = { program: '/docker', facts: FACTS, run: async () => ({ exitCode: 0, stdout: `${digest}\n`, stderr: '' }) };

  it('is done once more where another run has just removed the image', async () => {
    const ids: string[] = [];
    const create = async (id: string) => void (ids.push(id) === 1 && fail('ERR_ADAPTER', 'docker create exited with 1:\nError: No such image: sha256:aa'));
    expect(await createOf(docker, image, create)).toBe(digest);
    expect(ids).toEqual([digest, digest]);
  });

  it('is not tried again where it failed for another reason, or twice for this one', async () => {
    let tries = 0;
    await expect(createOf(docker, image, async () => void ((tries += 1), fail('ERR_ADAPTER', 'no space left')))).rejects.toThrow('no space left');
    expect(tries).toBe(1);
    await expect(createOf(docker, image, async () => fail('ERR_ADAPTER', 'No such image'))).rejects.toThrow('No such image');
  });

  it('says which Docker it takes where the daemon does not see the files of this machine', async () => {
    const { digest: own } = await bridgeImage();
    const refusing = (why: string): Docker => ({
      ...docker,
      run: async ([verb]) => (verb === 'create' ? fail('ERR_ADAPTER', why) : { exitCode: 0, stdout: `${own}\n`, stderr: '' }),
    });
    const folder = { path: '/f', shared: '/f/io', program: '/f/io/bridge.cjs' } as BridgeFolder;
    const plan = { name: 'b', labels: {}, uid: 1000, gid: 1000, folder, artifacts: '/a', port: 8000 };
    const missing = 'docker create exited with 1:\ninvalid mount config for type "bind": bind source path does not exist: /f/io';
    await expect(createBridge(refusing(missing), plan)).rejects.toThrow(/^ERR_RUNTIME_UNAVAILABLE: .*does not see this machine's files\nfix: .*--runtime/);
    await expect(createBridge(refusing('no space left'), plan)).rejects.toThrow('ERR_ADAPTER: no space left');
  });
});
