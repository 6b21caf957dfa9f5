import { basename, dirname } from 'node:path/posix';
import { readNxJson, visitNotIgnoredFiles, type Tree } from '@nx/devkit';
import { fail, refParts, refSchema } from '@pinlane/contracts';
import { CORE_SCHEMA, load } from 'js-yaml';
import type { ProcessorPlan } from './options.ts';

/** A processor that is there already. */
interface Neighbour {
  readonly file: string;
  readonly ref: string;
  readonly slug: string;
  /** Where its image is pushed, without its slug; null if registry.yaml leaves that open. */
  readonly registry: string | null;
}

const neighbourOf = (file: string, text: string): Neighbour | null => {
  let spec: unknown;
  try {
    spec = load(text, { schema: CORE_SCHEMA });
  } catch {
    // Every other command reports a broken registry.yaml; it must not keep a new processor from being made.
    return null;
  }
  const { ref, image } = (spec ?? {}) as { ref?: unknown; image?: { repository?: unknown } | null };
  const parsed = refSchema.safeParse(ref);
  if (!parsed.success) return null;
  const { slug } = refParts(parsed.data);
  const repository = image?.repository;
  const registry = typeof repository === 'string' && repository.endsWith(`/${slug}`) ? repository.slice(0, -slug.length - 1) : null;
  return { file, ref: parsed.data, slug, registry };
};

/** The part of a workspace that a new processor could collide with. */
export interface Surroundings {
  /** Every processor, wherever its registry.yaml is. */
  readonly processors: readonly Neighbour[];
  /** The file that makes each other project, by the project's name. */
  readonly projects: ReadonlyMap<string, string>;
}

/** The name that a project.json or package.json gives its project; null if it gives none. */
const projectName = (file: string, text: string): string | null => {
  let json: { name?: unknown; nx?: { name?: unknown } } | null;
  try {
    json = JSON.parse(text) as typeof json;
  } catch {
    return null;
  }
  const name = json?.nx?.name ?? json?.name;
  if (typeof name === 'string') return name;
  return basename(file) === 'project.json' ? basename(dirname(file)) : null;
};

/** Looks through every file of the workspace that git does not ignore. */
export const surroundings = (tree: Tree): Surroundings => {
  const processors: Neighbour[] = [];
  const projects = new Map<string, string>();
  visitNotIgnoredFiles(tree, '.', (file) => {
    const text = (): string => tree.read(file, 'utf8') ?? '';
    if (basename(file) === 'registry.yaml') {
      const neighbour = neighbourOf(file, text());
      if (neighbour) processors.push(neighbour);
    } else if (basename(file) === 'project.json' || basename(file) === 'package.json') {
      const name = projectName(file, text());
      if (name !== null) projects.set(name, file);
    }
  });
  return { processors, projects };
};

/** The registry of a processor's neighbours, if all that name one name the same: a new processor most likely goes there, too. */
export const commonRegistry = (neighbours: readonly Neighbour[]): string | null => {
  const named = new Set(neighbours.flatMap(({ registry }) => registry ?? []));
  return named.size === 1 ? ([...named][0] ?? null) : null;
};

/** The folders below which the plugin looks for processors. */
const pluginFolders = (tree: Tree): readonly string[] => {
  for (const plugin of readNxJson(tree)?.plugins ?? []) {
    if (typeof plugin !== 'object' || plugin.plugin !== '@pinlane/nx') continue;
    const { folders } = (plugin.options ?? {}) as { folders?: readonly string[] };
    if (folders) return folders.map((folder) => folder.replace(/\/+$/, ''));
  }
  return ['processors'];
};

/**
 * Proves that a new processor gets in nobody's way.
 * @throws ERR_REF_DUPLICATE, ERR_GENERATOR_CONFLICT, ERR_OPTION_INVALID
 */
export const requireRoom = (tree: Tree, plan: ProcessorPlan, { processors, projects }: Surroundings): void => {
  const { ref, slug, directory } = plan;
  const taken = processors.find((neighbour) => neighbour.slug === slug);
  if (taken?.ref === ref) fail('ERR_REF_DUPLICATE', `${ref} is there already`, { file: taken.file });
  if (taken) fail('ERR_REF_DUPLICATE', `${ref} and ${taken.ref} both have the slug ${slug}`, { file: taken.file });
  if (tree.exists(directory)) fail('ERR_GENERATOR_CONFLICT', `the folder ${directory} exists`);
  const above = processors.find(({ file }) => directory.startsWith(`${dirname(file)}/`));
  if (above) fail('ERR_GENERATOR_CONFLICT', `the folder ${directory} lies inside of the processor ${above.ref}`, { file: above.file });
  const file = parents(directory).find((folder) => tree.isFile(folder));
  if (file !== undefined) fail('ERR_GENERATOR_CONFLICT', `${file} is a file, and ${directory} would lie in it`);
  const project = projects.get(slug);
  if (project !== undefined) fail('ERR_GENERATOR_CONFLICT', `the project ${slug} has the name that ${ref} would have`, { file: project });
  const folders = pluginFolders(tree);
  if (!folders.some((folder) => folder === '.' || directory.startsWith(`${folder}/`)))
    fail('ERR_OPTION_INVALID', `--directory ${directory} is not below ${folders.join(' or ')}, where the plugin looks for processors`, {
      fix: `Choose a folder below it, or add one to the option "folders" of @pinlane/nx in nx.json.`,
    });
};

const parents = (path: string): string[] => {
  const parent = dirname(path);
  return parent === '.' ? [] : [parent, ...parents(parent)];
};
