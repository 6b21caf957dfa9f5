import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { fail } from '@pinlane/contracts';
import { csv } from './csv.ts';
import { groupFields } from './grouping.ts';

/** A secret that a RUN may mount, and the place that BuildKit's client takes its value from. The value itself is never an argument. */
export interface BuildSecret {
  readonly id: string;
  readonly from: { readonly kind: 'env'; readonly name: string } | { readonly kind: 'file'; readonly path: string };
}

const FIX = 'Write --secret=id=npm,env=NPM_TOKEN or --secret=id=npm,src=path/to/file; the value is never written there.';
const KNOWN = ['type', 'id', 'env', 'src', 'source'];
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** The size, in bytes, up to which a value could be found in a log. */
const LARGEST_HIDDEN = 64 * 1024;

const parseSecret = (entry: string, env: Readonly<Record<string, string | undefined>>): BuildSecret => {
  const fields = entry.split(',').map((field) => [field.slice(0, field.indexOf('=')).trim(), field.slice(field.indexOf('=') + 1)] as const);
  // The entry may be a value that someone wrote there by mistake, so no message repeats it.
  const wrong = (why: string): never => fail('ERR_OPTION_INVALID', `--secret: ${why}`, { fix: FIX });
  if (entry.split(',').some((field) => !field.includes('='))) return wrong('an entry is made of fields name=value');
  if (fields.some(([name]) => !KNOWN.includes(name))) return wrong(`an entry has the fields ${KNOWN.join(', ')} and no other`);
  const { id, type, env: variable, src, source } = Object.fromEntries(fields) as Readonly<Record<string, string | undefined>>;
  if (id === undefined || !/^[\w./-]+$/.test(id)) return wrong('an entry needs an id of letters, digits, _ . / and -');
  if (type !== undefined && type !== 'env' && type !== 'file') return wrong('type is env or file');
  const path = src ?? source;
  const asEnv = variable ?? (type === 'env' ? (path ?? id) : undefined);
  if (asEnv !== undefined) return NAME.test(asEnv) ? { id, from: { kind: 'env', name: asEnv } } : wrong('env names an environment variable');
  if (path !== undefined) return { id, from: { kind: 'file', path } };
  return NAME.test(id) && env[id] !== undefined ? { id, from: { kind: 'env', name: id } } : { id, from: { kind: 'file', path: id } };
};

/** Reads the entries of --secret. @throws ERR_OPTION_INVALID */
export const parseSecrets = (given: readonly string[], env: Readonly<Record<string, string | undefined>>): BuildSecret[] =>
  groupFields(given).map((entry) => parseSecret(entry, env));

/** A secret as an argument of buildx, with its whole path. */
export const secretArgument = ({ id, from }: BuildSecret, root: string): string =>
  from.kind === 'env' ? `id=${id},env=${from.name}` : `id=${id},${csv(`src=${isAbsolute(from.path) ? from.path : join(root, from.path)}`)}`;

/**
 * The values of secrets, to be hidden in everything that is shown of a build.
 * @throws ERR_OPTION_INVALID for a variable that is not set and a file that is not there: BuildKit would mount an empty one
 */
export const secretValues = async (secrets: readonly BuildSecret[], root: string, env: Readonly<Record<string, string | undefined>>): Promise<string[]> => {
  const values = await Promise.all(
    secrets.map(async ({ id, from }) => {
      if (from.kind === 'env') return env[from.name] || fail('ERR_OPTION_INVALID', `--secret: ${from.name}, for ${id}, is not set`);
      const path = isAbsolute(from.path) ? from.path : join(root, from.path);
      const size = (await stat(path).catch(() => null))?.size ?? fail('ERR_OPTION_INVALID', `--secret: ${from.path}, for ${id}, is not there`);
      return size > LARGEST_HIDDEN ? '' : readFile(path, 'utf8');
    }),
  );
  // Output is shown line by line, so each line of a value is hidden by itself too.
  return [...new Set(values.flatMap((value) => [value.trim(), ...value.split('\n').map((line) => line.trim())]).filter((value) => value !== ''))];
};
