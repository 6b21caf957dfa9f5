import { execFileSync } from 'node:child_process';
import { rmSync, symlinkSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { AggregateCreateNodesError, CreateNodesResultArray, NxJsonConfiguration, ProjectConfiguration } from '@nx/devkit';
import { temporaryFolder } from '@pinlane/testing';
import { createProcessorNodes, type PluginOptions } from '../../src/nx/inference/create-nodes.ts';
import { openFactsCache } from '../../src/workspace/facts-cache.ts';
import { MANIFEST } from '../../src/verbs/manifest.ts';
import { explainErrors } from '../../src/nx/inference/explain-errors.ts';

/** The names of the verbs that have a target on a subject. */
const verbsOn = (subject: string): string[] =>
  Object.entries(MANIFEST).flatMap(([name, verb]) => (verb.subject === subject && verb.target !== null ? [name] : []));

let root: string;
beforeEach(() => {
  root = temporaryFolder('infer');
});

const write = async (files: Record<string, string>) => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return Object.keys(files).filter((path) => path.endsWith('registry.yaml'));
};
const infer = (files: readonly string[], nxJsonConfiguration: NxJsonConfiguration = {}, options?: PluginOptions) =>
  createProcessorNodes(files, options, { nxJsonConfiguration, workspaceRoot: root }, openFactsCache(root, {}));
const projects = (nodes: CreateNodesResultArray): ProjectConfiguration[] =>
  nodes.flatMap(([, { projects: of }]) => Object.values(of ?? {}) as ProjectConfiguration[]);
const failed = (files: readonly string[]): AggregateCreateNodesError => {
  try {
    infer(files);
  } catch (thrown) {
    return thrown as AggregateCreateNodesError;
  }
  throw new Error('nothing was reported');
};

