import * as z from 'zod';
import { ENVIRONMENT } from './environment.ts';
import { optionSchemas, type JsonSchema } from './json-schema.ts';
import type { Verb } from './verb.ts';

/** Nx's way to print the type of an option (nx, utils/print-help.ts). */
const printedType = ({ oneOf, type }: JsonSchema): string => (oneOf ? oneOf.map(printedType).join(' OR ') : `[${String(type)}]`);

const optionFaults = ({ options, environment }: Verb): string[] => {
  const schemas = optionSchemas({ options });
  const read = new Set<string>(environment.map((name) => ENVIRONMENT[name].option ?? ''));
  return Object.entries(schemas).flatMap(([name, schema]) => [
    ...((schema.description ?? '').length < 20 ? [`the option ${name} has no description: .describe('…')`] : []),
    ...(printedType(schema).includes('undefined') ? [`Nx prints no type for the option ${name}`] : []),
    ...(read.has(name) && schema.default !== undefined ? [`the option ${name} has a default, so the variable that stands for it would never be read`] : []),
  ]);
};

const documentFaults = ({ document }: Verb): string[] =>
  document.flatMap((schema) => {
    const { additionalProperties, properties = {} } = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' });
    const kind = String((properties['kind'] as { const?: unknown } | undefined)?.const ?? '');
    if (kind === '') return ['a document has no literal kind'];
    return [
      ...(additionalProperties === false ? [] : [`the document ${kind} is not strict: z.strictObject`]),
      ...(properties['schemaVersion'] === undefined ? [`the document ${kind} has no schemaVersion`] : []),
      ...(schema.description === undefined ? [`the document ${kind} has no description: .describe('…')`] : []),
    ];
  });

/**
 * Everything that is wrong with the definitions of verbs and no type can tell.
 * @param named the verbs by their names in verbs/index.ts
 * @param folders the folders below verbs/
 */
export const definitionFaults = (named: ReadonlyMap<string, Verb>, folders: readonly string[]): string[] => {
  const commands = [...named.values()].flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias]));
  return [
    ...folders.filter((folder) => !named.has(folder)).map((folder) => `${folder}: it is not in verbs/index.ts`),
    ...commands.filter((command, at) => commands.indexOf(command) !== at).map((command) => `${command}: two verbs have this name`),
    ...[...named].flatMap(([listed, verb]) =>
      [
        ...(verb.name === listed ? [] : [`its definition has the name ${verb.name}`]),
        ...(/^[A-Z].*\.$/.test(verb.title) ? [] : ['its title is no sentence']),
        ...optionFaults(verb),
        ...documentFaults(verb),
      ].map((fault) => `${listed}: ${fault}`),
    ),
  ];
};
