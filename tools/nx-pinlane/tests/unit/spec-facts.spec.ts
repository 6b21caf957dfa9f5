import { describe, expect, it } from '@jest/globals';
import type { PinlaneError } from '@pinlane/contracts';
import { errorOfSync } from '@pinlane/testing';
import { readSpecFacts } from '../../src/workspace/spec-facts.ts';

const FILE = 'processors/llm-litellm/registry.yaml';
const read = (text: string) => readSpecFacts(FILE, text);

const refused = (text: string): PinlaneError => errorOfSync(() => read(text));

describe('the facts of a registry.yaml', () => {
  it('are its ref, its slug and where its build context is', () => {
    expect(read('ref: llm/litellm@1\nbuild: { context: image, dockerfile: Other.Dockerfile }\n')).toMatchObject({
      ref: 'llm/litellm@1',
      slug: 'llm-litellm',
      context: 'image',
      dockerfile: 'Other.Dockerfile',
    });
  });

  it('have the context and Dockerfile that a spec has where it names none', () => {
    expect(read('ref: a/b@1\n')).toMatchObject({ context: '.', dockerfile: 'Dockerfile' });
  });

  it('survive a byte order mark and CRLF', () => {
    expect(read('\uFEFFref: a/b@1\r\nbuild:\r\n  port: 1\r\n').ref).toBe('a/b@1');
  });
});

describe('a registry.yaml that is broken', () => {
  it('is refused with the place of the mistake', () => {
    const error = refused('ref: a/b@1\nbuild:\n\tport: 1\n');
    expect(error.problems[0]).toMatchObject({ code: 'ERR_REGISTRY_SYNTAX', file: FILE, line: 3 });
  });

  it('is refused when a key stands twice', () => {
    expect(refused('ref: a/b@1\nref: a/c@1\n').problems[0]).toMatchObject({ code: 'ERR_REGISTRY_SYNTAX', line: 2 });
  });

  it('is refused when it uses an alias, however many values that would make', () => {
    const bomb = [
      'ref: a/b@1',
      'inputs:',
      '  a: &a [x, x]',
      ...Array.from(
        { length: 40 },
        (_, i) => `  ${'b'.repeat(i + 1)}: &${'b'.repeat(i + 1)} [*${i === 0 ? 'a' : 'b'.repeat(i)}, *${i === 0 ? 'a' : 'b'.repeat(i)}]`,
      ),
    ];
    expect(refused(bomb.join('\n')).code).toBe('ERR_REGISTRY_SYNTAX');
  });

  it('is refused when it is nested deeper than a parser can follow', () => {
    expect(refused(`ref: a/b@1\ninputs: ${'['.repeat(200_000)}`).code).toBe('ERR_REGISTRY_SYNTAX');
  });

  it('is refused when it is larger than 1 MiB', () => {
    expect(refused(`ref: a/b@1\n# ${'x'.repeat(1024 * 1024)}`).code).toBe('ERR_REGISTRY_TOO_LARGE');
  });

  it('is refused when it holds no mapping', () => {
    expect(refused('- a\n').code).toBe('ERR_REGISTRY_INVALID');
    expect(refused('').code).toBe('ERR_REGISTRY_INVALID');
  });

  it.each(['-x/y@1', 'a/b', 'a/b@0', 'A/b@1', '"a/b@1\\n"', '"a/${{ x }}@1"', '"../b@1"', `a/${'b'.repeat(90)}@1`, '[a]', '1'])(
    'is refused when its ref is %s',
    (ref) => {
      expect(refused(`build: {}\nref: ${ref}\n`).problems[0]).toMatchObject({ code: 'ERR_REF_INVALID', file: FILE, line: 2 });
    },
  );

  it.each(['../x', '/etc', 'a/../../b', '-rf'])('is refused when its context is %s', (context) => {
    expect(refused(`ref: a/b@1\nbuild:\n  context: ${context}\n`).problems[0]).toMatchObject({ code: 'ERR_PATH_ESCAPES', line: 2 });
  });
});
