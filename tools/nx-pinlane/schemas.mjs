// Writes schemas/<verb>.json from the zod schemas in src/options. A test fails when they are stale.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { OPTIONS, optionsJsonSchema } from './src/options/index.ts';

for (const verb of Object.keys(OPTIONS)) {
  const file = join(import.meta.dirname, 'schemas', `${verb}.json`);
  await writeFile(file, await format(JSON.stringify(optionsJsonSchema(verb)), { ...(await resolveConfig(file)), filepath: file }));
}
