import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { statIfThere } from '@pinlane/oci';

/** Tells whether what a bundler read, and where it looked for it, is as it was; one look at each path, however many ask. */
export interface Witness {
  /**
   * One hash over the state of files and of all that decides which files a bundler takes.
   * @param files absolute; those of packages may be left out
   * @param others files that are only looked at themselves: the manifests of packages
   */
  of(files: readonly string[], others?: readonly string[]): string;
  /** The configuration files that have a say in how these files are bundled, absolute, sorted. */
  configurationOf(files: readonly string[]): string[];
}

/** Files that decide how imports are resolved and sources are read, in every folder above a source. */
const isConfiguration = (name: string): boolean => name === 'package.json' || /^[tj]sconfig.*\.json$/.test(name);

/** Where an installer says what it installed: another version of a package that another package asks for may change no folder that lies nearer. */
const INSTALLED = [
  'node_modules/.package-lock.json',
  'node_modules/.modules.yaml',
  'node_modules/.pnpm/lock.yaml',
  'node_modules/.pnpm-workspace-state-v1.json',
  'node_modules/.yarn-state.yml',
  'node_modules/.yarn-integrity',
];
const PLUG_AND_PLAY = ['.pnp.cjs', '.pnp.data.json'];

const EXTENDS = /"extends"\s*:\s*(\[[^\]]*\]|"(?:[^"\\]|\\.)*")/g;

/** The files that a tsconfig may extend, as absolute paths; those that are not there, too: they may come. */
const extendedBy = (file: string, text: string, root: string): string[] =>
  [...text.matchAll(EXTENDS)].flatMap(([, value]) =>
    [...value!.matchAll(/"((?:[^"\\]|\\.)*)"/g)].flatMap(([, name]) => {
      const path = name!.startsWith('.') || isAbsolute(name!) ? resolve(dirname(file), name!) : join(root, 'node_modules', name!);
      return [path, `${path}.json`, join(path, 'tsconfig.json')];
    }),
  );

/** Opens one for a workspace, for as long as nothing in it changes. */
export const openWitness = (root: string): Witness => {
  const seen = new Map<string, string>();
  const listings = new Map<string, readonly string[]>();

  const once = (key: string, look: () => string): string => {
    const found = seen.get(key) ?? look();
    seen.set(key, found);
    return found;
  };
  const stateOf = (path: string): string =>
    once(path, () => {
      const stats = statIfThere(path);
      return stats === undefined ? '-' : `${stats.size} ${stats.mtimeMs} ${stats.ctimeMs} ${stats.ino}`;
    });
  const namesIn = (folder: string): readonly string[] => {
    const known = listings.get(folder);
    if (known !== undefined) return known;
    let names: string[] = [];
    try {
      names = readdirSync(folder).sort();
    } catch {
      // It is gone, as the state of the file in it says.
    }
    listings.set(folder, names);
    return names;
  };
  /** The folder of a file and those above it, up to the root; outside of the workspace up to the file system's. */
  const foldersAbove = (file: string): string[] => {
    const folders: string[] = [];
    for (let folder = dirname(file); ; folder = dirname(folder)) {
      folders.push(folder);
      if (folder === root || folder === dirname(folder)) return folders;
    }
  };
  const configurationIn = (folder: string): string[] =>
    namesIn(folder)
      .filter(isConfiguration)
      .map((name) => join(folder, name));

  /** The state of a tsconfig and of those that it extends. */
  const configurationState = (file: string, depth = 0): string =>
    once(`configuration ${file}`, () => {
      const own = stateOf(file);
      if (own === '-' || basename(file) === 'package.json' || depth > 10) return own;
      let text = '';
      try {
        text = readFileSync(file, 'utf8');
      } catch {
        return own;
      }
      return [own, ...extendedBy(file, text, root).map((each) => configurationState(each, depth + 1))].join();
    });

  /** Which files could be found from a folder: its names, its configuration, and whether packages were added beside it. */
  const folderState = (folder: string): string =>
    once(`folder ${folder}`, () => {
      const names = namesIn(folder);
      // Names with a dot before them are no sources, and come and go.
      const lines = [names.filter((name) => !name.startsWith('.')).join('\0'), ...configurationIn(folder).map((file) => configurationState(file))];
      if (names.includes('node_modules')) {
        const modules = join(folder, 'node_modules');
        const scopes = namesIn(modules).filter((name) => name.startsWith('@'));
        lines.push(...[modules, ...scopes.map((name) => join(modules, name)), ...INSTALLED.map((name) => join(folder, name))].map(stateOf));
      }
      if (names.includes(PLUG_AND_PLAY[0]!)) lines.push(...PLUG_AND_PLAY.map((name) => stateOf(join(folder, name))));
      return createHash('sha256').update(lines.join('\n')).digest('hex');
    });

  return {
    of: (files, others = []) => {
      const hash = createHash('sha256');
      const folders = new Set(files.flatMap(foldersAbove));
      for (const file of [...files, ...others].sort()) hash.update(`${file}\0${stateOf(file)}\n`);
      for (const folder of [...folders].sort()) hash.update(`${folder}\0${folderState(folder)}\n`);
      return hash.digest('hex');
    },
    configurationOf: (files) => {
      const folders = new Set(files.flatMap(foldersAbove));
      return [...folders].flatMap(configurationIn).sort();
    },
  };
};
