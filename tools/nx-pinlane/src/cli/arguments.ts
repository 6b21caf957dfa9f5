import { parseArgs } from 'node:util';
import { fail } from '@pinlane/contracts';
import { optionSchemas, type JsonSchema } from '../command/json-schema.ts';
import type { Verb } from '../command/verb.ts';
import { isBoolean, isList, isMapping, isNumber, typesOf } from './option-kinds.ts';

/** The arguments behind the name of a command. */
export type CommandArguments =
  | { readonly kind: 'help' }
  | { readonly kind: 'run'; readonly project: string | null; readonly options: Readonly<Record<string, unknown>>; readonly verbose: boolean };

type Mappings = ReadonlyMap<string, ReadonlyMap<string, string>>;

const camel = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Takes out `--buildArgs.NAME=value`, which Nx reads as one entry of the option's mapping. */
const gathered = (args: readonly string[]): { readonly rest: readonly string[]; readonly mappings: Mappings } => {
  const rest: string[] = [];
  const mappings = new Map<string, Map<string, string>>();
  for (const arg of args) {
    const match = /^--([a-z][A-Za-z-]*)\.([A-Za-z_][A-Za-z0-9_.-]*)=(.*)$/s.exec(arg);
    const [, option, name, value] = match ?? [];
    if (option === undefined) rest.push(arg);
    else mappings.set(camel(option), (mappings.get(camel(option)) ?? new Map<string, string>()).set(name!, value!));
  }
  return { rest, mappings };
};

/** Puts options into camel case and takes out switches: `--push`, `--push=false` and, of an option that may also have a value, `--sbom` alone. */
const switched = (args: readonly string[], known: ReadonlyMap<string, JsonSchema>) => {
  const rest: string[] = [];
  const switches = new Map<string, boolean>();
  for (const arg of args) {
    const [, spelling = '', value] = /^--([a-z][A-Za-z-]*)(=[^]*)?$/.exec(arg) ?? [];
    const name = camel(spelling);
    const schema = known.get(name);
    const isSwitch = schema !== undefined && typesOf(schema).includes('boolean') && ['=true', '=false', undefined].includes(value);
    if (isSwitch) switches.set(name, value !== '=false');
    else rest.push(schema ? `--${name}${value ?? ''}` : arg);
  }
  return { rest, switches };
};

/** Node's own parser, its errors as ours. @throws ERR_OPTION_INVALID */
const parsed = (args: readonly string[], known: ReadonlyMap<string, JsonSchema>) => {
  const typeOf = (schema: JsonSchema) => ({ type: isBoolean(schema) ? ('boolean' as const) : ('string' as const), multiple: isList(schema) });
  const types = Object.fromEntries([...known].map(([name, schema]) => [name, typeOf(schema)]));
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...types, help: { type: 'boolean', short: 'h' }, verbose: { type: 'boolean' } },
    });
  } catch (thrown) {
    if (!String((thrown as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS')) throw thrown;
    return fail('ERR_OPTION_INVALID', (thrown as Error).message.split('\n')[0] as string);
  }
};

/** Adds the mappings to the options; an option that was given as a list, too, stays a list. */
const withMappings = (options: Readonly<Record<string, unknown>>, mappings: Mappings): Record<string, unknown> => {
  const mapped = [...mappings].map(([name, entries]) => {
    const listed = (Object.hasOwn(options, name) ? options[name] : []) as string[];
    return [name, listed.length === 0 ? Object.fromEntries(entries) : [...listed, ...[...entries].map(([key, value]) => `${key}=${value}`)]];
  });
  return { ...options, ...Object.fromEntries(mapped) };
};

/** @throws ERR_OPTION_INVALID */
const projectOf = ({ subject }: Verb, command: string, [named, ...more]: readonly string[]): string | null => {
  const project = named ?? null;
  const wanted = subject === 'workspace' ? 'no' : 'one';
  return more.length > 0 || (project === null) !== (wanted === 'no') ? fail('ERR_OPTION_INVALID', `pinlane ${command} takes ${wanted} project`) : project;
};

/**
 * Reads `<project> [--option[=value]]…` for a verb; options are spelled as in Nx, camel case or with hyphens.
 * @param command as it was typed, for messages
 * @throws ERR_OPTION_INVALID
 */
export const parseArguments = (verb: Verb, command: string, args: readonly string[]): CommandArguments => {
  const known = new Map(Object.entries(optionSchemas(verb)).filter(([, schema]) => !isMapping(schema)));
  const { rest: plain, mappings } = gathered(args);
  const { rest, switches } = switched(plain, known);
  const { values, positionals } = parsed(rest, known);
  const { help, verbose, ...given } = values as Readonly<Record<string, unknown>>;
  if (help === true) return { kind: 'help' };
  const project = projectOf(verb, command, positionals);
  const numbers = (name: string, value: unknown) => (isNumber(known.get(name) ?? {}) ? Number(value || NaN) : value);
  const options = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, numbers(name, value)]));
  return { kind: 'run', project, options: withMappings({ ...options, ...Object.fromEntries(switches) }, mappings), verbose: verbose === true };
};
