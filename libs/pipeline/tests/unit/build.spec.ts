import { describe, expect, it } from '@jest/globals';
import { builtImageSchema, type BuildPlan, type BuiltImage, type Digest, type Problem } from '@pinlane/contracts';
import * as fc from 'fast-check';
import {
  askedOfImage,
  builtImage,
  chooseEngine,
  contextNames,
  dockerOnly,
  engineMissing,
  fingerprintOf,
  isOpenEnded,
  mayReuse,
  wantsAttestations,
  withoutEffect,
  type BuildRequest,
  type DockerBuildOptions,
} from '../../src/index.ts';

const d = (digit: string) => `sha256:${digit.repeat(64)}` as Digest;
const request = (docker: DockerBuildOptions = {}, labels: Record<string, string> = {}): BuildRequest => ({ docker, labels });

/** Every option, set to something; the compiler asks for each. */
const ALL: { readonly [name in keyof DockerBuildOptions]-?: NonNullable<DockerBuildOptions[name]> } = {
  builder: 'mine',
  cacheFrom: ['type=gha'],
  cacheTo: ['type=gha'],
  provenance: 'mode=max',
  sbom: 'true',
  secret: ['id=token'],
  annotations: ['index:a=b'],
  buildContexts: ['base=docker-image://x.io/y'],
  ssh: ['default'],
  network: 'host',
  addHosts: ['a:127.0.0.1'],
  allow: ['network.host'],
  shmSize: '1g',
  ulimit: ['nofile=1024'],
  cgroupParent: 'x',
  noCacheFilter: ['stage'],
  pull: true,
};
/** Those that are about Docker's builders and caches. */
const ABOUT_DOCKER = ['builder', 'cacheFrom', 'cacheTo', 'noCacheFilter', 'pull'] as const;
const CHANGING = Object.keys(ALL).filter((name) => !(ABOUT_DOCKER as readonly string[]).includes(name)) as (keyof DockerBuildOptions)[];

