import { describe, expect, it } from '@jest/globals';
import { problemsOf } from '@pinlane/testing';
import { dockerfileBases, parseDockerfile, planStages, undeclaredArguments } from '../../src/index.ts';

const parse = (text: string) => parseDockerfile(text, 'Dockerfile');
const bases = (text: string, buildArgs = {}, target?: string) => dockerfileBases(parse(text), buildArgs, ['linux/amd64', 'linux/arm64'], target);
const stageProblems = async (text: string, target?: string) =>
  (await problemsOf(() => planStages(parse(text), { target, buildArgs: {}, platform: 'linux/amd64' }))).map(({ code, line }) => [code, line]);

describe('dockerfileBases', () => {
  it('names the images, not the stages and not scratch', () => {
    expect(bases('FROM node:24 AS build\nFROM scratch\nCOPY --from=build /a /b\nCOPY --from=0 /a /c\nCOPY --from=busybox:1 /bin/x /x\n')).toEqual([
      'node:24',
      'busybox:1',
    ]);
  });

  it('expands what FROM sees: ARGs before it, build arguments, the platform', () => {
    const text = 'ARG BASE_IMAGE=store.localhost/base-node\nFROM ${BASE_IMAGE}\nFROM img-$TARGETARCH\nCOPY --from=0 a b\n';
    expect(bases(text)).toEqual(['store.localhost/base-node', 'img-amd64', 'img-arm64']);
    expect(bases('ARG A=x\nFROM $A\n', { A: 'other:1' })).toEqual(['other:1']);
  });

  it('leaves out what the target does not need', () => {
    const text = 'FROM a AS one\nFROM b AS two\nFROM c AS three\nCOPY --from=one / /\n';
    expect(bases(text)).toEqual(['a', 'c']);
    expect(bases(text, {}, 'TWO')).toEqual(['b']);
    expect(bases(text, {}, '1')).toEqual(['b']);
  });

  it.each([
    ['RUN --mount=type=bind,from=img:1,target=/m --mount=type=cache,target=/c --mount=type=bind,target=/n,from=tools make', ['a', 'img:1', 'b']],
    ['RUN --mount="type=cache,from=img:1,target=/c" make', ['a', 'img:1']],
    ['RUN --mount=type=tmpfs,from=img:1,target=/t make', ['a']],
    ['COPY --parents --from=img:1 /x /y', ['a', 'img:1']],
    ['COPY --exclude=*.md --from=tools /x /y', ['a', 'b']],
  ])('names what only Docker reads from: %s', (line, expected) => {
    expect(bases(`FROM b AS tools\nFROM c AS idle\nFROM a\n${line}\n`).sort()).toEqual([...expected].sort());
  });

  it('does not let a stage’s ARG reach FROM', async () => {
    expect(await problemsOf(() => bases('FROM a\nARG B=x\nFROM $B\n'))).toMatchObject([{ code: 'ERR_DOCKERFILE_STAGE', line: 3 }]);
  });
});

describe('planStages', () => {
  it('takes the latest earlier stage of a name, whatever its case', () => {
    const { target } = planStages(parse('FROM a AS x\nFROM b AS X\nFROM x\n'), { buildArgs: {}, platform: 'linux/amd64' });
    expect(target.base).toMatchObject({ kind: 'stage', stage: { index: 1 } });
  });

  it('gives the platform of FROM --platform to the stage alone', () => {
    const text = 'FROM --platform=$BUILDPLATFORM a AS build\nFROM --platform=$TARGETPLATFORM b\nCOPY --from=build / /\n';
    const { stages } = planStages(parse(text), { buildArgs: {}, platform: 'linux/arm64' });
    expect(stages.map(({ platform }) => platform)).toEqual(['linux/amd64', 'linux/arm64']);
  });

  it.each([
    ['a stage that copies from itself', 'FROM a AS x\nCOPY --from=x / /\n', 2],
    ['a stage that copies from a later one', 'FROM a AS x\nCOPY --from=y / /\nFROM x AS y\n', 2],
    ['a stage that copies from a later one by number', 'FROM a\nCOPY --from=1 / /\nFROM b\nCOPY --from=0 / /\n', 2],
    ['a number that is no stage', 'FROM a\nCOPY --from=7 / /\n', 2],
    ['a variable in --from', 'FROM a\nCOPY --from=$X / /\n', 2],
    ['a mount from a later stage', 'FROM a AS x\nRUN --mount=type=bind,from=y,target=/m true\nFROM x AS y\n', 2],
    ['a stage that stands on itself', 'FROM x AS x\n', 1],
  ])('refuses %s', async (_, text, line) => {
    const target = text.includes('AS y') ? 'x' : text.includes('FROM b') ? '0' : undefined;
    expect(await stageProblems(text, target)).toEqual([['ERR_DOCKERFILE_STAGE', line]]);
  });

  it('tells stages in a circle all at once', async () => {
    expect(await stageProblems('FROM b AS a\nCOPY --from=b / /\nFROM a AS b\n', 'b')).toEqual([
      ['ERR_DOCKERFILE_STAGE', 2],
      ['ERR_DOCKERFILE_STAGE', 1],
    ]);
  });

  it('refuses a target that is not there', async () => {
    expect(await stageProblems('FROM a AS x\n', 'y')).toEqual([['ERR_DOCKERFILE_STAGE', undefined]]);
    expect(await stageProblems('FROM a AS x\n', '1')).toEqual([['ERR_DOCKERFILE_STAGE', undefined]]);
  });

  it.each(['linux/arm64', 'linux/arm64/v8', 'arm64'])('takes %s for the platform that it names', (name) => {
    const { stages } = planStages(parse(`FROM --platform=${name} a\n`), { buildArgs: {}, platform: 'linux/amd64' });
    expect(stages.map(({ platform }) => platform)).toEqual(['linux/arm64']);
  });

  it.each(['linux/arm/v7', 'linux/arm64/v9', 'linux/arm64/', 'linux/arm64/v8/x', 'windows/amd64', 'linux/constructor', 'linux'])(
    'refuses %s, which is not built',
    async (name) => {
      const problems = await problemsOf(() => planStages(parse(`FROM --platform=${name} a\n`), { buildArgs: {}, platform: 'linux/amd64' }));
      expect(problems).toMatchObject([{ code: 'ERR_PLATFORM_INVALID', message: `FROM --platform=${name} is neither linux/amd64 nor linux/arm64` }]);
    },
  );

  it('refuses a platform that is not built', async () => {
    expect(await stageProblems('FROM --platform=linux/riscv64 a\n')).toEqual([['ERR_PLATFORM_INVALID', 1]]);
  });
});

describe('undeclaredArguments', () => {
  it('names what no ARG declares, but for what Docker takes without', () => {
    const parsed = parse('ARG A\nFROM scratch\nARG B=1 C\n');
    expect(undeclaredArguments(parsed, { A: '1', C: '1', b: '1', D: '1', HTTP_PROXY: 'x', no_proxy: 'x' })).toEqual(['D', 'b']);
  });
});
