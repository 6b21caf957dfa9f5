import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { openSpecCache, SPEC_FORMAT } from '../../src/workspace/spec-cache.ts';
import { readSpecFile } from '../../src/workspace/spec-file.ts';

/** The schema of registry.yaml with which each format of kept specs was read. */
const SCHEMAS: Readonly<Record<string, string>> = { 'specs 1': '4072d00c522d98e7e59f3186f614f57c4d33debb1e99c4421e81056a47486414' };

describe('the specs that are kept', () => {
  it('have another format when registry.yaml has another schema: count SPEC_FORMAT up, and add its line here', () => {
    const schema = readFileSync(resolve(import.meta.dirname, '../../../../docs/reference/schemas/registry.schema.json'));
    expect(SCHEMAS[SPEC_FORMAT]).toBe(createHash('sha256').update(schema).digest('hex'));
  });

  it('are what is read of their text, and of another text another; one that was edited is not believed', async () => {
    const root = temporaryFolder('specs');
    const notes: string[] = [];
    const file = 'p/registry.yaml';
    const write = (cpu: number): void => {
      mkdirSync(join(root, 'p'), { recursive: true });
      writeFileSync(join(root, file), `ref: acme/one@1\nruntime: { cpu: ${cpu} }\nsecrets: { required: [A_KEY] }\n`);
    };
    const read = async () => {
      const cache = openSpecCache(root, (line) => void notes.push(line));
      const found = await cache.read(file);
      await cache.save();
      return found;
    };
    write(1);
    const first = await read();
    expect(first).toEqual(await readSpecFile(root, file));
    expect(await read()).toEqual(first);
    write(2);
    expect((await read()).spec.runtime.cpu).toBe(2);
    const path = join(root, '.pinlane/cache/specs.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"cpu":2', '"cpu":9'));
    expect((await read()).spec.runtime.cpu).toBe(2);
    expect(notes).toEqual([expect.stringMatching(/^WARNING .*specs\.json is ignored/)]);
    writeFileSync(join(root, file), 'ref: [');
    await expect(read()).rejects.toThrow(/ERR_REGISTRY/);
  });
});
