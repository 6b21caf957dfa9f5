import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { statIfThere } from '@pinlane/oci';
import * as z from 'zod';
import { readOwnFile, writeOwnFile } from '../workspace/own-file.ts';
import type { Witness } from '../workspace/witness.ts';

/** What was bundled, and what came of it. */
export interface Bundled {
  /** The options of the bundle, as text. */
  readonly options: string;
  /** The files that it was made of, relative to the root. */
  readonly inputs: readonly string[];
  /** The files that it is, absolute. */
  readonly outputs: readonly { readonly path: string; readonly contents: Uint8Array }[];
  /** When bundling began, in ms since 1970. */
  readonly since: number;
}

// Counts up when the same sources are bundled in another way.
const FORMAT = 1;

const recordSchema = z.strictObject({
  bundler: z.string(),
  options: z.string(),
  inputs: z.array(z.string()),
  witness: z.string(),
  outputs: z.array(z.strictObject({ path: z.string(), sha256: z.string(), size: z.int() })),
});

/** Times of files are as coarse as this on some file systems, in ms. */
const TICK_MS = 1_000;

let version: string | undefined;

const bundler = (): string => (version ??= readBundler());

const readBundler = (): string => {
  const manifest = createRequire(import.meta.url).resolve('esbuild/package.json');
  return `${FORMAT} ${(JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version}`;
};

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const isInPackage = (path: string): boolean => /(^|\/)node_modules\//.test(path);

/** Sources by themselves and by where they are looked for; files of packages by themselves, and their manifests. */
const stateOf = (witness: Witness, root: string, inputs: readonly string[]): string => {
  const packages = inputs.filter(isInPackage);
  const manifests = packages.flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []).map((folder) => `${folder}/package.json`);
  const absolute = (paths: readonly string[]): string[] => [...new Set(paths)].map((path) => join(root, path));
  return witness.of(absolute(inputs.filter((path) => !isInPackage(path))), absolute([...packages, ...manifests]));
};

const holds = (path: string, { sha256: expected, size }: { readonly sha256: string; readonly size: number }): boolean => {
  try {
    return statSync(path).size === size && sha256(readFileSync(path)) === expected;
  } catch {
    return false;
  }
};

/** Null if there is none that can be read: only time is lost. */
const readRecord = (path: string): z.output<typeof recordSchema> | null => {
  try {
    return readOwnFile(path, recordSchema, 'it is bundled anew', () => undefined);
  } catch {
    return null;
  }
};

/** The files of the last bundle, if another one of the same options would be the same: nothing that it is made of has changed, and it is there. Null if not. */
export const sameBundle = (path: string, root: string, options: string, witness: () => Witness): { path: string; size: number }[] | null => {
  const record = readRecord(path);
  if (record?.options !== options || record.bundler !== bundler()) return null;
  if (!record.outputs.every((output) => holds(join(root, output.path), output))) return null;
  return record.witness === stateOf(witness(), root, record.inputs) ? record.outputs.map(({ path: output, size }) => ({ path: output, size })) : null;
};

/**
 * Records a bundle. Not where a file was written to at about the time of bundling: whether it was before or after, its times do not tell.
 * @param witness may have looked before: what changed since then is not what it saw, so that the record is not believed
 * @param temporary where the record is prepared
 */
export const recordBundle = async (
  path: string,
  root: string,
  { options, inputs, outputs, since }: Bundled,
  witness: Witness,
  temporary: string,
): Promise<void> => {
  const isSettled = (input: string): boolean => (statIfThere(join(root, input))?.ctimeMs ?? Infinity) < since - TICK_MS;
  if (!inputs.every(isSettled)) return;
  const files = outputs.map(({ path: output, contents }) => ({ path: relative(root, output), sha256: sha256(contents), size: contents.length }));
  await writeOwnFile(path, { bundler: bundler(), options, inputs: [...inputs], witness: stateOf(witness, root, inputs), outputs: files }, temporary).catch(
    () => undefined,
  );
};