describe('inference', () => {
  it('makes a project of every registry.yaml below processors, with the targets that its files call for', async () => {
    const files = await write({
      'processors/a-b/registry.yaml': 'ref: a/b@1\n',
      'processors/a-b/src/main.ts': '',
      'processors/a-b/tests/unit/x.spec.ts': '',
      'processors/group/c-d/registry.yaml': 'ref: c/d@1\n',
      'other/registry.yaml': 'ref: e/f@1\n',
    });
    const found = projects(infer(files));
    expect(found.map(({ name, root: folder, tags }) => [name, folder, tags?.[1]])).toEqual([
      ['a-b', 'processors/a-b', 'ref:a/b@1'],
      ['c-d', 'processors/group/c-d', 'ref:c/d@1'],
    ]);
    expect(found.map(({ targets }) => Object.keys(targets ?? {}))).toEqual([
      [...verbsOn('processor'), 'test-unit'],
      verbsOn('processor').filter((name) => name !== 'bundle'),
    ]);
  });

  it('makes a project of its own for the workspace, under the name that the plugin is told', async () => {
    const [found] = projects(infer(['nx.json']));
    expect([found?.name, found?.root, Object.keys(found?.targets ?? {})]).toEqual(['pinlane', '.pinlane', verbsOn('workspace')]);
    expect(found?.targets?.['store-serve']).toMatchObject({ executor: '@pinlane/nx:store-serve', cache: false, continuous: true });
    const [named] = projects(infer(['nx.json'], {}, { workspaceProject: 'images' }));
    expect([named?.name, named?.targets?.['store-gc']?.metadata?.help?.command]).toEqual(['images', 'npx nx run images:store-gc --help']);
  });

  it('hands the folder of the tests on so that neither a shell nor Jest reads more into its name', async () => {
    const files = await write({
      'processors/$(touch x)+ü/registry.yaml': 'ref: a/b@1\n',
      'processors/$(touch x)+ü/tests/unit/x.spec.ts': '',
    });
    const command: string = projects(infer(files))[0]?.targets?.['test-unit']?.options.command;
    const pattern = /--testPathPatterns=(\S+)$/.exec(command)?.[1];
    expect(command).not.toMatch(/[$()+ü]/);
    expect('processors/$(touch x)+ü/tests/unit/x.spec.ts').toMatch(new RegExp(pattern ?? '^$'));
    expect('processors/other/tests/unit/x.spec.ts').not.toMatch(new RegExp(pattern ?? ''));
  });

  it('takes the files of odd folders for inputs of every test, by a pattern that has none of their signs', async () => {
    const files = await write({ 'processors/a-b/registry.yaml': 'ref: a/b@1\n', 'processors/a-b/tests/unit/x.spec.ts': '' });
    const others = ['libs/[shared] (two)/project.json', 'apps/{one,two}/package.json', 'libs/plain folder/project.json', 'package.json'];
    const target = projects(infer([...files, ...others]))[0]?.targets?.['test-unit'];
    const odd = ['{workspaceRoot}/apps/?one,two?/**/*', '{workspaceRoot}/libs/?shared? ?two?/**/*'];
    expect([target?.cache, target?.inputs?.slice(2, -2)]).toEqual([true, odd]);
    expect(projects(infer(files))[0]?.targets?.['test-unit']?.inputs).toHaveLength(4);
  });

  it('makes a project of every base.yaml that defines a base image, wherever it is, and none of those of other tools', async () => {
    const definition = "release: bookworm\npackages: [libc6]\nnode: '24'\n";
    const files = {
      'images/plain/base.yaml': definition,
      'images/(odd)/base.yaml': definition,
      'libs/named/base.yaml': definition,
      'libs/named/package.json': '{ "name": "@acme/named", "nx": { "name": "own-base" } }',
      'libs/broken/base.yaml': 'release: [\n',
      'libs/broken/base.lock.json': '{}',
      'deploy/overlays/base.yaml': 'resources: [a.yaml]\n',
      'charts/base.yaml': 'release: x\nnode: y\n',
    };
    await write(files);
    execFileSync('mkdir', ['-p', join(root, 'pipe')]);
    execFileSync('mkfifo', [join(root, 'pipe/base.yaml')]);
    const found = projects(infer([...Object.keys(files), 'pipe/base.yaml']));
    expect(found.map(({ name, root: folder }) => [name, folder])).toEqual([
      ['plain', 'images/plain'],
      ['(odd)', 'images/(odd)'],
      ['own-base', 'libs/named'],
      ['broken', 'libs/broken'],
    ]);
    for (const { name, targets = {} } of found)
      expect(Object.entries(targets).map(([target, { executor, cache, metadata }]) => [target, executor, cache, metadata?.help?.command])).toEqual([
        ['buildx', '@pinlane/nx:base', false, `npx nx run ${name}:buildx --help`],
        ['update', '@pinlane/nx:base-update', false, `npx nx run ${name}:update --help`],
        ['pin', '@pinlane/nx:base-pin', false, `npx nx run ${name}:pin --help`],
      ]);
    expect(found[0]?.targets?.['buildx']).toMatchObject({
      inputs: ['{projectRoot}/**/*', { externalDependencies: [] }, { env: 'PINLANE_LANE' }, { env: 'PINLANE_BASE_IMAGE' }],
      outputs: ['{workspaceRoot}/.pinlane/builds/plain.json'],
      configurations: { pinned: { skip: true } },
    });
    expect(found[1]?.targets?.['buildx']?.inputs).toContain('{workspaceRoot}/**/*');
  });

  it('keeps the targets of a processor as they are when only its pins change', async () => {
    const files = await write({ 'processors/a-b/registry.yaml': 'ref: a/b@1\n' });
    const before = infer(files);
    await write({ 'processors/a-b/registry.yaml': `ref: a/b@1\nimage: { index: "x@sha256:${'a'.repeat(64)}" }\n` });
    expect(infer(files)).toEqual(before);
  });

  it('counts no package for a processor but those that it depends on, whether it is bundled or not', async () => {
    const files = await write({
      'processors/a-b/registry.yaml': 'ref: a/b@1\n',
      'processors/a-b/src/main.ts': '',
      'processors/c-d/registry.yaml': 'ref: c/d@1\n',
    });
    for (const { targets } of projects(infer(files)))
      for (const name of ['buildx', 'pin', 'acceptance']) expect(targets?.[name]?.inputs).toContainEqual({ externalDependencies: [] });
  });

  it('makes a processor depend on the project whose image it builds on, even where there is none of that name', async () => {
    const files = await write({ 'processors/a-b/registry.yaml': 'ref: a/b@1\n', 'processors/a-b/Dockerfile': 'FROM store.localhost/base-node\n' });
    expect(projects(infer(files))[0]?.implicitDependencies).toEqual(['{base-node,a-b}']);
  });

  describe('what is built before', () => {
    const PROCESSORS = {
      'processors/base/registry.yaml': 'ref: a/base@1\n',
      'processors/upper/registry.yaml': 'ref: a/upper@1\n',
      'processors/upper/Dockerfile': 'FROM store.localhost/a-base\n',
      'processors/top/registry.yaml': 'ref: a/top@1\n',
      'processors/top/Dockerfile': 'FROM store.localhost/a-upper\n',
    };
    const orders = async (more: Record<string, string> = {}, nxJson = {}) => {
      const all = projects(infer(await write({ ...PROCESSORS, ...more }), nxJson));
      return Object.fromEntries(
        all.map(({ name, targets = {} }) => [name, Object.fromEntries(Object.entries(targets).map(([key, { dependsOn }]) => [key, dependsOn]))]),
      );
    };
    const after = (project: string, target: string) => [{ projects: [project], target }];

    it('is built by buildx for builds, and in the process of pins for pins', async () => {
      const { 'a-base': base, 'a-upper': upper, 'a-top': top } = await orders();
      expect([base?.['buildx'], base?.['pin'], base?.['base-for-pins']]).toEqual([[], [], []]);
      expect([upper?.['buildx'], upper?.['pin'], upper?.['base-for-pins']]).toEqual([
        after('a-base', 'buildx'),
        after('a-base', 'base-for-pins'),
        after('a-base', 'base-for-pins'),
      ]);
      expect([top?.['buildx'], top?.['pin']]).toEqual([after('a-upper', 'buildx'), after('a-upper', 'base-for-pins')]);
      expect(Object.keys(top ?? {})).not.toContain('base-for-pins');
    });

    const ORDER = { buildx: { dependsOn: ['codegen'] } };
    it.each<[string, Record<string, string>, object]>([
      ['project.json', { 'processors/base/project.json': JSON.stringify({ targets: ORDER }) }, {}],
      ['a configuration', { 'processors/base/project.json': JSON.stringify({ targets: { buildx: { configurations: { ci: {} } } } }) }, {}],
      ['package.json', { 'processors/base/package.json': JSON.stringify({ nx: { targets: ORDER } }) }, {}],
      ['defaults', {}, { targetDefaults: ORDER }],
      ['defaults of the executor', {}, { targetDefaults: { '@pinlane/nx:buildx': ORDER.buildx } }],
      ['defaults in a list', {}, { targetDefaults: [{ target: 'buildx', ...ORDER.buildx }] }],
    ])('is built by buildx where more than its options is said in %s', async (_, more, nxJson) => {
      const { 'a-base': base, 'a-upper': upper } = await orders(more, nxJson);
      expect([upper?.['pin'], Object.keys(base ?? {}).includes('base-for-pins')]).toEqual([after('a-base', 'buildx'), false]);
    });

    it('does as buildx does, by the executor of pin', async () => {
      const all = projects(infer(await write(PROCESSORS)));
      const targets = all.find(({ name }) => name === 'a-base')?.targets;
      const { executor, options, inputs, outputs, configurations } = targets?.['base-for-pins'] ?? {};
      expect({ executor, options, inputs, outputs, configurations }).toEqual({
        executor: '@pinlane/nx:pin',
        options: { onlyBuilds: true },
        inputs: targets?.['buildx']?.inputs,
        outputs: targets?.['buildx']?.outputs,
        configurations: targets?.['buildx']?.configurations,
      });
    });
  });

  it('takes everything for an input, whatever the workspace leaves out, and no key of Nx for the answer', async () => {
    const files = await write({ 'processors/a-b/registry.yaml': 'ref: a/b@1\n', 'processors/(x)/registry.yaml': 'ref: c/d@1\n' });
    const [plain, odd] = projects(infer(files, { namedInputs: { production: [], default: [] } })).sort((a, b) => (a.root > b.root ? -1 : 1));
    for (const name of ['buildx', 'pin', 'acceptance']) {
      expect(plain?.targets?.[name]).toMatchObject({ cache: false, inputs: expect.arrayContaining(['{projectRoot}/**/*', '^{projectRoot}/**/*']) });
      expect(odd?.targets?.[name]?.inputs).toContain('{workspaceRoot}/**/*');
    }
    expect([plain?.targets?.['buildx']?.inputs, plain?.targets?.['pin']?.inputs]).toEqual([
      expect.arrayContaining(['!{projectRoot}/registry.yaml']),
      expect.not.arrayContaining(['!{projectRoot}/registry.yaml']),
    ]);
  });

  it('waits for no pipe and reads no device, be it in the place of a spec, a Dockerfile or what is to be ignored', async () => {
    const files = await write({ 'processors/a-b/registry.yaml': 'ref: a/b@1\n', 'processors/pipe/registry.yaml': '', 'processors/zero/registry.yaml': '' });
    for (const name of ['a-b/Dockerfile', 'a-b/.dockerignore']) execFileSync('mkfifo', [join(root, 'processors', name)]);
    rmSync(join(root, 'processors/pipe/registry.yaml'));
    execFileSync('mkfifo', [join(root, 'processors/pipe/registry.yaml')]);
    rmSync(join(root, 'processors/zero/registry.yaml'));
    symlinkSync('/dev/zero', join(root, 'processors/zero/registry.yaml'));
    const error = failed(files);
    expect(error.errors.map(([file, { message }]) => [file, message.slice(0, 19)])).toEqual([
      ['processors/pipe/registry.yaml', 'ERR_REGISTRY_SYNTAX'],
      ['processors/zero/registry.yaml', 'ERR_REGISTRY_SYNTAX'],
    ]);
    expect(error.partialResults.map(([file]) => file)).toEqual(['processors/a-b/registry.yaml']);
  });

  it('reports every broken file by name and place, and keeps the others', async () => {
    const files = await write({
      'processors/a-b/registry.yaml': 'ref: a/b@1\n',
      'processors/bad/registry.yaml': 'ref: [\n',
      'processors/worse/registry.yaml': 'build: {}\nref: "-x"\n',
    });
    const error = failed(files);
    expect(error.name).toBe('AggregateCreateNodesError');
    expect(error.errors.map(([file, { message }]) => [file, message.split('\n')[0]])).toEqual([
      ['processors/bad/registry.yaml', expect.stringMatching(/^ERR_REGISTRY_SYNTAX: processors\/bad\/registry\.yaml:2:1: /)],
      ['processors/worse/registry.yaml', expect.stringMatching(/^ERR_REF_INVALID: processors\/worse\/registry\.yaml:2: /)],
    ]);
    expect(projects(error.partialResults as CreateNodesResultArray).map(({ name }) => name)).toEqual(['a-b']);
  });

  it('reports two processors with one ref, and two refs with one slug', async () => {
    const files = await write({
      'processors/one/registry.yaml': 'ref: a/b-c@1\n',
      'processors/three/registry.yaml': 'ref: a/b-c@1\n',
      'processors/two/registry.yaml': 'ref: a-b/c@1\n',
    });
    const messages = failed(files).errors.map(([file, { message }]) => `${file} ${message}`);
    expect(messages).toEqual([
      expect.stringContaining('a/b-c@1 is also the ref of processors/one/registry.yaml'),
      expect.stringContaining('a-b/c@1 and a/b-c@1 of processors/one/registry.yaml both have the slug a-b-c'),
    ]);
  });
});

