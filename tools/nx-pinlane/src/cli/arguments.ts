import { parseArgs } from 'node:util';
import { fail } from '@pinlane/contracts';
import { OPTIONS, optionsJsonSchema, type Verb } from '../options/index.ts';

/** A command line, taken apart. */
export type CommandLine =
  | { readonly kind: 'help'; readonly verb: Verb | null }
  | { readonly kind: 'run'; readonly verb: Verb; readonly project: string | null; readonly options: Record<string, unknown>; readonly verbose: boolean };

interface Property {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Property[];
  readonly default?: unknown;
}

/** The types that an option's value may have: several, where Docker's options come alone, as a list or as a mapping. */
const typesOf = ({ type, anyOf }: Property): readonly string[] => anyOf?.flatMap(typesOf) ?? [type ?? []].flat();

const isBoolean = (property: Property): boolean => typesOf(property).every((type) => type === 'boolean');
const isList = (property: Property): boolean => typesOf(property).includes('array');
const isMapping = (property: Property): boolean => typesOf(property).every((type) => type === 'object');
/** Whether it may stand alone, or have a value after `=`. */
const mayStandAlone = (property: Property): boolean => typesOf(property).includes('boolean') && !isBoolean(property);

const VERBS = Object.keys(OPTIONS) as Verb[];

const SET_BY_THE_PLUGIN = ['spec', 'skip', 'bundle'];

/** The options of a verb that a person may give, with their JSON Schema. */
export const verbProperties = (verb: Verb): [string, Property][] =>
  Object.entries((optionsJsonSchema(verb)['properties'] ?? {}) as Record<string, Property>).filter(([name]) => !SET_BY_THE_PLUGIN.includes(name));

const camel = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

// What has the whole workspace for its subject goes by a name of its own and takes no project.
const WORKSPACE_COMMANDS: Partial<Record<Verb, string>> = { 'store-gc': 'gc', 'store-serve': 'serve', 'verify-pins': 'verify-pins' };

const commandOf = (verb: Verb): string => WORKSPACE_COMMANDS[verb] ?? verb;

const usageOf = (verb: Verb): string => (verb in WORKSPACE_COMMANDS ? `pinlane ${commandOf(verb)}` : `pinlane ${verb} <project>`);

const asVerb = (word: string): Verb =>
  VERBS.find((verb) => commandOf(verb) === word) ??
  fail('ERR_OPTION_INVALID', `${JSON.stringify(word.slice(0, 100))} is no command; there are ${VERBS.map(commandOf).join(', ')}`);

/** `--buildArgs.NAME=value` as Nx reads it: one entry of the option's mapping. */
const gathered = (args: readonly string[]): { rest: string[]; mappings: Record<string, Record<string, string>> } => {
  const rest: string[] = [];
  const mappings: Record<string, Record<string, string>> = {};
  for (const arg of args) {
    const match = /^--([a-z][A-Za-z-]*)\.([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(arg);
    if (match) (mappings[camel(match[1] as string)] ??= {})[match[2] as string] = match[3] as string;
    else rest.push(arg);
  }
  return { rest, mappings };
};

/** Each option in camel case; `--push`, `--push=false` and, where more than yes and no may be said, `--sbom` alone, as Nx reads them. */
const switched = (args: readonly string[], properties: ReadonlyMap<string, Property>): { rest: string[]; switches: Record<string, boolean> } => {
  const rest: string[] = [];
  const switches: Record<string, boolean> = {};
  for (const arg of args) {
    const [, spelling = '', value] = /^--([a-z][A-Za-z-]*)(=[^]*)?$/.exec(arg) ?? [];
    const name = camel(spelling);
    const property = properties.get(name);
    const isSwitch = property !== undefined && typesOf(property).includes('boolean') && ['=true', '=false', undefined].includes(value);
    if (isSwitch) switches[name] = value !== '=false';
    else rest.push(property ? `--${name}${value ?? ''}` : arg);
  }
  return { rest, switches };
};

/** Reads `pinlane <verb> <project> [--option[=value]]…`; options are spelled as in Nx, camel case or with hyphens. @throws ERR_OPTION_INVALID */
export const parseCommandLine = (args: readonly string[]): CommandLine => {
  const [first, ...others] = args;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') return { kind: 'help', verb: null };
  const verb = asVerb(first);
  const { rest: plain, mappings } = gathered(others);
  const known = verbProperties(verb).filter(([, property]) => !isMapping(property));
  const { rest, switches } = switched(plain, new Map(known));
  const types = known.map(
    ([name, property]) => [name, { type: isBoolean(property) ? ('boolean' as const) : ('string' as const), multiple: isList(property) }] as const,
  );
  try {
    const { values, positionals } = parseArgs({
      args: rest,
      allowPositionals: true,
      options: { ...Object.fromEntries(types), help: { type: 'boolean', short: 'h' }, verbose: { type: 'boolean' } },
    });
    const { help, verbose, ...given } = values;
    if (help === true) return { kind: 'help', verb };
    const [project = null, ...more] = positionals;
    const wanted = verb in WORKSPACE_COMMANDS ? 'no' : 'one';
    if (more.length > 0 || (project === null) !== (wanted === 'no')) return fail('ERR_OPTION_INVALID', `pinlane ${commandOf(verb)} takes ${wanted} project`);
    const numbers = new Set(known.flatMap(([name, { type }]) => (type === 'number' || type === 'integer' ? [name] : [])));
    const options = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, numbers.has(name) ? Number(value || NaN) : value]));
    const mapped = Object.entries(mappings).map(([name, entries]) => {
      const listed = (options[name] ?? []) as string[];
      return [name, listed.length === 0 ? entries : [...listed, ...Object.entries(entries).map(([key, value]) => `${key}=${value}`)]];
    });
    return { kind: 'run', verb, project, options: { ...options, ...switches, ...Object.fromEntries(mapped) }, verbose: verbose === true };
  } catch (thrown) {
    if (!String((thrown as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS')) throw thrown;
    return fail('ERR_OPTION_INVALID', (thrown as Error).message.split('\n')[0] as string);
  }
};

const valueOf = (property: Property): string => {
  if (isBoolean(property)) return '';
  if (isMapping(property)) return '.<name>=<string>';
  const type = typesOf(property).find((each) => each !== 'boolean' && each !== 'array');
  const value = `=<${property.enum?.join('|') ?? type ?? 'string'}>`;
  if (mayStandAlone(property)) return `[${value}]`;
  return `${value}${isList(property) ? ', may be repeated' : ''}${property.default === undefined ? '' : `, ${String(property.default)} where absent`}`;
};

/** The help of one verb, or of all. */
export const helpText = (verb: Verb | null): string => {
  if (verb === null) {
    const lines = VERBS.map((each) => `  ${commandOf(each).padEnd(12)} ${String(optionsJsonSchema(each)['description'])}`);
    return [
      'Usage: pinlane <command> <project> [options]',
      '',
      ...lines,
      '',
      'Exit codes: 0 good, 1 error, 2 a verdict against (pins stale, acceptance failed).',
    ].join('\n');
  }
  const lines = verbProperties(verb).map(([name, property]) => `  --${name}${valueOf(property)}\n      ${property.description}`);
  return [`Usage: ${usageOf(verb)} [options]`, '', String(optionsJsonSchema(verb)['description']), '', ...lines].join('\n');
};
