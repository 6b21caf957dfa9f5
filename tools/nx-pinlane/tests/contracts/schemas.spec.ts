import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { OPTIONS, optionsJsonSchema, type Verb } from '../../src/options/index.ts';

const plugin = resolve(import.meta.dirname, '../..');
const readJson = async (path: string) => JSON.parse(await readFile(join(plugin, path), 'utf8')) as Record<string, unknown>;
const verbs = Object.keys(OPTIONS) as Verb[];

describe('the schemas of the executors', () => {
  it.each(verbs)('hold for %s what its options say (node tools/nx-pinlane/schemas.mjs writes them)', async (verb) => {
    expect(await readJson(`schemas/${verb}.json`)).toEqual(JSON.parse(JSON.stringify(optionsJsonSchema(verb))));
  });

  it.each(verbs)('refuse for %s what is not an option, describe each one, and have no root reference that Nx would not follow', (verb) => {
    const { additionalProperties, properties, $ref, $defs } = optionsJsonSchema(verb) as Record<string, Record<string, { description?: string }>>;
    expect({ additionalProperties, $ref, $defs }).toEqual({ additionalProperties: false, $ref: undefined, $defs: undefined });
    expect(Object.entries(properties ?? {}).filter(([, { description }]) => (description ?? '').length < 20)).toEqual([]);
  });

  it('are there for every executor, and every executor has its entry', async () => {
    const { executors } = (await readJson('as-in-node_modules/executors.json')) as { executors: Record<string, { implementation: string; schema: string }> };
    expect(Object.keys(executors).sort()).toEqual([...verbs].sort());
    expect((await readdir(join(plugin, 'src/executors'))).sort()).toEqual(verbs.map((verb) => `${verb}.ts`).sort());
    expect((await readdir(join(plugin, 'schemas'))).sort()).toEqual(verbs.map((verb) => `${verb}.json`).sort());
    for (const [verb, { implementation, schema }] of Object.entries(executors)) {
      expect([implementation, schema]).toEqual([`../dist/executors/${verb}.js`, `../schemas/${verb}.json`]);
      // Nx would take a source of this name in place of the bundle.
      expect(existsSync(join(plugin, `src/executors/${verb}.js`))).toBe(false);
    }
  });
});
