import { readFile, realpath, stat } from 'node:fs/promises';
import { join, posix, relative, sep } from 'node:path';
import { fail, isPinlaneError, PinlaneError, PLATFORMS, slugOf, type Digest, type ProcessorSpec } from '@pinlane/contracts';
import { ASSEMBLER_VERSION, dockerfileBases, parseDockerfile, readBuildContext, type BuildContext, type ParsedDockerfile, type Store } from '@pinlane/oci';
import { fingerprintOf, parseSpec, projectionText, projectSpec } from '@pinlane/pipeline';
import type { FlowContext } from '../shell/flow.ts';
import { resolveBases, type ResolvedBase } from './bases.ts';
import type { WorkspacePaths } from './paths.ts';
import { readRecord } from './records.ts';
import { requireSecretsUnset, type BuildSettings } from './settings.ts';

/** A processor's registry.yaml: where it is, and what it says. */
export interface SpecFile {
  /** The absolute path. */
  readonly path: string;
  /** Relative to the workspace's root, for messages and reports. */
  readonly file: string;
  readonly text: string;
  readonly spec: ProcessorSpec;
}

/** Everything that an image is made from, read once, and its fingerprint. */
export interface Prepared {
  readonly spec: ProcessorSpec;
  readonly context: BuildContext;
  readonly dockerfile: ParsedDockerfile;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly target: string | undefined;
  readonly bases: ReadonlyMap<string, ResolvedBase>;
  readonly fingerprint: Digest;
}

/**
 * The paths, in a build context, under which registry.yaml can be seen: its own, and where it is a link the one it leads to. The build
 * sees the spec without its pins under each, so that no image depends on its own digest.
 */
const specPaths = async (context: string, registry: string): Promise<string[]> => {
  const [folder, real] = await Promise.all([realpath(context), realpath(registry)]).catch(() => [context, registry] as const);
  const paths = [relative(context, registry), relative(folder, real)].map((path) => path.split(sep).join('/'));
  return paths.filter((path) => !path.startsWith('..'));
};

/**
 * The text of a file that people edit, byte for byte.
 * @throws ERR_REGISTRY_SYNTAX where it can't be read, or is not UTF-8, because writing it back would change it
 */
export const readExactText = async (path: string, file: string): Promise<string> => {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) =>
    fail('ERR_REGISTRY_SYNTAX', `the file can't be read (${cause.code ?? cause.message})`, { file, cause, fix: 'Let this user read it, or remove it.' }),
  );
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    return fail('ERR_REGISTRY_SYNTAX', 'the file is not UTF-8', { file, cause });
  }
};

/** Reads and parses a processor's registry.yaml. @throws what `parseSpec` throws; ERR_OPTION_INVALID where there is none */
export const readSpec = async ({ root, projectRoot, project }: FlowContext): Promise<SpecFile> => {
  const file = posix.join(projectRoot, 'registry.yaml');
  const path = join(root, file);
  const text = await readExactText(path, file).catch((thrown: Error & { readonly cause?: NodeJS.ErrnoException }) => {
    if (thrown.cause?.code === 'ENOENT') return fail('ERR_OPTION_INVALID', `${project} is no processor: it has no registry.yaml`, { file });
    throw thrown;
  });
  return { path, file, text, spec: parseSpec(text, { file }).spec };
};

/** The folder of the build context. @throws ERR_CONTEXT_INVALID, ERR_PATH_ESCAPES where it is none, or leads out of the processor's own */
const contextFolder = async ({ spec, file }: SpecFile, projectFolder: string): Promise<string> => {
  const named = `build.context, ${JSON.stringify(spec.build.context)},`;
  const fix = 'Name a folder of the processor in build.context, or leave it out.';
  const folder = join(projectFolder, spec.build.context);
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory()) return fail('ERR_CONTEXT_INVALID', `${named} is ${found ? 'not a folder' : 'not there'}`, { file, fix });
  const from = relative(await realpath(projectFolder), await realpath(folder));
  if (from === '..' || from.startsWith(`..${sep}`)) fail('ERR_PATH_ESCAPES', `${named} leads out of the processor's folder`, { file, fix });
  return folder;
};

/** PINLANE_BASE_IMAGE stands for the argument that our Dockerfiles call BASE_IMAGE, where the Dockerfile has one and nobody set it. */
const withBaseImage = (buildArgs: Readonly<Record<string, string>>, { globals }: ParsedDockerfile, env: FlowContext['env']): Record<string, string> => {
  const image = env['PINLANE_BASE_IMAGE'];
  const declared = globals.some(({ entries }) => entries.some(({ name }) => name === 'BASE_IMAGE'));
  return { ...(image && declared ? { BASE_IMAGE: image } : {}), ...buildArgs };
};

/** What is wrong with a base is wrong with the variable, where that names it. */
const blameBaseImage =
  (image: string | undefined) =>
  (thrown: unknown): never => {
    if (!image || !isPinlaneError(thrown)) throw thrown;
    const [first, ...more] = thrown.problems.map((problem) => ({ ...problem, message: `PINLANE_BASE_IMAGE, ${image}: ${problem.message}` }));
    throw new PinlaneError([first!, ...more], { cause: thrown });
  };

/**
 * Reads the build context, the Dockerfile and the images it builds on, and works out the fingerprint. Builds nothing.
 * @throws what reading contexts, Dockerfiles and registries throws; ERR_LANE_SECRET_SET, ERR_BASE_UNAVAILABLE
 */
export const prepare = async (
  registry: SpecFile,
  site: {
    readonly paths: WorkspacePaths;
    readonly store: Store;
    readonly settings: BuildSettings;
    readonly buildArgs?: Readonly<Record<string, string>> | undefined;
    /** In place of the one in registry.yaml. */
    readonly target?: string | undefined;
    /** Names in the Dockerfile that are given a context of their own; those of the last build where absent. */
    readonly contexts?: readonly string[] | undefined;
  },
  { root, projectRoot, env, note, signal }: FlowContext,
): Promise<Prepared> => {
  const { spec, path } = registry;
  await requireSecretsUnset(site.settings.lane, spec, { root, env });
  const { dockerfile: name, args } = spec.build;
  const folder = await contextFolder(registry, join(root, projectRoot));
  const target = site.target ?? spec.build.target;
  const projection = new TextEncoder().encode(projectionText(spec));
  const paths = await specPaths(folder, path);
  const context = await readBuildContext(folder, {
    dockerfile: name,
    overrides: Object.fromEntries(paths.map((each) => [each, projection])),
  });
  const dockerfile = parseDockerfile(context.dockerfile.text, posix.join(projectRoot, spec.build.context, name));
  const buildArgs = withBaseImage({ ...args, ...site.buildArgs }, dockerfile, env);
  const named = dockerfileBases(dockerfile, buildArgs, PLATFORMS, target);
  const contexts = named.length === 0 ? [] : (site.contexts ?? (await readRecord(site.paths, slugOf(spec.ref)))?.contexts ?? []);
  const images = named.filter((each) => !contexts.includes(each));
  const bases = await resolveBases(images, { ...site, note, signal }).catch(blameBaseImage(images.find((each) => each === env['PINLANE_BASE_IMAGE'])));
  const fingerprint = fingerprintOf({
    assembler: String(ASSEMBLER_VERSION),
    entries: context.entries,
    dockerfile: context.dockerfile.text,
    buildArgs,
    target: target ?? null,
    projection: projectSpec(spec),
    bases: Object.fromEntries([...bases].map(([each, { pinned }]) => [each, pinned])),
  });
  return { spec, context, dockerfile, buildArgs, target, bases, fingerprint };
};
