import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Metafile, Plugin } from 'esbuild';
import { portable } from './bundle-names.ts';

type Inputs = Metafile['inputs'];

const PACKAGE = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Files of packages that lie in more than one place, by their portable names. */
const severalOf = (inputs: Inputs): string[][] => {
  const byName = new Map<string, string[]>();
  for (const path of Object.keys(inputs)) {
    if (!PACKAGE.test(path)) continue;
    const name = portable(path);
    byName.set(name, [...(byName.get(name) ?? []), path]);
  }
  return [...byName.values()].filter((paths) => paths.length > 1);
};

/** A module that imports CommonJS as Node does would lose that if it were led to by a plugin (see {@link ledToOne}): it stays where it is. */
const staysWhereItIs = (inputs: Inputs, path: string): boolean =>
  inputs[path]!.imports.some(({ path: next, kind }) => kind !== 'require-call' && kind !== 'require-resolve' && inputs[next]?.format === 'cjs');

/**
 * Files that are the same as others and import the same, each with the one that stands for it. Package managers put one version of a package in several places,
 * or in one, as their layout has it; two copies are only one if that holds for all that they import, too.
 * @param inputs what a bundle is made of, as the bundler says, with paths relative to `root`
 */
export const copiesIn = (root: string, inputs: Inputs): ReadonlyMap<string, string> => {
  const groups = severalOf(inputs);
  // What a file is taken for: files of one class are the same as far as is known. It begins with their bytes and their package's, and is refined by their imports.
  let classes = new Map<string, string>();
  for (const path of groups.flat()) {
    const manifest = join(root, PACKAGE.exec(path)![1]!, 'package.json');
    classes.set(path, staysWhereItIs(inputs, path) ? path : `${portable(path)} ${sha256(join(root, path))} ${sha256(manifest)}`);
  }
  for (let count = -1; count !== new Set(classes.values()).size;) {
    count = new Set(classes.values()).size;
    const before = classes;
    const refined = (path: string): string => {
      const imports = inputs[path]!.imports.map(({ path: next, kind, original, external }) => [kind, original, external, before.get(next) ?? next]);
      return createHash('sha256')
        .update(JSON.stringify([before.get(path), imports]))
        .digest('hex');
    };
    classes = new Map([...before.keys()].map((path) => [path, refined(path)]));
  }
  const first = new Map<string, string>();
  for (const path of [...classes.keys()].sort()) if (!first.has(classes.get(path)!)) first.set(classes.get(path)!, path);
  return new Map([...classes].map(([path, each]) => [path, first.get(each)!] as const).filter(([path, one]) => path !== one));
};

const AGAIN = Symbol('again');

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/**
 * Leads imports of copies to the one that stands for them; all other imports are left to the bundler, which asks about none of them: each question to a plugin
 * takes it longer than to read the file.
 * @param inputs what the bundle is made of where nothing is led elsewhere
 * @param copies as from {@link copiesIn}; both relative to `root`
 */
export const ledToOne = (root: string, inputs: Inputs, copies: ReadonlyMap<string, string>): Plugin => {
  const absolute = (path: string): string => (isAbsolute(path) ? path : join(root, path));
  const to = new Map([...copies].map(([path, one]) => [absolute(path), absolute(one)]));
  const led = Object.entries(inputs).flatMap(([importer, { imports }]) =>
    imports.flatMap(({ path, original }) => (copies.has(path) && original !== undefined ? [{ importer: absolute(importer), original }] : [])),
  );
  const isLed = new Set(led.map(({ importer, original }) => `${importer}\0${original}`));
  const names = [...new Set(led.map(({ original }) => escaped(original)))];
  return {
    name: 'copies',
    setup: ({ onResolve, resolve }) =>
      onResolve({ filter: new RegExp(`^(?:${names.join('|')})$`) }, async ({ path, kind, importer, resolveDir, pluginData, with: attributes }) => {
        if (pluginData === AGAIN || !isLed.has(`${importer}\0${path}`)) return undefined;
        const found = await resolve(path, { kind, importer, resolveDir, pluginData: AGAIN, with: attributes });
        const one = to.get(found.path);
        return one === undefined ? undefined : { path: one, sideEffects: found.sideEffects };
      }),
  };
};
