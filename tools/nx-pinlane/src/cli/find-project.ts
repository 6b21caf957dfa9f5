import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fail } from '@pinlane/contracts';
import { readRegistryFacts } from '../inference/registry-facts.ts';

/** A project as the executors see it. */
export interface FoundProject {
  readonly root: string;
  readonly project: string;
  readonly projectRoot: string;
}

/** The root of the workspace that a folder is in. @throws ERR_OPTION_INVALID where there is none */
export const workspaceAbove = (folder: string): string => {
  if (existsSync(join(folder, 'nx.json'))) return folder;
  const parent = dirname(folder);
  return parent === folder ? fail('ERR_OPTION_INVALID', 'there is no nx.json here or above: run it inside a workspace') : workspaceAbove(parent);
};

const foldersOf = (root: string): readonly string[] => {
  const { plugins = [] } = JSON.parse(readFileSync(join(root, 'nx.json'), 'utf8')) as {
    plugins?: (string | { plugin: string; options?: { folders?: string[] } })[];
  };
  return plugins.flatMap((entry) => (typeof entry === 'object' && entry.plugin === '@pinlane/nx' ? (entry.options?.folders ?? []) : [])).concat('processors');
};

const slash = (path: string): string => path.split(sep).join('/');

/** Finds a project by its name, or by its folder. @throws ERR_OPTION_INVALID when there is none; what `readRegistryFacts` throws where its file is broken */
export const findProject = (name: string, cwd: string): FoundProject => {
  const root = workspaceAbove(cwd);
  const asFolder = resolve(cwd, name);
  const isBase = (folder: string) => existsSync(join(folder, 'base.yaml'));
  const here = (folder: string, project: string): FoundProject => ({ root, project, projectRoot: slash(relative(root, folder)) });
  const slugOf = (file: string) => readRegistryFacts(slash(relative(root, file)), readFileSync(file, 'utf8')).slug;

  if (existsSync(join(asFolder, 'registry.yaml'))) return here(asFolder, slugOf(join(asFolder, 'registry.yaml')));
  let broken: unknown;
  for (const folder of foldersOf(root)) {
    const files = globSync('**/registry.yaml', { cwd: join(root, folder), exclude: (entry) => String(entry).includes('node_modules') });
    for (const file of files.map((each) => join(root, folder, each))) {
      try {
        if (slugOf(file) === name) return here(dirname(file), name);
      } catch (thrown) {
        // A broken neighbour is not what was asked about.
        if (basename(dirname(file)) === name) broken = thrown;
      }
    }
  }
  if (broken !== undefined) throw broken;
  const base = [asFolder, ...globSync(['libs/*', 'packages/*', 'tools/*'], { cwd: root }).map((folder) => join(root, folder))].find(
    (folder) => isBase(folder) && (folder === asFolder || folder.endsWith(`${sep}${name}`)),
  );
  return base
    ? here(base, slash(relative(root, base)).split('/').at(-1) as string)
    : fail('ERR_OPTION_INVALID', `there is no processor ${JSON.stringify(name.slice(0, 100))} in this workspace`);
};
