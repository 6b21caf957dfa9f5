import { ENVIRONMENT } from '../../tools/nx-pinlane/src/command/environment.ts';
import { executorSchema } from '../../tools/nx-pinlane/src/command/json-schema.ts';
import type { Verb, VerbSummary } from '../../tools/nx-pinlane/src/command/verb.ts';

const executorEntry = ({ name, title, batch = false }: Verb) => ({
  implementation: `../dist/executors/${name}.js`,
  schema: `../schemas/${name}.json`,
  ...(batch ? { batchImplementation: `../dist/executors/${name}.js#batch`, preferBatch: true } : {}),
  description: title,
});

const summaryOf = ({ title, subject, alias, environment, target }: Verb): VerbSummary => ({
  title,
  subject,
  alias: alias ?? null,
  keyVariables: environment.filter((name) => ENVIRONMENT[name].inCacheKey),
  target: target ?? null,
});

const manifest = (verbs: readonly Verb[]): string => `// Written by \`npm run generate\` from the definitions of the verbs, for those that must not load them.
import type { VerbSummary } from '../command/verb.ts';
import type { VerbName } from './index.ts';

/** Every verb in short. */
export const MANIFEST: Readonly<Record<VerbName, VerbSummary>> = ${JSON.stringify(Object.fromEntries(verbs.map((verb) => [verb.name, summaryOf(verb)])))};
`;

const json = (value: unknown): string => JSON.stringify(value);

/** The files of the plugin that follow from its verbs: path -> text, not yet formatted. */
export const pluginFiles = (verbs: readonly Verb[]): Record<string, string> => ({
  'tools/nx-pinlane/src/verbs/manifest.ts': manifest(verbs),
  'tools/nx-pinlane/as-in-node_modules/executors.json': json({
    $schema: 'http://json-schema.org/schema',
    executors: Object.fromEntries(verbs.map((verb) => [verb.name, executorEntry(verb)])),
  }),
  ...Object.fromEntries(verbs.map((verb) => [`tools/nx-pinlane/schemas/${verb.name}.json`, json(executorSchema(verb))])),
});
