import { describe, expect, it } from '@jest/globals';
import { contextInputs } from '../../src/nx/inference/context-inputs.ts';
import { storeBases } from '../../src/nx/inference/dockerfile-facts.ts';

describe('the bases of a Dockerfile', () => {
  it('are the projects of store.localhost that it names, wherever it names them', () => {
    const text =
      'ARG BASE_IMAGE=store.localhost/base-node\nFROM ${BASE_IMAGE}\nCOPY --from=store.localhost/llm-litellm /a /b\nFROM store.localhost/base-node AS again\n';
    expect(storeBases(text)).toEqual(['base-node', 'llm-litellm']);
  });

  it('leave out what stands in a comment, has a digest or a tag, or lies deeper', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    expect(
      storeBases(`# FROM store.localhost/a\nFROM store.localhost/b@${digest}\nFROM store.localhost/c:1\nFROM store.localhost/d/e\nFROM node:24\n`),
    ).toEqual([]);
  });
});

describe('the inputs of a build context', () => {
  const facts = { context: '.', dockerfile: 'Dockerfile' };

  it('are what an allow-list lets through', () => {
    expect(contextInputs({ ...facts, dockerignore: '# all but\n*\n!dist/\n!registry.yaml\n' })).toEqual([
      '{projectRoot}/Dockerfile',
      '{projectRoot}/.dockerignore',
      '{projectRoot}/dist',
      '{projectRoot}/dist/**/*',
    ]);
  });

  it.each([null, 'node_modules\n', '*\n!dist\ndist/x\n', '*\n!../x\n', '*\n!a[bc]\n'])(
    'are every file of the project but registry.yaml where .dockerignore is %j',
    (dockerignore) => {
      expect(contextInputs({ ...facts, dockerignore })).toEqual(['{projectRoot}/**/*', '!{projectRoot}/registry.yaml']);
    },
  );

  it('are every file of the project where the context is a folder of it', () => {
    expect(contextInputs({ ...facts, context: 'image', dockerignore: '*\n!dist\n' })).toContain('{projectRoot}/**/*');
  });
});
