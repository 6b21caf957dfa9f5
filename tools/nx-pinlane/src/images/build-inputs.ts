import { realpathSync, statSync, type Stats } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { fail, isPinlaneError, leadsOut, PinlaneError, PLATFORMS, type Digest, type ProcessorSpec } from '@pinlane/contracts';
import { ASSEMBLER_VERSION, dockerfileBases, parseDockerfile, readBuildContext, type BuildContext, type ParsedDockerfile } from '@pinlane/oci';
import { askedOfImage, contextNames, fingerprintOf, imageProjection, projectionText, type BuildRequest } from '@pinlane/pipeline';
import type { VerbContext } from '../command/context.ts';
import { valueOf } from '../command/environment.ts';
import { requireSecretsUnset } from '../workspace/secrets.ts';
import type { BuildSettings } from '../workspace/settings.ts';
import type { SpecFile } from '../workspace/spec-file.ts';
import { resolveBases, type ResolvedBase } from './bases.ts';
import type { BuildRequested } from './build-request.ts';
import type { ImageLocations } from './locations.ts';

/** Everything that an image is made from, read once, and its fingerprint. */
export interface BuildInputs {
  readonly spec: ProcessorSpec;
  readonly context: BuildContext;
  readonly dockerfile: ParsedDockerfile;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly target: string | undefined;
  readonly bases: ReadonlyMap<string, ResolvedBase>;
  /** The base that PINLANE_BASE_IMAGE put in the place of another; undefined if it did not. */
  readonly baseImage: string | undefined;
  /** What is asked besides the source. */
  readonly request: BuildRequest;
  readonly fingerprint: Digest;
}

/**
 * The paths, in a build context, under which registry.yaml can be seen: its own, and if it is a link the one that it leads to. The build
 * sees the projection of the spec under each, so that no image depends on its own digest.
 */
const specPaths = (context: string, specFile: string): string[] => {
  let from = relative(context, specFile);
  try {
    from = relative(realpathSync.native(context), realpathSync.native(specFile));
  } catch {
    // Whoever reads them says what is wrong.
  }
  const paths = [relative(context, specFile), from].map((path) => path.split(sep).join('/'));
  return paths.filter((path) => !leadsOut(path));
};

const statIfThere = (path: string): Stats | undefined => {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
};

/** The folder of the build context. @throws ERR_CONTEXT_INVALID, ERR_PATH_ESCAPES if it is none, or leads out of the processor's own */
const contextFolder = ({ spec, file }: SpecFile, projectFolder: string): string => {
  const named = `build.context, ${JSON.stringify(spec.build.context)},`;
  const fix = 'Name a folder of the processor in build.context, or leave it out.';
  const folder = join(projectFolder, spec.build.context);
  const found = statIfThere(folder);
  if (!found?.isDirectory()) return fail('ERR_CONTEXT_INVALID', `${named} is ${found ? 'not a folder' : 'not there'}`, { file, fix });
  const from = relative(realpathSync.native(projectFolder), realpathSync.native(folder));
  if (leadsOut(from)) fail('ERR_PATH_ESCAPES', `${named} leads out of the processor's folder`, { file, fix });
  return folder;
};

const readContext = async (specFile: SpecFile, projectFolder: string, signal: AbortSignal): Promise<BuildContext> => {
  const folder = contextFolder(specFile, projectFolder);
  const projection = new TextEncoder().encode(projectionText(specFile.spec));
  const paths = specPaths(folder, specFile.path);
  return readBuildContext(folder, {
    signal,
    dockerfile: specFile.spec.build.dockerfile,
    overrides: Object.fromEntries(paths.map((path) => [path, projection])),
  });
};

/** PINLANE_BASE_IMAGE stands for the argument that our Dockerfiles call BASE_IMAGE, if the Dockerfile has one and nobody set it. */
const withBaseImage = (buildArgs: Readonly<Record<string, string>>, { globals }: ParsedDockerfile, image: string | undefined): Record<string, string> => {
  const declared = globals.some(({ entries }) => entries.some(({ name }) => name === 'BASE_IMAGE'));
  return { ...(image && declared ? { BASE_IMAGE: image } : {}), ...buildArgs };
};

/** An error about a base that the variable named blames the variable. */
export const blameBaseImage =
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
export const readBuildInputs = async (
  specFile: SpecFile,
  { lane }: Pick<BuildSettings, 'lane'>,
  locations: ImageLocations,
  verbContext: VerbContext,
  { buildArgs: askedArgs, target: askedTarget, request }: BuildRequested,
): Promise<BuildInputs> => {
  const { spec } = specFile;
  const { root, projectRoot, env, progress, signal } = verbContext;
  await requireSecretsUnset(lane, spec, { root, env });
  const target = askedTarget ?? spec.build.target;
  const baseImage = valueOf(env, 'PINLANE_BASE_IMAGE');
  progress('reading the build context');
  const context = await readContext(specFile, join(root, projectRoot), signal);
  const dockerfile = parseDockerfile(context.dockerfile.text, posix.join(projectRoot, spec.build.context, spec.build.dockerfile));
  const buildArgs = withBaseImage({ ...spec.build.args, ...askedArgs }, dockerfile, baseImage);
  const named = dockerfileBases(dockerfile, buildArgs, PLATFORMS, target);
  const contexts = contextNames(request);
  const images = named.filter((each) => !contexts.includes(each));
  if (images.length > 0) progress(`looking for ${images.join(', ')}`);
  const blamed = images.find((each) => each === baseImage);
  const bases = await resolveBases(images, lane, locations, verbContext).catch(blameBaseImage(blamed));
  const fingerprint = fingerprintOf({
    assembler: String(ASSEMBLER_VERSION),
    entries: context.entries,
    dockerfile: context.dockerfile.text,
    buildArgs,
    target: target ?? null,
    projection: imageProjection(spec),
    bases: Object.fromEntries([...bases].map(([each, { pinned }]) => [each, pinned])),
    request: askedOfImage(request),
  });
  return { spec, context, dockerfile, buildArgs, target, bases, baseImage: blamed, request, fingerprint };
};
