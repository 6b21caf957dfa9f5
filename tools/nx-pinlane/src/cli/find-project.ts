import { existsSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fail, quoted } from '@pinlane/contracts';
import { processorFolders } from '../workspace/nx-json.ts';
import { readSpecBytes } from '../workspace/spec-bytes.ts';
import { readSpecFacts } from '../workspace/spec-facts.ts';
import { entriesOf, specFiles } from '../workspace/spec-files.ts';

/** A project as the executors see it. */
export interface FoundProject {
  readonly root: string;
  readonly project: string;
  readonly projectRoot: string;
}

/** The root of the workspace that a folder is in; null if it is in none. */
export const workspaceIn = (folder: string): string | null => {
  if (existsSync(join(folder, 'nx.json'))) return folder;
  const parent = dirname(folder);
  return parent === folder ? null : workspaceIn(parent);
};

/** The same. @throws ERR_OPTION_INVALID if it is in none */
export const workspaceAbove = (folder: string): string =>
  workspaceIn(folder) ?? fail('ERR_OPTION_INVALID', 'there is no nx.json here or above: run it inside a workspace');

const slash = (path: string): string => path.split(sep).join('/');

const SHOWN = 10;
const shortened = (names: readonly string[]): string =>
  names.length > SHOWN ? `${names.slice(0, SHOWN).join(', ')} and ${names.length - SHOWN} more` : names.join(', ');

/** Finds a project by its name, by its ref, or by its folder. @throws ERR_OPTION_INVALID when there is none; what `readSpecFacts` throws if its file is broken */
export const findProject = async (name: string, cwd: string): Promise<FoundProject> => {
  const root = workspaceAbove(cwd);
  const asFolder = resolve(cwd, name);
  const isBase = (folder: string) => existsSync(join(folder, 'base.yaml'));
  const here = (folder: string, project: string): FoundProject => ({ root, project, projectRoot: slash(relative(root, folder)) });
  const factsOf = (file: string) => readSpecFacts(slash(relative(root, file)), Buffer.from(readSpecBytes(file, slash(relative(root, file)))).toString('utf8'));

  if (existsSync(join(asFolder, 'registry.yaml'))) return here(asFolder, factsOf(join(asFolder, 'registry.yaml')).slug);
  let broken: unknown;
  const others: string[] = [];
  for (const folder of new Set([...(await processorFolders(root)), 'processors'])) {
    const files = specFiles(root, folder);
    for (const file of files.map((each) => join(root, each))) {
      try {
        const { slug, ref } = factsOf(file);
        if (slug === name || ref === name) return here(dirname(file), slug);
        others.push(slug);
      } catch (thrown) {
        // A broken file of another processor does not matter here.
        if (basename(dirname(file)) === name) broken = thrown;
      }
    }
  }
  if (broken !== undefined) throw broken;
  const inFolder = (folder: string) => entriesOf(join(root, folder)).map((entry) => join(root, folder, entry.name));
  const base = [asFolder, ...['libs', 'packages', 'tools'].flatMap(inFolder)].find(
    (folder) => isBase(folder) && (folder === asFolder || folder.endsWith(`${sep}${name}`)),
  );
  return base
    ? here(base, slash(relative(root, base)).split('/').at(-1) as string)
    : fail('ERR_OPTION_INVALID', `there is no processor ${quoted(name)} in this workspace`, {
        fix: others.length > 0 ? `Name one that there is, or its folder: ${shortened(others.sort())}.` : 'Make one with `nx g @pinlane/nx:processor`.',
      });
};
