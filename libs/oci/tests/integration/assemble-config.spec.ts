import { beforeEach, describe, expect, it } from '@jest/globals';
import { problemsOf, temporaryFolder } from '@pinlane/testing';
import { buildFiles, type BuildOptions } from '../support/building.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('oci');
});

const BASE_CONFIG = {
  User: 'node',
  Env: ['PATH=/bin', 'LANG=C'],
  Entrypoint: ['/base-entry'],
  Cmd: ['base-cmd'],
  WorkingDir: '/base',
  Labels: { from: 'base', kept: 'yes' },
  ExposedPorts: { '1/tcp': {} },
  StopSignal: 'SIGINT',
  Hostname: 'left out',
};

const configOf = async (lines: string, options: BuildOptions & { onBase?: boolean } = {}) => {
  const { onBase = false, ...rest } = options;
  const based = onBase ? { base: [[{ name: 'base', type: 'directory' as const }]], baseConfig: BASE_CONFIG } : {};
  const { config } = await buildFiles(folder, /^FROM/m.test(lines) ? lines : `FROM ${onBase ? 'base' : 'scratch'}\n${lines}\n`, {}, { ...rest, ...based });
  return config;
};
const execution = async (lines: string, options: BuildOptions & { onBase?: boolean } = {}) => (await configOf(lines, options)).config!;
const refusals = async (lines: string, options: BuildOptions & { onBase?: boolean } = {}) =>
  (await problemsOf(() => configOf(lines, options))).map(({ code, line }) => [code, line]);

describe('the config of an image', () => {
  it('is what BuildKit gives to an empty image', async () => {
    expect(await configOf('')).toEqual({
      created: '1970-01-01T00:00:00Z',
      architecture: 'amd64',
      os: 'linux',
      config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], WorkingDir: '/' },
      rootfs: { type: 'layers', diff_ids: [] },
      history: [],
    });
  });

  it('inherits all of the base’s', async () => {
    const { Hostname: _, ...kept } = BASE_CONFIG;
    expect(await execution('', { onBase: true })).toEqual(kept);
  });

  it('holds what the instructions say', async () => {
    const lines =
      'USER 1000:1000\nEXPOSE 8000 53/udp 9000-9001\nVOLUME ["/data"]\nVOLUME /a /b\nSTOPSIGNAL SIGTERM\nLABEL b=2 a="1 1"\nMAINTAINER me <me@example.com>\nHEALTHCHECK --timeout=3s CMD check\nWORKDIR /app\nWORKDIR sub/../other\n';
    expect(await configOf(lines)).toMatchObject({
      author: 'me <me@example.com>',
      config: {
        User: '1000:1000',
        ExposedPorts: { '53/udp': {}, '8000/tcp': {}, '9000/tcp': {}, '9001/tcp': {} },
        Volumes: { '/a': {}, '/b': {}, '/data': {} },
        StopSignal: 'SIGTERM',
        Labels: { a: '1 1', b: '2' },
        Healthcheck: { Test: ['CMD-SHELL', 'check'], Timeout: 3e9 },
        WorkingDir: '/app/other',
      },
    });
  });

  it('sets variables where they stand, all of one line from those before it', async () => {
    expect((await execution('ENV A=1 LANG=de\nENV A=2 B=$A C=${LANG}-$PATH\n', { onBase: true })).Env).toEqual([
      'PATH=/bin',
      'LANG=de',
      'A=2',
      'B=1',
      'C=de-/bin',
    ]);
  });

  it('wraps the shell form in the shell', async () => {
    expect(await execution('ENTRYPOINT run $X\n')).toMatchObject({ Entrypoint: ['/bin/sh', '-c', 'run $X'] });
    expect(await execution('SHELL ["/bin/bash", "-ec"]\nCMD run\n')).toMatchObject({ Cmd: ['/bin/bash', '-ec', 'run'], Shell: ['/bin/bash', '-ec'] });
  });

  it('drops the base’s CMD when ENTRYPOINT is set, not the stage’s own', async () => {
    expect((await execution('ENTRYPOINT ["x"]\n', { onBase: true })).Cmd).toBeUndefined();
    expect((await execution('CMD ["own"]\nENTRYPOINT ["x"]\n', { onBase: true })).Cmd).toEqual(['own']);
    expect((await execution('FROM scratch AS a\nCMD ["a"]\nFROM a\nENTRYPOINT ["x"]\n')).Cmd).toBeUndefined();
  });

  it('gives a stage that stands on another all of it, its arguments too', async () => {
    const { Env, Labels } = await execution('FROM scratch AS a\nARG V=1\nENV E=$V\nLABEL l=a\nFROM a\nLABEL v="<$V>" e=$E\n');
    expect([Env!.at(-1), Labels]).toEqual(['E=1', { l: 'a', v: '<1>', e: '1' }]);
  });

  it('takes labels of the request before the file’s', async () => {
    expect((await execution('LABEL a=file b=file\n', { labels: { b: 'request', c: 'request' } })).Labels).toEqual({ a: 'file', b: 'request', c: 'request' });
  });
});

