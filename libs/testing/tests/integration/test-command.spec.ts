import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '../../src/index.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

describe('the test command', () => {
  let folder = '';
  beforeEach(async () => {
    folder = temporaryFolder('test-command');
    await mkdir(join(folder, 'tests'));
    await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}');
  });

  /** Runs suites, given by name and text, and returns the exit code and the lines that the reporter wrote. */
  const run = async (suites: Record<string, string>, ...more: string[]) => {
    for (const [name, text] of Object.entries(suites)) await writeFile(join(folder, 'tests', `${name}.test.js`), text);
    const args = [
      'node_modules/jest/bin/jest.js',
      `--rootDir=${folder}`,
      '--config={}',
      `--reporters=${join(root, 'scripts/test-reporter.mjs')}`,
      '--passWithNoTests',
      ...more,
    ];
    const { status, stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    return { status, lines: stdout.trim().split('\n') };
  };

  it('closes with its counts alone on a line', async () => {
    const { status, lines } = await run({ a: "test('a', () => {}); test.skip('b', () => {});" });
    expect({ status, last: lines.at(-1) }).toEqual({ status: 0, last: '1 passed, 0 failed, 1 skipped' });
  });

  it('counts a suite that does not load as a failure', async () => {
    const { status, lines } = await run({ a: "test('a', () => {});", b: "throw new Error('x');" });
    expect({ status, last: lines.at(-1) }).toEqual({ status: 1, last: '1 passed, 1 failed' });
  });

  it('fails when no test was run', async () => {
    const { status, lines } = await run({});
    expect(status).toBe(1);
    expect(lines).toContain('no test was run');
  });

  it('fails when all of a suite was skipped without saying what it requires', async () => {
    const { status, lines } = await run({ a: "test('a', () => {});", b: "test.skip('b', () => {});" });
    expect(status).toBe(1);
    expect(lines.join('\n')).toMatch(/every test of .*b\.test\.js was skipped/);
  });

  it('fails when all of a suite was skipped and only some of it says what it requires', async () => {
    const mixed = "describe.skip('requires docker: builds', () => test('b', () => {})); test.skip('c', () => {});";
    const { status, lines } = await run({ a: "test('a', () => {});", b: mixed });
    expect(status).toBe(1);
    expect(lines.join('\n')).toMatch(/every test of .*b\.test\.js was skipped/);
  });

  it('lets tests be picked by name', async () => {
    const { status, lines } = await run({ a: "test('one', () => {});", b: "test('two', () => {});" }, '-t=one');
    expect({ status, last: lines.at(-1) }).toEqual({ status: 0, last: '1 passed, 0 failed, 1 skipped' });
  });

  it('names the parts that suites required and the machine lacks', async () => {
    const { status, lines } = await run({ a: "test('a', () => {});", b: "describe.skip('requires docker: builds', () => test('b', () => {}));" });
    expect({ status, missing: lines.find((line) => line.startsWith('Not run')) }).toEqual({
      status: 0,
      missing: 'Not run, because this machine lacks it: docker',
    });
  });
});
