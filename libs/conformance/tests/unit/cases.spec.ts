import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { problemsOfSync, temporaryFolder } from '@pinlane/testing';
import { exampleParams, parseAcceptanceFile } from '../../src/index.ts';
import { openArtifacts } from '../../src/artifacts/index.ts';
import { outputProblems } from '../../src/cases/run.ts';
import { SPEC } from '../support/subject.ts';

const problemsOf = (text: string) => problemsOfSync(() => parseAcceptanceFile(text, 'acceptance/x.yaml'));

describe('a file of acceptance cases', () => {
  it('is read with its defaults', () => {
    const [only] = parseAcceptanceFile('cases:\n  - name: greets\n    params: { text: hi }\n    expect: {}\n', 'x.yaml');
    expect(only).toEqual({
      name: 'greets',
      mode: 'mock',
      params: { text: 'hi' },
      stream: false,
      expect: { status: 'success', outputs: [], more_outputs: false },
    });
  });

  it('has every problem reported at its line and column', () => {
    const text = ['cases:', '  - name: one', '    mode: fast', '    expect:', '      code: oops', '  - nam: two', '    expect: {}', ''].join('\n');
    expect(problemsOf(text)).toEqual([
      expect.objectContaining({
        code: 'ERR_ACCEPTANCE_CASE_INVALID',
        file: 'acceptance/x.yaml',
        line: 3,
        column: 11,
        message: expect.stringContaining('cases.0.mode'),
      }),
      expect.objectContaining({ line: 5, column: 13, message: expect.stringContaining('cases.0.expect.code') }),
      expect.objectContaining({ line: 6, message: expect.stringContaining('cases.1.name') }),
      expect.objectContaining({ line: 6, message: expect.stringContaining('"nam"') }),
    ]);
  });

  it.each([
    ['broken YAML', 'cases:\n  - name: "open\n', 3],
    ['a duplicate key', 'cases:\n  - name: a\n    name: b\n    expect: {}\n', 3],
    ['two cases of one name', 'cases:\n  - { name: a, expect: {} }\n  - { name: a, expect: {} }\n', 3],
    ['no cases', 'cases: []\n', 1],
    ['nothing', '', 1],
  ])('is refused for %s', (_, text, line) => {
    const problems = problemsOf(text);
    expect(problems[0]).toMatchObject({ code: 'ERR_ACCEPTANCE_CASE_INVALID', line });
  });

  it('is refused for an alias bomb', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...'bcdefg'.split('').map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[at]}`).join(', ')}]`),
    ].join('\n');
    expect(problemsOf(bomb)).toEqual([expect.objectContaining({ code: 'ERR_ACCEPTANCE_CASE_INVALID' })]);
  });

  it('is refused for its size before it is parsed', () => {
    expect(problemsOf(`# ${'x'.repeat(2 ** 20)}`)).toEqual([
      expect.objectContaining({ code: 'ERR_ACCEPTANCE_CASE_INVALID', message: expect.stringContaining('larger than') }),
    ]);
  });
});

describe('params for the suite', () => {
  const files = (text: string) => [{ file: 'x.yaml', cases: parseAcceptanceFile(text, 'x.yaml') }];

  it('are those of the first mock case that succeeds', () => {
    const text = 'cases:\n  - { name: a, params: { text: 1 }, expect: { status: error } }\n  - { name: b, params: { text: good }, expect: {} }\n';
    expect(exampleParams(files(text), SPEC)).toEqual({ text: 'good' });
  });

  it("are the schema's example where no case succeeds", () => {
    expect(exampleParams([], { ...SPEC, inputs: { examples: [{ text: 'from the schema' }] } })).toEqual({ text: 'from the schema' });
    expect(exampleParams([], SPEC)).toEqual({});
  });
});

describe('an expected output', () => {
  const problemsOfOutput = async (expected: Parameters<typeof outputProblems>[0], mime?: string): Promise<string[]> => {
    const root = temporaryFolder('outputs');
    writeFileSync(join(root, 'x.json'), '{"a":[1,2]}');
    writeFileSync(join(root, 'y'), '<x>');
    return outputProblems(expected, expected.path, mime, openArtifacts(root));
  };

  it.each([
    [{ text: '{"a":[1,2]}', contains: '[1', json: { a: [1, 2] }, mime: 'application/json', min_bytes: 11 }, []],
    [{ text: 'other' }, [/not other/]],
    [{ contains: 'zzz' }, [/does not contain zzz/]],
    [{ json: { a: [2, 1] } }, [/not \{"a":\[2,1\]\}/]],
    [{ sha256: '0'.repeat(64) }, [/has the sha256/]],
    [{ min_bytes: 12 }, [/fewer than 12/]],
    [{ mime: 'text/plain' }, [/not text\/plain/]],
  ])('%j is compared whole', async (expected, messages) => {
    const problems = await problemsOfOutput({ path: 'x.json', ...expected }, 'application/json');
    expect(problems).toEqual(messages.map((message) => expect.stringMatching(message)));
  });

  it('must be there, and be JSON where JSON is expected', async () => {
    expect(await problemsOfOutput({ path: 'x' })).toEqual(['x is not there']);
    expect(await problemsOfOutput({ path: 'y', json: {} })).toEqual([expect.stringMatching(/is not JSON/)]);
  });
});
