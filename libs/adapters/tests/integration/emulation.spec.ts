import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Platform, RunnableImage } from '@pinlane/contracts';
import { lackOf, requirement, temporaryFolder } from '@pinlane/testing';
import { bubblewrapRuntime, dockerRuntime, hostRuntime, unshareRuntime } from '../../src/index.ts';
import { archivedImage, removeImages, uniqueName, unpackedImage } from '../support/image.ts';

jest.setTimeout(120_000);

const EXIT_CODE = 42;
/** mov x0, #42; mov x8, #93 (exit); svc #0 */
const ARM64 = [0xd2800000 | (EXIT_CODE << 5), 0xd2800000 | (93 << 5) | 8, 0xd4000001];
const RISCV = 0xf3;
const BASE = 0x10000;

/** A whole program of three instructions (System V ABI, "Object Files"): one that runs only where an arm64 processor is, or is emulated. */
const program = (machine: number): Buffer => {
  const file = Buffer.alloc(64 + 56 + 12);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(BASE + 120), 24);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, 64);
  file.writeUInt32LE(5, 68);
  file.writeBigUInt64LE(BigInt(BASE), 80);
  file.writeBigUInt64LE(BigInt(BASE), 88);
  file.writeBigUInt64LE(BigInt(file.length), 96);
  file.writeBigUInt64LE(BigInt(file.length), 104);
  file.writeBigUInt64LE(0x1000n, 112);
  ARM64.forEach((instruction, at) => file.writeUInt32LE(instruction >>> 0, 120 + 4 * at));
  return file;
};

const OTHER: Platform = 'linux/arm64';
const RUNTIMES = await Promise.all(
  [dockerRuntime, bubblewrapRuntime, unshareRuntime].map(async (runtime) => ({ runtime, found: await runtime.availability() })),
);

requirement(
  'qemu',
  process.arch === 'arm64' ? 'this machine is arm64 itself' : lackOf('qemu'),
  describe,
)('an image of another processor architecture', () => {
  let folder = '';
  const name = uniqueName();
  beforeEach(() => {
    folder = temporaryFolder('emulation');
  });
  afterAll(() => {
    if (lackOf('docker') === null) removeImages(name);
  });

  const imageOf = async (machine: number, archived: boolean): Promise<RunnableImage> => {
    const rootfs = join(folder, 'rootfs');
    for (const made of ['app', 'artifacts', 'dev', 'proc', 'tmp']) mkdirSync(join(rootfs, made), { recursive: true });
    writeFileSync(join(rootfs, 'app/main'), program(machine));
    chmodSync(join(rootfs, 'app/main'), 0o755);
    const config = { Entrypoint: ['/app/main'], User: '1000:1000' };
    return (archived ? archivedImage : unpackedImage)(rootfs, { name, config, platform: OTHER });
  };
  const optionsOf = (image: RunnableImage) => {
    const artifacts = join(folder, 'written');
    mkdirSync(artifacts);
    const limits = { cpus: 1, memoryBytes: 256 * 2 ** 20, pids: 64 };
    return { image, limits, env: {}, port: 8000, artifacts, until: 'healthy', startTimeoutMs: 60_000 } as const;
  };

  for (const { runtime, found } of RUNTIMES)
    requirement(
      runtime.name,
      found.available ? null : found.reason,
      describe,
    )(`in ${runtime.name}`, () => {
      it('is run by the emulator', async () => {
        const image = await imageOf(0xb7, runtime.name === 'docker');
        await expect(runtime.start(optionsOf(image))).rejects.toThrow(`ended with exit code ${EXIT_CODE} before it answered`);
      });
    });

  requirement(
    'docker',
    lackOf('docker'),
    describe,
  )('for which there is no emulator', () => {
    it('is refused by name', async () => {
      const image = await imageOf(RISCV, true);
      await expect(dockerRuntime.start(optionsOf(image))).rejects.toThrow(/^ERR_PLATFORM_UNRUNNABLE: .*linux\/arm64/);
    });
  });

  it('is refused by the host, whose own Node would say nothing of it', async () => {
    await expect(hostRuntime.start(optionsOf(await imageOf(0xb7, false)))).rejects.toThrow(/^ERR_PLATFORM_UNRUNNABLE/);
  });
});
