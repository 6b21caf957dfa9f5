import { optionSchemas, type JsonSchema } from '../command/json-schema.ts';
import type { Verb } from '../command/verb.ts';
import { isBoolean, isList, isMapping, mayStandAlone, typesOf } from './option-kinds.ts';

const valueText = (schema: JsonSchema): string => {
  if (isBoolean(schema)) return '';
  if (isMapping(schema)) return '.<name>=<string>';
  const type = typesOf(schema).find((each) => each !== 'boolean' && each !== 'array');
  const value = `=<${schema.enum?.join('|') ?? type ?? 'string'}>`;
  if (mayStandAlone(schema)) return `[${value}]`;
  return `${value}${isList(schema) ? ', may be repeated' : ''}${schema.default === undefined ? '' : `, ${String(schema.default)} where absent`}`;
};

/** The help of one command. @param command as a person types it */
export const helpText = (verb: Verb, command: string): string => {
  const usage = verb.subject === 'workspace' ? `pinlane ${command}` : `pinlane ${command} <project>`;
  const lines = Object.entries(optionSchemas(verb)).map(([name, schema]) => `  --${name}${valueText(schema)}\n      ${schema.description}`);
  return [`Usage: ${usage} [options]`, '', verb.title, '', ...lines].join('\n');
};
