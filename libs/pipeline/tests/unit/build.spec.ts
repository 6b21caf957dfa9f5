import { describe, expect, it } from '@jest/globals';
import { builtImageSchema, type BuildPlan, type BuiltImage, type Digest, type Problem } from '@pinlane/contracts';
import * as fc from 'fast-check';
import {
  builtImage,
  chooseEngine,
  contextNames,
  dockerOnly,
  engineMissing,
  isOpenEnded,
  mayReuse,
  variantOf,
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

describe('the variant of a build', () => {
  it('is undefined if nothing that changes the image was asked for', () => {
    expect(variantOf(request())).toBeUndefined();
    expect(variantOf(request({ builder: 'mine', cacheFrom: ['x'], pull: true, provenance: 'false', secret: [], network: '' }))).toBeUndefined();
  });

  it('stays what it was in records that were written earlier', () => {
    expect(variantOf(request({ provenance: 'mode=max', secret: ['id=token'] }, { team: 'a' }))).toBe(
      'sha256:689c285b555a25e58faaa660648600acc2d2c5dd0d6d3ee99852b3dacfba5adb',
    );
  });

  it('depends on every option that changes the image, and on labels', () => {
    const asked = [...CHANGING.map((name) => request({ [name]: ALL[name] })), request({ network: 'none' }), request({}, { a: 'b' }), request({}, { a: 'c' })];
    const variants = asked.map(variantOf);
    expect(variants).not.toContain(undefined);
    expect(new Set(variants).size).toBe(asked.length);
  });

  it('depends neither on the order of options nor on options about builders and caches', () => {
    const some = fc.shuffledSubarray(CHANGING);
    const others = fc.subarray([...ABOUT_DOCKER]);
    const of = (names: readonly (keyof DockerBuildOptions)[]) => variantOf(request(Object.fromEntries(names.map((name) => [name, ALL[name]]))));
    fc.assert(fc.property(some, others, (asked, more) => expect(of([...more, ...asked])).toBe(of([...asked].sort()))));
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

  it('holds the variant and the contexts if there are any', () => {
    expect(builtImage(PLAN, { ...MADE, variant: d('7'), contexts: ['a'] })).toEqual({ ...RECORD, variant: d('7'), contexts: ['a'] });
    expect(builtImage(PLAN, { ...MADE, contexts: [] })).toEqual(RECORD);
  });
});

describe('a recorded build', () => {
  const auto = { engine: 'auto' as const, request: request() };
  const asked = request({ provenance: 'true' });
  const varied: BuiltImage = { ...RECORD, variant: variantOf(asked) as Digest };

  it('stands for a plan of the same source, platforms, engine and options', () => {
    expect(mayReuse(RECORD, PLAN, auto)).toBe(true);
    expect(mayReuse(RECORD, PLAN, { ...auto, engine: 'embedded' })).toBe(true);
    expect(mayReuse(varied, PLAN, { ...auto, request: asked })).toBe(true);
    expect(mayReuse(RECORD, PLAN, { ...auto, request: request({ cacheFrom: ['x'] }) })).toBe(true);
  });

  it('stands for any options if the caller names none', () => {
    expect(mayReuse(varied, PLAN, { engine: 'auto' })).toBe(true);
  });

  const open = { ...auto, request: request({ buildContexts: ['a=.'] }) };
  it.each([
    ['another source', RECORD, { ...PLAN, fingerprint: d('e') }, auto],
    ['fewer platforms', RECORD, { ...PLAN, platforms: ['linux/amd64'] }, auto],
    ['a platform that was not built', { ...RECORD, platforms: { amd64: d('1') } }, PLAN, auto],
    ['as many platforms, but others', { ...RECORD, platforms: { amd64: d('1') } }, { ...PLAN, platforms: ['linux/arm64'] }, auto],
    ['another engine', RECORD, PLAN, { ...auto, engine: 'docker' }],
    ['more options than it was built with', RECORD, PLAN, { ...auto, request: asked }],
    ['fewer options than it was built with', varied, PLAN, auto],
    ['a context for which no digest stands', { ...RECORD, variant: variantOf(open.request) }, PLAN, open],
  ] as [string, BuiltImage, BuildPlan, Parameters<typeof mayReuse>[2]][])('does not stand for a plan with %s', (_, record, plan, wanted) => {
    expect(mayReuse(record, plan, wanted)).toBe(false);
  });
});
