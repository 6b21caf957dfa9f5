import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '../../src/index.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** The folders that each place made, by the place's name. */
const made: Record<string, string> = {};
const there = (name: string): boolean => existsSync(made[name]!);

describe('a temporary folder', () => {
  it('is new, empty, and named for whoever asks', () => {
    const [one, other] = [temporaryFolder('once'), temporaryFolder('once')];
    expect(one).not.toBe(other);
    expect(basename(one)).toMatch(/^pinlane-once-/);
    expect(() => mkdirSync(one)).toThrow(/EEXIST/);
  });
});

describe('the folders of a file', () => {
  beforeAll(() => void (made['beforeAll'] = temporaryFolder()));
  beforeEach(() => void (made['beforeEach'] = temporaryFolder()));
  afterEach(() => expect([there('beforeAll'), there('beforeEach'), there('test')]).toEqual([true, true, true]));
  afterAll(() => expect(there('beforeAll')).toBe(true));

  it('are there for the test that made them, whatever it puts into them', () => {
    made['test'] = temporaryFolder();
    made['first'] = made['test'];
    made['shared'] = temporaryFolder('shared', { forFile: true });
    made['first beforeEach'] = made['beforeEach']!;
    mkdirSync(join(made['test'], 'deep/down'), { recursive: true });
    writeFileSync(join(made['test'], 'deep/down/file'), '', { mode: 0 });
    expect([there('test'), there('beforeEach'), there('beforeAll')]).toEqual([true, true, true]);
  });

  it('are gone before the next test, but for those of a beforeAll and those that tests share', () => {
    made['test'] = temporaryFolder();
    expect([there('first'), there('first beforeEach'), there('beforeAll'), there('shared')]).toEqual([false, false, true, true]);
  });
});

describe('a describe that comes later', () => {
  let inBeforeAll = '';
  beforeAll(() => void (inBeforeAll = temporaryFolder()));

  it('keeps what its beforeAll made for all of its tests', () => expect(existsSync(inBeforeAll)).toBe(true));
  it('keeps it for the second one too', () => expect(existsSync(inBeforeAll)).toBe(true));
});

describe('after the last test of a file', () => {
  it('no folder is left, whoever made it', () => {
    const [suites, temporary] = [temporaryFolder(), temporaryFolder()];
    writeFileSync(join(suites, 'package.json'), '{"type":"module"}');
    writeFileSync(
      join(suites, 'suite.test.js'),
      `import { existsSync } from 'node:fs';
import { temporaryFolder } from ${JSON.stringify(join(root, 'libs/testing/src/folders.ts'))};
const made = [];
const make = () => void made.push(temporaryFolder());
beforeAll(make);
beforeEach(make);
afterEach(() => { make(); made.push(temporaryFolder('shared', { forFile: true })); if (!made.every(existsSync)) throw new Error('one is gone too early'); });
test('makes one', make);
describe('within', () => {
  beforeAll(() => { made.length = 0; make(); });
  test('makes another', make);
});
`,
    );
    const swc = [join(root, 'node_modules/@swc/jest'), { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }];
    const config = { rootDir: suites, transform: { '\\.ts$': swc }, extensionsToTreatAsEsm: ['.ts'], cacheDirectory: join(suites, 'cache') };
    const argv = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', `--config=${JSON.stringify(config)}`];
    const { status, stderr } = spawnSync(process.execPath, argv, { cwd: root, encoding: 'utf8', env: { ...process.env, TMPDIR: temporary } });
    if (status !== 0) throw new Error(stderr);
    expect({ status, passed: stderr.match(/Tests: +(\d+) passed/)?.[1], left: readdirSync(temporary) }).toEqual({ status: 0, passed: '2', left: [] });
  });
});