describe('an option of Docker', () => {
  it('changes the image, or is about builders and caches', () => {
    expect([...withoutEffect(ALL)].sort()).toEqual([...ABOUT_DOCKER].sort());
    expect([...dockerOnly(ALL)].sort()).toEqual([...CHANGING].sort());
  });

  it('is not set if it says nothing, or no', () => {
    const none = { provenance: 'false', sbom: '', secret: [], network: undefined, cacheFrom: [], builder: '', pull: false };
    expect([dockerOnly(none), withoutEffect(none)]).toEqual([[], []]);
  });

  it('asks for attestations if it is provenance or sbom, and does not say false', () => {
    expect([{ provenance: 'mode=min' }, { sbom: 'true' }, { provenance: 'false', sbom: 'false' }, {}].map(wantsAttestations)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('what is asked of an image besides its source', () => {
  const fingerprint = (asked: BuildRequest) =>
    fingerprintOf({
      assembler: '1',
      entries: [],
      dockerfile: '',
      buildArgs: {},
      target: null,
      projection: {} as never,
      bases: {},
      request: askedOfImage(asked),
    });

  it('is nothing if nothing that changes the image was asked for, and moves no fingerprint then', () => {
    expect(askedOfImage(request())).toBeUndefined();
    expect(askedOfImage(request({ builder: 'mine', cacheFrom: ['x'], pull: true, provenance: 'false', secret: [], network: '' }))).toBeUndefined();
    const before = { assembler: '1', entries: [], dockerfile: '', buildArgs: {}, target: null, projection: {} as never, bases: {} };
    expect(fingerprint(request({ builder: 'mine' }))).toBe(fingerprintOf(before));
  });

  it('moves the fingerprint by every option that changes the image, and by labels', () => {
    const asked = [
      request(),
      ...CHANGING.map((name) => request({ [name]: ALL[name] })),
      request({ network: 'none' }),
      request({}, { a: 'b' }),
      request({}, { a: 'c' }),
    ];
    expect(new Set(asked.map(fingerprint)).size).toBe(asked.length);
  });

  it('does not depend on the order of options and labels, nor on options about builders and caches', () => {
    const some = fc.shuffledSubarray(CHANGING);
    const others = fc.subarray([...ABOUT_DOCKER]);
    const of = (names: readonly (keyof DockerBuildOptions)[], labels = {}) =>
      fingerprint(request(Object.fromEntries(names.map((name) => [name, ALL[name]])), labels));
    fc.assert(fc.property(some, others, (asked, more) => expect(of([...more, ...asked])).toBe(of([...asked].sort()))));
    expect(of([], { a: '1', b: '2' })).toBe(of([], { b: '2', a: '1' }));
  });
});

describe('a build context by name', () => {
  it('is open-ended unless a digest stands for it', () => {
    const open = (buildContexts: string[]) => isOpenEnded(request({ buildContexts }));
    const byDigest = `a=docker-image://x.io/y@${d('1')}`;
    expect([open([]), open([byDigest])]).toEqual([false, false]);
    for (const context of ['a=./folder', 'a=docker-image://x.io/y:1', `a=./@${d('1')}/more`])
      expect([context, open([byDigest, context])]).toEqual([context, true]);
    expect(isOpenEnded(request())).toBe(false);
  });

  it('is seen by the Dockerfile under what stands before the first equals sign', () => {
    expect(contextNames(request({ buildContexts: ['a=docker-image://x?b=c', 'x.io/y:1=.'] }))).toEqual(['a', 'x.io/y:1']);
    expect(contextNames(request())).toEqual([]);
  });
});

describe('the engine', () => {
  const unsupported: readonly Problem[] = [{ code: 'ERR_DOCKERFILE_UNSUPPORTED', message: 'RUN' }];

  it.each([
    ['embedded, if nothing needs Docker', 'auto', {}, [], 'embedded', []],
    ['embedded, if the options are about caches', 'auto', { cacheFrom: ['x'] }, [], 'embedded', []],
    ['Docker, if an option needs it, which is no fault of the Dockerfile', 'auto', { network: 'host' }, unsupported, 'docker', []],
    ['Docker, if the Dockerfile needs it, with the lines that do', 'auto', {}, unsupported, 'docker', unsupported],
    ['Docker, if it is asked for', 'docker', {}, [], 'docker', []],
    ['embedded, if it is asked for, whatever the Dockerfile needs', 'embedded', {}, unsupported, 'embedded', []],
  ] as const)('is %s', (_, asked, docker, problems, engine, because) => {
    expect(chooseEngine({ asked, request: request(docker), unsupported: problems })).toEqual({ engine, because });
  });

  it("can't be the embedded one with options that only Docker carries out", () => {
    const choose = () => chooseEngine({ asked: 'embedded', request: request({ provenance: 'true', ssh: ['default'], pull: true }), unsupported: [] });
    expect(choose).toThrow(/^ERR_OPTION_INVALID: the embedded engine cannot carry out --provenance, --ssh\nfix: Build with --engine=docker\.$/);
  });

  it('that is missing is told after the lines that need it', () => {
    const error = engineMissing(unsupported, { available: false, reason: 'there is no Docker', fix: 'Install it.' });
    expect(error.problems).toEqual([...unsupported, { code: 'ERR_ENGINE_UNAVAILABLE', message: 'there is no Docker', fix: 'Install it.' }]);
  });
});

const PLAN: BuildPlan = {
  kind: 'BuildPlan',
  schemaVersion: 1,
  slug: 'a-b',
  target: null,
  platforms: ['linux/amd64', 'linux/arm64'],
  buildArgs: {},
  labels: {},
  bases: { 'x.io/base': `x.io/base@${d('b')}` },
  fingerprint: d('f'),
  repository: 'ghcr.io/pinlane/a-b',
  push: true,
};
const MADE = {
  platforms: { amd64: d('1'), arm64: d('2') },
  index: d('3'),
  engine: { name: 'embedded' as const, version: '1' },
  revision: null,
};
const RECORD = builtImage(PLAN, MADE);

describe('the record of a build', () => {
  it('names the store, also if the plan is to push, and leaves out what was not asked for', () => {
    expect(RECORD).toEqual({
      kind: 'BuiltImage',
      schemaVersion: 1,
      name: 'a-b',
      repository: 'store.localhost/a-b',
      ...MADE,
      fingerprint: d('f'),
      bases: PLAN.bases,
      pushed: false,
    });
    expect(builtImageSchema.parse(JSON.parse(JSON.stringify(RECORD)))).toEqual(RECORD);
  });
});

describe('a recorded build', () => {
  it('stands for a plan of the same source, platforms and engine, whoever asks', () => {
    expect(mayReuse(RECORD, PLAN, 'auto')).toBe(true);
    expect(mayReuse(RECORD, PLAN, 'embedded')).toBe(true);
    expect(mayReuse({ ...RECORD, engine: null }, PLAN, 'docker')).toBe(true);
  });

  it.each([
    ['another source', RECORD, { ...PLAN, fingerprint: d('e') }, 'auto'],
    ['fewer platforms', RECORD, { ...PLAN, platforms: ['linux/amd64'] }, 'auto'],
    ['a platform that was not built', { ...RECORD, platforms: { amd64: d('1') } }, PLAN, 'auto'],
    ['as many platforms, but others', { ...RECORD, platforms: { amd64: d('1') } }, { ...PLAN, platforms: ['linux/arm64'] }, 'auto'],
    ['another engine', RECORD, PLAN, 'docker'],
  ] as [string, BuiltImage, BuildPlan, Parameters<typeof mayReuse>[2]][])('does not stand for a plan with %s', (_, record, plan, wanted) => {
    expect(mayReuse(record, plan, wanted)).toBe(false);
  });
});
