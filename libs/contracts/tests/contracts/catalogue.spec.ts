import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { ERROR_CATALOGUE, formatProblem, PinlaneError, PROCESSOR_ERROR_STATUS, type ErrorCode } from '../../src/index.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const sources = execFileSync('git', ['ls-files', '-z', '*.ts', '*.mjs'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((path) => existsSync(`${root}/${path}`) && /(?:^|\/)src\/|^scripts\//.test(path) && !path.endsWith('errors/catalogue.ts'));
const texts = sources.map((path) => [path, readFileSync(`${root}/${path}`, 'utf8')] as const);

describe('the error catalogue', () => {
  it('holds every code that a source names', () => {
    const known = new Set(Object.keys(ERROR_CATALOGUE));
    // Node's own codes look alike.
    const foreign = (code: string) =>
      /^ERR_(?:USE_AFTER_CLOSE|STREAM|INVALID|MODULE|SOCKET|HTTP|SERVER|IPC|PARSE_ARGS|FS|UNKNOWN|ENCODING|OUT|ABORTED|TLS|SSL)_?/.test(code);
    const unknown = texts.flatMap(([path, text]) =>
      [...text.matchAll(/\bERR_[A-Z][A-Z_]*[A-Z]\b/g)].filter(([code]) => !known.has(code) && !foreign(code)).map(([code]) => `${path}: ${code}`),
    );
    expect(unknown).toEqual([]);
  });

  it('holds no code that nothing can answer with', () => {
    const all = texts.map(([, text]) => text).join('\n');
    // Codes of the verbs that this version does not have yet stand in no source.
    const unused = Object.keys(ERROR_CATALOGUE).filter((code) => !new RegExp(`\\b${code}\\b`).test(all));
    expect(unused).toEqual([]);
  });

  it('has every code of the processor contract', () => {
    expect(Object.keys(ERROR_CATALOGUE)).toEqual(expect.arrayContaining(Object.keys(PROCESSOR_ERROR_STATUS)));
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