describe('what inference says of broken files', () => {
  const explained = async (text: string, command = 'show') => {
    const files = await write({ 'processors/a-b/registry.yaml': 'ref: a/b@1\n', 'processors/broken/registry.yaml': text });
    const told: string[] = [];
    const error = await explainErrors(failed(files), root, { command, tell: (line) => told.push(line) });
    return { messages: error.errors.map(([, { message }]) => message), told, kept: projects(error.partialResults as CreateNodesResultArray) };
  };

  it.each([
    ['ref: c/d@1\nx: &a {}\ny: *a\n', 'processors/broken/registry.yaml:2:'],
    ['ref: c/d@1\nbuild:\n  port: 8000\n  context: ../..\n', 'processors/broken/registry.yaml:4:12: build.context'],
    ['ref: c/d@0\n', 'processors/broken/registry.yaml:1:6: ref'],
  ])('has line and column, and the rest of the workspace stays: %j', async (text, place) => {
    const { messages, told, kept } = await explained(text);
    expect([messages.length, messages[0]]).toEqual([1, expect.stringContaining(place)]);
    expect([told, kept.map(({ name }) => name)]).toEqual([[], ['a-b']]);
  });

  it('is told where Nx says only that something failed, and is what it was where the strict reading finds nothing', async () => {
    const { told } = await explained('ref: c/d@0\n', 'run-many');
    expect(told).toEqual([expect.stringMatching(/^ERR_REGISTRY_INVALID: processors\/broken\/registry\.yaml:1:6: [^]*\n$/)]);
    expect((await explained('ref: a/b@1\n', 'affected')).told).toEqual([expect.stringContaining('ERR_REF_DUPLICATE')]);
  });
});
