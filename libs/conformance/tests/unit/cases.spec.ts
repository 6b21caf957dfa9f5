import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { problemsOfSync, temporaryFolder } from '@pinlane/testing';
import { exampleParams, parseAcceptanceFile, readCases } from '../../src/index.ts';
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

  it.each(['params: { __proto__: { a: 1 } }', 'params: { deep: [{ "__proto__": 1 }] }', 'params:\n      __proto__: x'])(
    'loses no key without a word: %s',
    (params) => {
      expect(problemsOf(`cases:\n  - name: one\n    ${params}\n    expect: {}\n`)).toEqual([
        expect.objectContaining({ code: 'ERR_ACCEPTANCE_CASE_INVALID', message: 'the key __proto__ is not allowed', column: expect.any(Number) }),
      ]);
    },
  );

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

describe('a mebibyte of acceptance cases', () => {
  const MOST = 2 ** 20;
  const filled = (head: string, piece: (at: number) => string, most = MOST): string => {
    const pieces = [head];
    for (let [at, size] = [0, head.length]; ; at += 1) {
      const next = piece(at);
      size += next.length;
      if (size > most) return pieces.join('');
      pieces.push(next);
    }
  };
  /** How long a machine that is slow and busy may take for what takes a tenth of a second. */
  const PATIENCE_MS = 10_000;
  const params = 'cases:\n  - name: a\n    expect: {}\n    params:\n';

  it.each<[string, string]>([
    ['sound cases', filled('cases:\n', (at) => `  - name: c${at}\n    expect: {}\n`)],
    ['cases in flow style', filled('cases: [', (at) => `{name: c${at}, expect: {}},`)],
    ['cases of one name', filled('cases:\n', () => '  - { name: a, expect: {} }\n')],
    ['cases that are none', filled('cases: [', () => '1,')],
    ['one map of many keys', filled(params, (at) => `      k${at}: 1\n`)],
    ['one key again and again', filled(params, () => '      k: 1\n')],
    ['keys that nobody knows', filled('cases: []\n', (at) => `k${at}: 1\n`)],
    ['quotes that never end', filled('cases:\n', () => '"\n')],
    ['lists within one another', `cases: ${'['.repeat(MOST - 10)}`],
    ['dashes within one another', `cases:\n${'- '.repeat(MOST / 2 - 10)}`],
    ['aliases', filled(`${params}      p: &a 1\n      q:\n`, () => '      - *a\n')],
    ['documents', filled('', () => '---\na: 1\n')],
    ['nothing but blank lines', '\n'.repeat(MOST)],
  ])('is refused by a limit that is named, and soon: %s', (_, text) => {
    const startedAt = performance.now();
    expect(problemsOf(text)).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/^the file has more than 50000 words and marks|^the file: /) }),
    ]);
    expect(performance.now() - startedAt).toBeLessThan(PATIENCE_MS);
  });

  it.each<[string, string]>([
    ['a long text', `cases:\n  - name: a\n    expect: {}\n    params: { text: "${'x'.repeat(MOST - 100)}" }\n`],
    ['a long block', filled('cases:\n  - name: a\n    expect: {}\n    params:\n      text: |\n', () => `        ${'line '.repeat(20)}\n`)],
    ['a long comment', `#${'x'.repeat(MOST - 100)}\ncases: [{ name: a, expect: {} }]\n`],
    ['2 000 cases', filled('cases:\n', (at) => `  - name: c${at}\n    expect: {}\n`, 60_000)],
    ['a map of 5 000 keys', filled(params, (at) => `      k${at}: 1\n`, 70_000)],
  ])('is read, and soon, where it holds few words: %s', (_, text) => {
    const startedAt = performance.now();
    expect(parseAcceptanceFile(text, 'x.yaml').length).toBeGreaterThan(0);
    expect(performance.now() - startedAt).toBeLessThan(PATIENCE_MS);
  });

  it('has the first problems told, and how many more there are', () => {
    const problems = problemsOf(filled('cases:\n', () => '  - { nam: a }\n', 40_000));
    expect(problems).toHaveLength(51);
    expect(problems.at(-1)?.message).toMatch(/^and \d{4,} more problems$/);
  });
});

describe('a folder of acceptance cases', () => {
  const CASE = 'cases: [{ name: a, expect: {} }]\n';
  const made = () => {
    const workspace = temporaryFolder('cases');
    const folder = join(workspace, 'processors/x/acceptance');
    mkdirSync(folder, { recursive: true });
    return { workspace, folder };
  };

  it('may link to files of its workspace', async () => {
    const { workspace, folder } = made();
    writeFileSync(join(workspace, 'shared.yaml'), CASE);
    symlinkSync('../../../shared.yaml', join(folder, 'a.yaml'));
    expect((await readCases(folder, workspace)).map(({ file, cases }) => [file, cases.length])).toEqual([['a.yaml', 1]]);
  });

  it.each([
    ['/proc/self/environ', /leads out of the workspace/],
    ['/dev/zero', /leads out of the workspace/],
    ['/etc/hostname', /leads out of the workspace/],
    ['../../../../x.yaml', /cannot be read \(ENOENT\)|leads out of the workspace/],
    ['a.yaml', /cannot be read \(ELOOP\)/],
    ['.', /is no file/],
  ])('reads nothing else through a link: %s', async (target, message) => {
    const { workspace, folder } = made();
    symlinkSync(target, join(folder, 'a.yaml'));
    await expect(readCases(folder, workspace)).rejects.toThrow(message);
  });

  it('is not held up by a pipe', async () => {
    const { workspace, folder } = made();
    execFileSync('mkfifo', [join(folder, 'a.yaml')]);
    await expect(readCases(folder, workspace)).rejects.toThrow(/is no file/);
  });

  it('are none if there is no folder, and are not passed over in silence if what is there can not be looked into', async () => {
    const { workspace, folder } = made();
    expect(await readCases(join(folder, 'none'), workspace)).toEqual([]);
    execFileSync('touch', [join(folder, 'file')]);
    symlinkSync('circle', join(folder, 'circle'));
    await expect(readCases(join(folder, 'file'), workspace)).rejects.toThrow(/ENOTDIR/);
    await expect(readCases(join(folder, 'circle'), workspace)).rejects.toThrow(/ELOOP/);
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
