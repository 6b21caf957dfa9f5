import { dirname } from 'node:path/posix';
import { getProjects, readNxJson, visitNotIgnoredFiles, type Tree } from '@nx/devkit';
import { fail, refParts, refSchema } from '@pinlane/contracts';
import { CORE_SCHEMA, load } from 'js-yaml';
import type { ProcessorPlan } from './options.ts';

/** A processor that is there already. */
interface Neighbour {
  readonly file: string;
  readonly ref: string;
  readonly slug: string;
  /** Where its image is pushed, without its slug; null where registry.yaml leaves that open. */
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

/** Every processor of the workspace, wherever its registry.yaml is. */
export const findNeighbours = (tree: Tree): readonly Neighbour[] => {
  const found: Neighbour[] = [];
  visitNotIgnoredFiles(tree, '.', (file) => {
    if (file !== 'registry.yaml' && !file.endsWith('/registry.yaml')) return;
    const neighbour = neighbourOf(file, tree.read(file, 'utf8') ?? '');
    if (neighbour) found.push(neighbour);
  });
  return found;
};

/** The registry of a processor's neighbours where all that name one name the same: a new one most likely goes there, too. */
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
export const requireRoom = (tree: Tree, plan: ProcessorPlan, neighbours: readonly Neighbour[]): void => {
  const { ref, slug, directory } = plan;
  const taken = neighbours.find((neighbour) => neighbour.slug === slug);
  if (taken?.ref === ref) fail('ERR_REF_DUPLICATE', `${ref} is there already`, { file: taken.file });
  if (taken) fail('ERR_REF_DUPLICATE', `${ref} and ${taken.ref} both have the slug ${slug}`, { file: taken.file });
  if (tree.exists(directory)) fail('ERR_GENERATOR_CONFLICT', `the folder ${directory} exists`);
  const above = neighbours.find(({ file }) => directory.startsWith(`${dirname(file)}/`));
  if (above) fail('ERR_GENERATOR_CONFLICT', `the folder ${directory} lies inside of the processor ${above.ref}`, { file: above.file });
  const file = parents(directory).find((folder) => tree.isFile(folder));
  if (file !== undefined) fail('ERR_GENERATOR_CONFLICT', `${file} is a file, and ${directory} would lie in it`);
  const project = getProjects(tree).get(slug);
  if (project) fail('ERR_GENERATOR_CONFLICT', `the project ${slug} in ${project.root} has the name that ${ref} would have`);
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