describe('arguments', () => {
  const labels = async (lines: string, buildArgs = {}) => (await execution(lines, { buildArgs })).Labels;

  it('have their default, or what is given, only from where they are declared', async () => {
    expect(await labels('LABEL before="<$A>"\nARG A=1\nLABEL after=$A\n', {})).toEqual({ before: '<>', after: '1' });
    expect(await labels('LABEL before="<$A>"\nARG A=1\nLABEL after=$A\n', { A: '2', UNUSED: '3' })).toEqual({ before: '<>', after: '2' });
  });

  it('come from before FROM when the stage declares them without a value', async () => {
    expect(await labels('ARG A=1\nFROM scratch\nLABEL a="<$A>"\nARG A\nLABEL b=$A\n')).toEqual({ a: '<>', b: '1' });
    expect(await labels('ARG A=1\nFROM scratch\nARG A=2\nLABEL b=$A\n')).toEqual({ b: '2' });
  });

  it('and ENV of the same name: the last one counts, and an ARG without a value changes nothing', async () => {
    const lines = 'ENV A=env\nARG A=arg\nLABEL a=$A\nENV A=again\nLABEL b=$A\nARG A\nLABEL c=$A\n';
    expect(await labels(lines)).toEqual({ a: 'arg', b: 'again', c: 'again' });
    expect(await labels(lines, { A: 'given' })).toEqual({ a: 'given', b: 'again', c: 'given' });
    expect((await execution(lines)).Env!.at(-1)).toBe('A=again');
  });

  it('may use each other, and an empty value is a value', async () => {
    expect(await labels('ARG A=1\nARG B=${A}x C=$B\nARG D=${E:-none}\nLABEL b=$B c=$C d=$D\n', { A: '' })).toEqual({ b: 'x', c: 'x', d: 'none' });
  });

  it('tell the platform where they are declared', async () => {
    const lines =
      'ARG TARGETARCH TARGETOS TARGETPLATFORM TARGETVARIANT\nARG BUILDPLATFORM\nLABEL t=$TARGETPLATFORM,$TARGETOS,$TARGETARCH,$TARGETVARIANT b=$BUILDPLATFORM\n';
    expect(await labels(lines)).toEqual({ t: 'linux/amd64,linux,amd64,', b: 'linux/amd64' });
    expect((await execution(lines, { platforms: ['linux/arm64'] })).Labels).toEqual({ t: 'linux/arm64,linux,arm64,', b: 'linux/amd64' });
    expect(await labels('LABEL t="<$TARGETARCH>"\n')).toEqual({ t: '<>' });
  });
});

describe('an image whose files are for another platform than its name says', () => {
  it.each([
    ['FROM --platform=linux/amd64 base\n', 1],
    ['FROM --platform=$BUILDPLATFORM base AS build\nFROM build\n', 2],
  ])('is refused: %j', async (dockerfile, line) => {
    expect(await refusals(dockerfile, { onBase: true })).toEqual([['ERR_PLATFORM_MISSING', line]]);
    expect(await refusals(dockerfile, { onBase: true, platforms: ['linux/amd64'] })).toEqual([]);
  });

  it('may take files from one', async () => {
    expect(await refusals('FROM --platform=$BUILDPLATFORM base AS build\nFROM base\nCOPY --from=build /base /x\n', { onBase: true })).toEqual([]);
  });
});

describe('an instruction that makes no sense', () => {
  it.each([
    ['a port that is none', 'EXPOSE 70000', 'ERR_DOCKERFILE_SYNTAX'],
    ['a range that runs backwards', 'EXPOSE 90-80', 'ERR_DOCKERFILE_SYNTAX'],
    ['an unknown protocol', 'EXPOSE 80/icmp', 'ERR_DOCKERFILE_SYNTAX'],
    ['a quote that is not closed', 'LABEL a="x', 'ERR_DOCKERFILE_SYNTAX'],
    ['a variable that must be set', 'ENV A=${B:?is needed}', 'ERR_DOCKERFILE_SYNTAX'],
    ['a pattern in an expansion', 'ENV A=${B#x}', 'ERR_DOCKERFILE_UNSUPPORTED'],
    ['an empty WORKDIR', 'WORKDIR $NONE', 'ERR_DOCKERFILE_SYNTAX'],
  ])('is refused with its line: %s', async (_, line, code) => {
    expect(await refusals(line)).toEqual([[code, 2]]);
  });
});
