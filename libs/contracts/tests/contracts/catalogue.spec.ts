import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { ERROR_CATALOGUE, formatProblem, PinlaneError, pinVerdict, PLATFORMS, PROCESSOR_ERROR_STATUS, type ErrorCode } from '../../src/index.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const sources = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '*.ts', '*.mjs'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((path) => existsSync(`${root}/${path}`) && /(?:^|\/)src\/|^scripts\//.test(path) && !path.endsWith('errors/catalogue.ts'));
const texts = sources.map((path) => [path, readFileSync(`${root}/${path}`, 'utf8')] as const);

/** The codes that stand in the code of a source as a whole string or as a name: not those in its comments, its types and its messages. */
const codesInCode = (path: string, text: string): Set<string> => {
  const codes = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node)) return;
    if ((ts.isStringLiteralLike(node) || ts.isIdentifier(node)) && /^ERR_[A-Z_]+$/.test(node.text)) codes.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return codes;
};

describe('the error catalogue', () => {
  it('holds every code that a source names', () => {
    const known = new Set(Object.keys(ERROR_CATALOGUE));
    // Node's own codes look alike.
    const foreign = (code: string) =>
      /^ERR_(?:USE_AFTER_CLOSE|STREAM|INVALID|MODULE|SOCKET|HTTP|SERVER|IPC|PARSE_ARGS|FS|UNKNOWN|ENCODING|OUT|ABORTED|BUFFER|TLS|SSL)_?/.test(code);
    const unknown = texts.flatMap(([path, text]) =>
      [...text.matchAll(/\bERR_[A-Z][A-Z_]*[A-Z]\b/g)].filter(([code]) => !known.has(code) && !foreign(code)).map(([code]) => `${path}: ${code}`),
    );
    expect(unknown).toEqual([]);
  });

  it('holds no code that nothing can answer with', () => {
    const used = new Set(texts.flatMap(([path, text]) => [...codesInCode(path, text)]));
    expect(Object.keys(ERROR_CATALOGUE).filter((code) => !used.has(code))).toEqual([]);
  });

  it('takes no comment, no type and no message for code that answers', () => {
    const silent = [
      '/** @throws ERR_A */ // ERR_A',
      "type Code = 'ERR_A' | { ERR_A: 1 };",
      'const fix = `see ERR_A and ${1 /* ERR_A */}`;',
      "const slash = /ERR_A/.test('it ended with ERR_A');",
    ];
    for (const text of silent) expect([text, [...codesInCode('x.ts', text)]]).toEqual([text, []]);
    const answers = [
      "fail('ERR_A', 'no');",
      'const status = { ERR_A: 400 };',
      'const is = code === `ERR_A` as const;',
      "const codes = ['ERR_A'] satisfies Code[];",
    ];
    for (const text of answers) expect([text, [...codesInCode('x.ts', text)]]).toEqual([text, ['ERR_A']]);
  });

  it('has every code of the processor contract', () => {
    expect(Object.keys(ERROR_CATALOGUE)).toEqual(expect.arrayContaining(Object.keys(PROCESSOR_ERROR_STATUS)));
  });

  it('says of exactly these codes that they are a verdict on a pin', () => {
    const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[];
    const saying = (verdict: ReturnType<typeof pinVerdict>) => codes.filter((code) => pinVerdict(code) === verdict).sort();
    expect(saying('gone')).toEqual(['ERR_BLOB_UNKNOWN', 'ERR_LAYER_GONE', 'ERR_MANIFEST_UNKNOWN', 'ERR_STORE_CORRUPT']);
    expect(saying('wrong')).toEqual(['ERR_DIGEST_MISMATCH', 'ERR_MANIFEST_INVALID', 'ERR_PIN_LOCAL', 'ERR_PIN_UNVERIFIED', 'ERR_PLATFORM_MISSING']);
    expect(saying(null)).toHaveLength(codes.length - 9);
  });

  it('names every platform, and no other, where it says what a platform can be', () => {
    const { cause, remedy } = ERROR_CATALOGUE.ERR_PLATFORM_INVALID;
    for (const sentence of [cause, remedy]) expect([...sentence.matchAll(/linux\/\w+/g)].map(([platform]) => platform)).toEqual([...PLATFORMS]);
  });

  it('tells causes and remedies in whole sentences', () => {
    for (const { cause, remedy } of Object.values(ERROR_CATALOGUE))
      for (const sentence of [cause, remedy]) expect(sentence).toMatch(/^(?:[A-Z`]|[a-z]+\.yaml ).*\.$/);
  });
});

describe('an error', () => {
  it('shows code, place and fix of every problem', () => {
    const error = new PinlaneError([
      { code: 'ERR_REGISTRY_INVALID', file: 'a/registry.yaml', line: 3, column: 7, message: 'x', fix: 'y' },
      { code: 'ERR_REF_INVALID', message: 'z' },
    ]);
    expect(error.message).toBe(`ERR_REGISTRY_INVALID: a/registry.yaml:3:7: x\nfix: y\nERR_REF_INVALID: z\nfix: ${ERROR_CATALOGUE.ERR_REF_INVALID.remedy}`);
  });

  it('exits with 2 only when all of it is a verdict', () => {
    const problem = (code: ErrorCode) => ({ code, message: 'm' });
    expect(new PinlaneError(problem('ERR_PIN_STALE')).exitCode).toBe(2);
    expect(new PinlaneError([problem('ERR_PIN_STALE'), problem('ERR_INTERNAL')]).exitCode).toBe(1);
    expect(formatProblem(problem('ERR_PIN_STALE'))).toMatch(/^ERR_PIN_STALE: m\nfix: /);
  });
});

describe('docs/reference', () => {
  it('is what the schemas say now', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/generate.mjs', '--check'], { cwd: root, encoding: 'utf8' });
    expect({ status, stderr: stderr.trim() }).toEqual({ status: 0, stderr: '' });
  });
});
