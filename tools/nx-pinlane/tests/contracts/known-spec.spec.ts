import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { LANES } from '@pinlane/contracts';
import { temporaryFolder } from '@pinlane/testing';
import { readKnownSpec, readSpecIn, SPEC_FORMAT } from '../../src/workspace/known-spec.ts';
import { readSpecFile } from '../../src/workspace/spec-file.ts';

/** The schema of registry.yaml with which each format of kept specs was read. */
const SCHEMAS: Readonly<Record<string, string>> = { 'spec 2': '4072d00c522d98e7e59f3186f614f57c4d33debb1e99c4421e81056a47486414' };

const FILE = 'p/registry.yaml';
let root: string;
let notes: string[];
beforeEach(() => {
  root = temporaryFolder('specs');
  notes = [];
  mkdirSync(join(root, 'p'));
  write(1);
});

const write = (cpu: number): void => writeFileSync(join(root, FILE), `ref: acme/one@1\nruntime: { cpu: ${cpu} }\nsecrets: { required: [A_KEY] }\n`);
const context = () => ({ root, project: 'p', projectRoot: 'p', note: (line: string) => void notes.push(line) });
const read = () => readKnownSpec(context(), FILE);
const cpuOf = async () => (await read()).spec.runtime.cpu;

const folder = () => join(root, '.pinlane/cache/specs');
const kept = () => readdirSync(folder()).map((name) => join(folder(), name));
/** Changes what is kept, and the hash over it if `seal` says so, which tells whether it is believed. */
const forge = (seal: boolean, change = (head: { format: string }) => head): void => {
  const [path = ''] = kept();
  const [head = '', entries = ''] = readFileSync(path, 'utf8').split('\n');
  const text = entries.replace('"cpu":1', '"cpu":9');
  const sealed = seal ? { seal: createHash('sha256').update(text).digest('hex') } : {};
  writeFileSync(path, `${JSON.stringify({ ...change(JSON.parse(head) as { format: string }), ...sealed })}\n${text}`);
};

describe('what is known of a registry.yaml', () => {
  it('has another format when registry.yaml has another schema: count SPEC_FORMAT up, and add its line here', () => {
    const schema = readFileSync(resolve(import.meta.dirname, '../../../../docs/reference/schemas/registry.schema.json'));
    expect(SCHEMAS[SPEC_FORMAT]).toBe(createHash('sha256').update(schema).digest('hex'));
  });

  it('is what is read of its text, and believed as long as the file is as it was', async () => {
    const first = await read();
    expect(first).toEqual(await readSpecFile(root, FILE));
    expect(await read()).toEqual(first);
    forge(true);
    expect(await cpuOf()).toBe(9);
    write(2);
    expect(await cpuOf()).toBe(2);
    expect([kept().length, notes]).toEqual([1, []]);
  });

  it('is not believed once the file was written to, also where neither its text nor its time tells', async () => {
    await read();
    forge(true);
    const { mtime } = statSync(join(root, FILE));
    write(1);
    utimesSync(join(root, FILE), mtime, mtime);
    expect([await cpuOf(), notes]).toEqual([1, []]);
  });

  it('is not believed when somebody edited it, nor of another start of the machine', async () => {
    await read();
    forge(false);
    expect([await cpuOf(), notes]).toEqual([1, [expect.stringMatching(/^WARNING .*specs.*\.json is ignored/)]]);
    const formatOf = (boot: string): string => {
      const { ino, mtimeMs, ctimeMs } = statSync(join(root, FILE));
      const state = `${boot} ${ino} ${mtimeMs} ${ctimeMs} ${readFileSync(join(root, FILE), 'utf8')}`;
      return `${SPEC_FORMAT} ${createHash('sha256').update(state).digest('base64url')}`;
    };
    forge(true, (head) => ({ ...head, format: formatOf('2b4c5a9e-0000-4000-8000-000000000000') }));
    expect(await cpuOf()).toBe(1);
    forge(true, (head) => ({ ...head, format: formatOf(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()) }));
    expect(await cpuOf()).toBe(9);
  });

  it('is kept of nothing that is wrong', async () => {
    writeFileSync(join(root, FILE), 'ref: [');
    await expect(read()).rejects.toThrow(/ERR_REGISTRY/);
    await expect(read()).rejects.toThrow(/ERR_REGISTRY/);
    expect(() => kept()).toThrow('ENOENT');
  });

  it.each(['{ const: -0 }', '{ const: 0o17 }', '{ const: 12345678901234567890 }', '{ properties: { toString: {} } }'])(
    'is what is read of it anew, also of inputs: %s',
    async (inputs) => {
      writeFileSync(join(root, FILE), `ref: acme/one@1\ninputs: ${inputs}\n`);
      const { spec } = await readSpecFile(root, FILE);
      expect([await read(), await read()].map((known) => isDeepStrictEqual(known.spec, spec))).toEqual([true, true]);
    },
  );

  it('is read in a turn of its own, so that somebody else is heard between a thousand of them', async () => {
    for (const reading of [read, () => readSpecFile(root, FILE)]) {
      let heard = false;
      setImmediate(() => (heard = true));
      await reading();
      expect(heard).toBe(true);
    }
  });

  it('is asked for in lane local alone', async () => {
    await read();
    forge(true);
    const known = await Promise.all(LANES.map(async (lane) => [lane, (await readSpecIn(lane, context())).spec.runtime.cpu]));
    expect(Object.fromEntries(known)).toEqual({ ...Object.fromEntries(LANES.map((lane) => [lane, 1])), local: 9 });
    await expect(readSpecIn('local', { ...context(), projectRoot: 'q' })).rejects.toThrow('it has no registry.yaml');
  });
});
