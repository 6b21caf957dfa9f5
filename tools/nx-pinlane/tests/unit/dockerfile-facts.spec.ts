import { describe, expect, it } from '@jest/globals';
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
