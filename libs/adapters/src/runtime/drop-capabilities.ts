import { basename } from 'node:path';
import { ask, findProgram } from '../process/index.ts';
import type { SetupStep } from './bridge.ts';

/** setpriv as a program that runs in any root: itself, and what it is linked with. */
export interface PortableSetpriv {
  /** The loader of this machine, by which it is started; null if setpriv needs none. */
  readonly loader: string | null;
  readonly files: readonly string[];
}

/** Where a processor's root has it. */
const FOLDER = '/dev/.pinlane';

/** Reads what `ldd` says: the loader is the one library that has no arrow. */
export const parseLdd = (text: string): { readonly loader: string | null; readonly libraries: readonly string[] } => {
  const lines = text.split('\n').map((line) => /^\s+(\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/.exec(line));
  const found = lines.flatMap((match) => (match === null ? [] : [{ path: match[2] as string, linked: match[1] !== undefined }]));
  return { loader: found.find(({ linked }) => !linked)?.path ?? null, libraries: [...new Set(found.map(({ path }) => path))] };
};

const find = async (setpriv: string, signal: AbortSignal | undefined): Promise<PortableSetpriv | null> => {
  const ldd = findProgram('ldd');
  if (ldd === null) return null;
  const { exitCode, stdout } = await ask({ command: ldd, args: [setpriv], env: { PATH: process.env['PATH'], LC_ALL: 'C' }, timeoutMs: 10_000, signal });
  const { loader, libraries } = parseLdd(stdout);
  // ldd fails for a program that is linked with nothing.
  return exitCode === 0 && loader === null ? null : { loader, files: [setpriv, ...libraries] };
};

let known: PortableSetpriv | null | undefined;

/** What of this machine setpriv consists of; null if that can't be found out. */
export const portableSetpriv = async (setpriv: string, signal?: AbortSignal): Promise<PortableSetpriv | null> => {
  if (known !== undefined) return known;
  const found = await find(setpriv, signal);
  // What was broken off tells nothing.
  if (!signal?.aborted) known = found;
  return found;
};

/** Puts it into the processor's /dev, as copies: whoever owns the originals could write to them there. */
export const placeSetpriv = ({ files }: PortableSetpriv, at: (path: string) => string): SetupStep[] => [
  { folder: at(FOLDER) },
  ...files.map((file): SetupStep => ({ file: at(`${FOLDER}/${basename(file)}`), copyOf: file })),
];

/**
 * The command that drops every capability, also of the bounding set, and runs what comes after it. It has to be the last before the processor's own program:
 * a user namespace begins with all of them, and so does whoever still has to enter the root.
 */
export const dropCapabilities = ({ loader }: PortableSetpriv): string[] => [
  ...(loader === null ? [] : [`${FOLDER}/${basename(loader)}`, '--library-path', FOLDER]),
  ...[`${FOLDER}/setpriv`, '--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all', '--'],
];
