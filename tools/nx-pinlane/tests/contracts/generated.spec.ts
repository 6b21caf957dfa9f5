import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ENVIRONMENT } from '../../src/command/environment.ts';
import { executorSchema, optionSchemas, type JsonSchema } from '../../src/command/json-schema.ts';
import { VERBS } from '../../src/verbs/index.ts';

const plugin = resolve(import.meta.dirname, '../..');
const root = resolve(plugin, '../..');
const verbs = await Promise.all(Object.entries(VERBS).map(async ([name, load]) => [name, await load()] as const));

/** Nx's way to print the type of an option (nx, utils/print-help.ts). */
const printedType = ({ oneOf, type }: JsonSchema): string => (oneOf ? oneOf.map(printedType).join(' OR ') : `[${String(type)}]`);

describe('everything that follows from the verbs', () => {
  it('is what `npm run generate` writes', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/generate.mjs', '--check'], { cwd: root, encoding: 'utf8' });
    expect([stderr, status]).toEqual(['', 0]);
  });

  it('has a folder and an entry for each verb, and no others', async () => {
    const folders = (await readdir(join(plugin, 'src/verbs'), { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name);
    expect(folders.sort()).toEqual(Object.keys(VERBS).sort());
    for (const folder of folders) expect(await readdir(join(plugin, 'src/verbs', folder))).toContain('verb.ts');
  });
});

describe.each(verbs)('the definition of %s', (name, verb) => {
  it('has the name of its folder, and a sentence for a title', () => {
    expect([verb.name, verb.title]).toEqual([name, expect.stringMatching(/^[A-Z].*\.$/)]);
  });

  it('describes each option, and Nx prints a type for it', () => {
    const options = Object.entries(optionSchemas(verb));
    expect(options.filter(([, { description }]) => (description ?? '').length < 20)).toEqual([]);
    expect(options.filter(([, schema]) => printedType(schema).includes('undefined'))).toEqual([]);
  });

  it('has a schema that refuses other options, has no root reference that Nx would not follow, and shows none that the plugin sets for itself', () => {
    const { additionalProperties, properties, $ref, $defs } = executorSchema(verb) as Record<string, object>;
    expect({ additionalProperties, $ref, $defs }).toEqual({ additionalProperties: false, $ref: undefined, $defs: undefined });
    expect(Object.keys(verb.internalOptions).filter((option) => option in properties!)).toEqual([]);
  });

  it('reads only variables that are known, each by an option that it has', () => {
    const lacking = verb.environment.filter((variable) => {
      const { option } = ENVIRONMENT[variable];
      // What only another verb's option says, such as --push of buildx, is read for the image that this one builds.
      return option !== null && !(option in verb.options) && name !== 'acceptance';
    });
    expect(lacking).toEqual([]);
  });
});

it('every variable of ours that the plugin reads is in the table', async () => {
  const files = (await readdir(join(plugin, 'src'), { recursive: true })).filter((file) => file.endsWith('.ts') && !file.endsWith('manifest.ts'));
  const texts = await Promise.all(files.map((file) => readFile(join(plugin, 'src', file), 'utf8')));
  const read = new Set(texts.flatMap((text) => [...text.matchAll(/'(PINLANE_[A-Z_]+)'/g)].map((match) => match[1]!)));
  expect([...read].filter((name) => !(name in ENVIRONMENT))).toEqual([]);
});
