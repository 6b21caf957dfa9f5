import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import * as z from 'zod';
import { definitionFaults } from '../../src/command/definition-faults.ts';
import { ENVIRONMENT } from '../../src/command/environment.ts';
import { executorSchema, type JsonSchema } from '../../src/command/json-schema.ts';
import { defineVerb } from '../../src/command/verb.ts';
import { VERBS } from '../../src/verbs/index.ts';

const plugin = resolve(import.meta.dirname, '../..');
const root = resolve(plugin, '../..');
const verbs = await Promise.all(Object.entries(VERBS).map(async ([name, load]) => [name, await load()] as const));

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

describe('the definition of a verb', () => {
  const faulty = (more: Partial<Parameters<typeof defineVerb>[0]>) => {
    const verb = defineVerb({
      name: 'echo',
      title: 'Echoes.',
      subject: 'processor',
      options: {},
      environment: [],
      document: [z.strictObject({ kind: z.literal('Echo'), schemaVersion: z.literal(1) }).describe('An echo.')],
      run: async () => ({ document: undefined, lines: [], exitCode: 0 }),
      ...more,
    });
    return definitionFaults(new Map([['echo', verb]]), ['echo']);
  };

  it.each([
    [{}, []],
    [{ name: 'ecco' }, ['echo: its definition has the name ecco']],
    [{ title: 'echoes' }, ['echo: its title is no sentence']],
    [{ alias: 'echo' }, ['echo: two verbs have this name']],
    [{ options: { loud: z.boolean().optional() } }, ["echo: the option loud has no description: .describe('…')"]],
    [
      { options: { lane: z.string().default('pr').describe('The lane in which it echoes.') }, environment: ['PINLANE_LANE'] },
      ['echo: the option lane has a default, so the variable that stands for it would never be read'],
    ],
    [
      { document: [z.object({ kind: z.literal('Echo'), schemaVersion: z.literal(1) }).describe('An echo.')] },
      ['echo: the document Echo is not strict: z.strictObject'],
    ],
    [
      { document: [z.strictObject({ kind: z.literal('Echo') })] },
      ['echo: the document Echo has no schemaVersion', "echo: the document Echo has no description: .describe('…')"],
    ],
  ] as const)('is held to what no type can tell: %#', (more, faults) => {
    expect(faulty(more as never)).toEqual(faults);
  });

  it('is missed if its line in the list is', () => {
    expect(definitionFaults(new Map(), ['echo'])).toEqual(['echo: it is not in verbs/index.ts']);
  });
});

describe.each(verbs)('the definition of %s', (name, verb) => {
  it('has a schema that refuses other options, has no root reference that Nx would not follow, and shows none that the plugin sets for itself', () => {
    const { additionalProperties, properties, $ref, $defs } = executorSchema(verb) as Record<string, object>;
    const none = verb.batch ? expect.objectContaining({ not: {} }) : false;
    expect({ additionalProperties, $ref, $defs }).toEqual({ additionalProperties: none, $ref: undefined, $defs: undefined });
    expect(Object.keys(verb.internalOptions).filter((option) => option in properties!)).toEqual([]);
  });

  it('reads only variables that are known, each by an option that it has', () => {
    const lacking = verb.environment.filter((variable) => {
      const { option } = ENVIRONMENT[variable];
      // What only another verb's option says, such as --push of buildx, is read for the image that acceptance builds, and for the jobs of a rehearsal.
      return option !== null && !(option in verb.options) && name !== 'acceptance' && name !== 'rehearse';
    });
    expect(lacking).toEqual([]);
  });
});

const batched = verbs.filter(([, verb]) => verb.batch === true);
const { validateOptsAgainstSchema } = createRequire(import.meta.url)('nx/src/utils/params') as {
  validateOptsAgainstSchema(options: object, schema: object): void;
};

// Where Nx runs many tasks in one process it crashes over an option that it refuses, and says nothing of it.
it.each(batched)('Nx leaves it to %s to refuse an option, and others than Nx see what it takes', (_, verb) => {
  const schema = executorSchema(verb) as { properties: Record<string, JsonSchema>; additionalProperties: object };
  for (const value of ['text', 5, 1.5, true, ['text'], [5], { a: 'b' }, {}])
    for (const option of [...Object.keys(schema.properties), ...Object.keys(verb.internalOptions), 'nonsense'])
      expect(() => validateOptsAgainstSchema({ [option]: value }, schema)).not.toThrow();
  const check = new Ajv({ strict: false }).compile(schema);
  const types: Record<string, unknown> = { boolean: true, string: 'text', array: ['text'] };
  for (const [option, { type, enum: choices, oneOf = [{ type }] }] of Object.entries(schema.properties)) {
    const right = choices?.[0] ?? types[String([oneOf[0]?.type].flat()[0])];
    expect([option, check({ [option]: right }), check({ [option]: 5 }), check({ [option]: { a: 5 } })]).toEqual([option, true, false, option === 'buildArgs']);
  }
  expect([check({ nonsense: 'text' }), check({ nonsense: ['text'] })]).toEqual([false, false]);
});

it('every variable of ours that the plugin speaks of is in the table', async () => {
  const files = (await readdir(join(plugin, 'src'), { recursive: true })).filter((file) => file.endsWith('.ts') && !file.endsWith('manifest.ts'));
  const texts = await Promise.all(files.map((file) => readFile(join(plugin, 'src', file), 'utf8')));
  const read = new Set(texts.flatMap((text) => [...text.matchAll(/\b(PINLANE_[A-Z_]+)/g)].map((match) => match[1]!)));
  expect([...read].filter((name) => !(name in ENVIRONMENT))).toEqual([]);
});
