/**
 * Nx requires ejs, whose "import" form has another shape: the condition must not reach its require().
 * @jest-environment-options {"customExportConditions": ["@pinlane/source", "node"]}
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Tree } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { acceptanceFileSchema, processorSpecSchema } from '@pinlane/contracts';
import { errorOf } from '@pinlane/testing';
import { parse } from 'yaml';
import { processorGenerator } from '../../../src/generators/processor/generator.ts';
import type { ProcessorGeneratorOptions } from '../../../src/generators/processor/options.ts';

const workspace = join(import.meta.dirname, '../../../../..');
const FILES = [
  '.dockerignore',
  'Dockerfile',
  'README.md',
  'acceptance/echo.yaml',
  'registry.yaml',
  'src/main.ts',
  'src/mock.ts',
  'src/params.ts',
  'src/processor.ts',
  'src/real.ts',
  'tests/unit/processor.spec.ts',
];

describe('nx g processor', () => {
  let tree: Tree;
  const written = (): string[] =>
    tree
      .listChanges()
      .map(({ path }) => path)
      .sort();
  const text = (file: string): string => tree.read(file, 'utf8') ?? '';
  const spec = (folder = 'processors/acme-echo') => processorSpecSchema.parse(parse(text(`${folder}/registry.yaml`)));
  const neighbour = (folder: string, content: string): void => tree.write(`${folder}/registry.yaml`, content);

  beforeEach(() => {
    tree = createTreeWithEmptyWorkspace({ formatter: 'none' });
  });

  const expectRefusal = async (options: ProcessorGeneratorOptions, ...messages: string[]): Promise<void> => {
    const before = written();
    const refusal = await errorOf(() => processorGenerator(tree, options));
    for (const message of messages) expect(refusal.message).toContain(message);
    expect(written()).toEqual(before);
  };

  it('writes these files and no others', async () => {
    const before = written();
    await processorGenerator(tree, { ref: 'acme/echo@1', secret: ['ACME_KEY'], port: 9000 });
    expect(written().filter((file) => !before.includes(file))).toEqual(FILES.map((file) => `processors/acme-echo/${file}`));
  });

  it('writes a valid registry.yaml that says what was asked for', async () => {
    await processorGenerator(tree, { ref: 'acme/echo@3', secret: ['ACME_KEY', 'OTHER_KEY', 'ACME_KEY'], port: 9000 });
    expect(spec()).toMatchObject({ ref: 'acme/echo@3', build: { port: 9000 }, secrets: { required: ['ACME_KEY', 'OTHER_KEY'] } });
    expect(text('processors/acme-echo/Dockerfile')).toContain('\nEXPOSE 9000\n');
  });

  it('writes acceptance cases that are valid, with and without secrets', async () => {
    await processorGenerator(tree, { ref: 'acme/echo@1', secret: ['ACME_KEY'] });
    await processorGenerator(tree, { ref: 'acme/open@1' });
    const codes = (file: string) => acceptanceFileSchema.parse(parse(text(file))).cases.map(({ expect: { code } }) => code);
    expect(codes('processors/acme-echo/acceptance/echo.yaml')).toContain('ERR_MISSING_SECRET');
    expect(codes('processors/acme-open/acceptance/open.yaml')).not.toContain('ERR_MISSING_SECRET');
  });

  it.each(['llm-litellm', 'replicate-generic', 'media-thumbnail'])('writes the very files that %s has', async (slug) => {
    await processorGenerator(tree, { ref: 'acme/echo@1' });
    for (const file of ['.dockerignore', 'Dockerfile', 'src/main.ts'])
      expect(text(`processors/acme-echo/${file}`)).toBe(readFileSync(join(workspace, 'processors', slug, file), 'utf8'));
  });

  it('leaves nothing of a template behind', async () => {
    await processorGenerator(tree, { ref: 'acme/2-d@1', secret: ['A_KEY'] });
    for (const { path } of tree.listChanges().filter(({ path }) => path.includes('acme-2-d'))) {
      expect(path).not.toMatch(/__|template/);
      expect(text(path)).not.toMatch(/<%|%>|&#39;|\[object/);
    }
    expect(text('processors/acme-2-d/src/params.ts')).toContain('export interface Params2D {');
  });

  it('pushes where all of its neighbours push, and leaves that open where they differ', async () => {
    const image = (repository: string) => `\nimage: { repository: ${repository} }\n`;
    neighbour('processors/a-b', `ref: a/b@1${image('ghcr.io/acme/a-b')}`);
    await processorGenerator(tree, { ref: 'acme/echo@1' });
    expect(spec().image?.repository).toBe('ghcr.io/acme/acme-echo');
    neighbour('processors/c-d', `ref: c/d@1${image('example.com/c-d')}`);
    await processorGenerator(tree, { ref: 'acme/other@1' });
    expect(spec('processors/acme-other').image).toBeUndefined();
  });

  it.each([
    ['base-node', 'store.localhost/base-node'],
    ['store.localhost/base-python', 'store.localhost/base-python'],
    [`node@sha256:${'a'.repeat(64)}`, `docker.io/library/node@sha256:${'a'.repeat(64)}`],
  ])('builds on %s', async (base, image) => {
    await processorGenerator(tree, { ref: 'acme/echo@1', base });
    expect(text('processors/acme-echo/Dockerfile')).toContain(`ARG BASE_IMAGE=${image}\n`);
  });

  it('puts the processor where it is told to, below the folders that the plugin looks at', async () => {
    tree.write('nx.json', JSON.stringify({ plugins: [{ plugin: '@pinlane/nx', options: { folders: ['services/'] } }] }));
    await processorGenerator(tree, { ref: 'acme/echo@1', directory: 'services/voice/echo/' });
    expect(spec('services/voice/echo').ref).toBe('acme/echo@1');
    await expectRefusal({ ref: 'acme/other@1' }, 'ERR_OPTION_INVALID', 'processors/acme-other is not below services', 'nx.json');
  });

  it('reports all that is wrong with its options at once', async () => {
    await expectRefusal(
      { ref: 'Acme/Echo', secret: ['-x', 'lower'], port: 0, directory: '../x', base: 'node:24' },
      'ERR_REF_INVALID',
      '"-x"',
      '"lower"',
      '--port',
      '--directory',
      '--base',
    );
  });

  it.each([
    '',
    'echo',
    'acme/echo',
    'acme/echo@0',
    'acme/echo@v1',
    'acme/../echo@1',
    '-acme/echo@1',
    'acme/echo@1\n',
    'acme/${{ x }}@1',
    'acme/-echo@1',
    'ACME/echo@1',
    `${'a'.repeat(80)}/b@1`,
  ])('refuses the ref %j', async (ref) => {
    await expectRefusal({ ref }, 'ERR_REF_INVALID');
  });

  it.each([
    '',
    '/abs',
    'C:/x',
    'processors/../x',
    'processors/./x',
    'processors//x',
    '-x/y',
    'processors/-x',
    'processors/a\nb',
    'processors/${{ x }}',
    'processors\\x',
  ])('refuses the folder %j', async (directory) => {
    await expectRefusal({ ref: 'acme/echo@1', directory }, 'ERR_OPTION_INVALID: --directory');
  });

  it('refuses a ref that is taken, wherever its registry.yaml is', async () => {
    neighbour('elsewhere/deep', 'ref: acme/echo@1\n');
    await expectRefusal({ ref: 'acme/echo@1' }, 'ERR_REF_DUPLICATE: elsewhere/deep/registry.yaml: acme/echo@1 is there already');
  });

  it('refuses a ref whose slug another has', async () => {
    neighbour('processors/a-b-c', 'ref: a-b/c@1\n');
    await expectRefusal({ ref: 'a/b-c@1' }, 'ERR_REF_DUPLICATE', 'a/b-c@1 and a-b/c@1 both have the slug a-b-c');
  });

  it('refuses a folder that exists, and one within another processor', async () => {
    tree.write('processors/acme-echo/notes.txt', '');
    await expectRefusal({ ref: 'acme/echo@1' }, 'ERR_GENERATOR_CONFLICT', 'the folder processors/acme-echo exists');
    neighbour('processors/acme-other', 'ref: acme/other@1\n');
    await expectRefusal({ ref: 'acme/third@1', directory: 'processors/acme-other/third' }, 'ERR_GENERATOR_CONFLICT', 'inside of the processor acme/other@1');
    tree.write('processors/file', '');
    await expectRefusal({ ref: 'acme/third@1', directory: 'processors/file/third' }, 'ERR_GENERATOR_CONFLICT', 'processors/file is a file');
  });

  it.each([
    ['libs/x/project.json', { name: 'acme-echo' }],
    ['libs/acme-echo/project.json', {}],
    ['libs/x/package.json', { name: '@acme/x', nx: { name: 'acme-echo' } }],
    ['libs/x/package.json', { name: 'acme-echo' }],
  ])('refuses a slug that is the name of another project, as %s says', async (file, json) => {
    tree.write(file, JSON.stringify(json));
    await expectRefusal({ ref: 'acme/echo@1' }, 'ERR_GENERATOR_CONFLICT', `${file}: the project acme-echo has the name`);
  });

  it('is not kept from its work by a registry.yaml that is broken', async () => {
    neighbour('processors/broken', 'ref: [\n');
    neighbour('processors/odd', '- just a list\n');
    tree.write('libs/x/package.json', '{');
    await processorGenerator(tree, { ref: 'acme/echo@1' });
    expect(spec().ref).toBe('acme/echo@1');
  });
});

describe('the schema of nx g processor', () => {
  const schema = JSON.parse(readFileSync(join(workspace, 'tools/nx-pinlane/src/generators/processor/schema.json'), 'utf8')) as {
    properties: Record<string, { description?: string }>;
    required: string[];
    additionalProperties: boolean;
  };

  it('knows exactly the options that the generator takes, and describes each', () => {
    const options: Record<keyof ProcessorGeneratorOptions, true> = { ref: true, secret: true, port: true, directory: true, base: true };
    expect(Object.keys(schema.properties).sort()).toEqual(Object.keys(options).sort());
    expect(Object.values(schema.properties).every(({ description }) => Boolean(description))).toBe(true);
    expect([schema.required, schema.additionalProperties]).toEqual([['ref'], false]);
  });
});
