import { architectureOf, fail, PinlaneError, type Architecture, type Digest, type Platform, type Problem, type Progress } from '@pinlane/contracts';
import { readAll, type ChunkUse, type ContentSource, type Descriptor } from '../content/index.ts';
import type { BuildContext } from '../context/index.ts';
import { bytesOnce } from '../context/files.ts';
import { planStages, requireEmbeddable, undeclaredArguments, type Origin, type ParsedDockerfile, type Stage } from '../dockerfile/index.ts';
import { composeIndex } from '../image/index.ts';
import { layerKey, openLayerCache, writeLayer, type Layer } from '../layer/index.ts';
import type { Store } from '../store/index.ts';
import { openBases, stopIfAborted, whileWanted } from './bases.ts';
import { layerEntries, type PlannedEntry } from './changes.ts';
import { contextTree } from './context-tree.ts';
import { isPackedFile, unpackFiles, type Sources } from './layer-files.ts';
import { StageRunner } from './run-stage.ts';
import { emptyState, stateFromImage, stateFromStage, type StageState } from './stage-state.ts';
import { FileTree, type FileNode } from './tree.ts';
import { writePlatformImage } from './write-image.ts';

/** Goes into the fingerprint: raised when the same input gives other bytes than before. */
export const ASSEMBLER_VERSION = 2;

export interface AssembleRequest {
  readonly context: BuildContext;
  readonly dockerfile: ParsedDockerfile;
  /** The stage to build; the last one where absent. */
  readonly target?: string | undefined;
  readonly platforms: readonly Platform[];
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Go before the Dockerfile's own. */
  readonly labels: Readonly<Record<string, string>>;
  /** Where the image is that the Dockerfile calls by this name. */
  resolveBase(name: string): Promise<{ readonly source: ContentSource; readonly digest: Digest }>;
  readonly store: Store;
  /** Makes every layer anew, whatever earlier builds left; the digests are the same. */
  readonly fresh?: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface AssembledImage {
  readonly platforms: Partial<Record<Architecture, Descriptor>>;
  readonly index: Descriptor;
  /** Layers of this Dockerfile that were there, and those that were made; one that platforms share counts once. */
  readonly reusedLayers: number;
  readonly builtLayers: number;
}

const LARGEST_TEXT = 4 * 1024 * 1024;

/** What goes into a layer is copied on the spot. */
const LENT: ChunkUse = { lent: true };

const throwAll = (problems: readonly Problem[]): void => {
  const unique = [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
  if (unique.length > 0) throw new PinlaneError(unique as [Problem, ...Problem[]]);
};

const foreign = ({ file }: ParsedDockerfile, { line, column }: Stage, actual: Platform, wanted: Platform): Problem => ({
  code: 'ERR_PLATFORM_MISSING',
  message: `the image would be named ${wanted} and made of files for ${actual}, because of --platform in a FROM`,
  fix: 'Leave --platform out of the FROM that the final stage stands on.',
  file,
  line,
  column,
});

/** The results of all; a failure is thrown when the others have ended, so that nothing works on behind the caller's back. */
const allOf = async <T>(work: readonly Promise<T>[]): Promise<T[]> => {
  await Promise.allSettled(work);
  return Promise.all(work);
};

/** One build: what its platforms share. */
class Assembly {
  private readonly request: AssembleRequest;
  private readonly cache;
  private readonly baseOf;
  private readonly context: FileTree;
  readonly counted = new Map<Digest, boolean>();

  constructor(request: AssembleRequest) {
    const { store, fresh = false, progress, signal } = request;
    this.request = request;
    this.cache = openLayerCache(store, { fresh });
    this.baseOf = openBases({ store, cache: this.cache, progress, signal, resolveBase: (name) => request.resolveBase(name) });
    this.context = contextTree(request.context);
  }

  /** Carries out the stages for one platform; builds nothing. */
  async plan(platform: Platform): Promise<{ readonly state: StageState; readonly problems: readonly Problem[] }> {
    const { dockerfile: parsed, target, buildArgs } = this.request;
    const { stages, target: last, globals } = planStages(parsed, { target, buildArgs, platform });
    const states = new Map<number, StageState>();
    const problems: Problem[] = [];
    for (const resolved of stages) {
      const state = await this.begin(resolved.base, resolved.platform, states);
      states.set(resolved.stage.index, state);
      const filesOf = (origin: Origin) => this.files(origin, platform, states);
      const { context, readText, open } = this;
      problems.push(...(await new StageRunner({ parsed, resolved, state, globals, buildArgs, context, readText, open, filesOf }).all()));
    }
    const state = states.get(last.stage.index)!;
    if (state.platform !== platform) problems.push(foreign(parsed, last.stage, state.platform, platform));
    return { state, problems };
  }

  private async begin(origin: Origin, platform: Platform, states: ReadonlyMap<number, StageState>): Promise<StageState> {
    if (origin.kind === 'scratch') return emptyState(platform);
    if (origin.kind === 'stage') return stateFromStage(states.get(origin.stage.index)!);
    const { tree, layers, config } = await this.baseOf(origin.name, platform);
    return stateFromImage(platform, tree(), layers, config);
  }

  /** The files that COPY --from sees; they are read, not changed. */
  private async files(origin: Origin, platform: Platform, states: ReadonlyMap<number, StageState>): Promise<FileTree> {
    if (origin.kind === 'scratch') return new FileTree();
    return origin.kind === 'stage' ? states.get(origin.stage.index)!.tree : (await this.baseOf(origin.name, platform)).tree();
  }

  /** Builds what is missing of a stage's layers. */
  async layersOf({ layers }: StageState): Promise<Layer[]> {
    const built: Layer[] = [];
    for (const layer of layers) built.push(layer.kind === 'base' ? layer.layer : await this.build(layer.entries));
    return built;
  }

  private async build(entries: readonly PlannedEntry[]): Promise<Layer> {
    const { store, signal } = this.request;
    stopIfAborted(signal);
    const fromContext = layerEntries(entries, (file) => this.open(file, LENT));
    const files = entries.flatMap(({ node }) => (node.type === 'file' && isPackedFile(node) ? [node] : []));
    const make = () => {
      if (files.length === 0) return writeLayer(store, fromContext);
      return this.cache.withFolder(async (folder) => {
        const unpacked = await unpackFiles(this.sources, files, folder);
        return writeLayer(
          store,
          layerEntries(entries, (file) => (isPackedFile(file) ? unpacked : this.open)(file, LENT)),
        );
      });
    };
    const { layer, built } = await this.cache.layer(layerKey(fromContext), make);
    this.counted.set(layer.descriptor.digest, built);
    return layer;
  }

  private readonly open = ({ source }: FileNode, use?: ChunkUse): AsyncIterable<Uint8Array> => {
    if (source.kind === 'inline') return bytesOnce(Buffer.from(source.text));
    return source.kind === 'context'
      ? whileWanted(this.request.context.open(source.path, use), this.request.signal)
      : fail('ERR_INTERNAL', `${source.path} was not unpacked`);
  };

  private readonly readText = async (file: FileNode): Promise<string> => {
    const read = async (chunks: AsyncIterable<Uint8Array>) =>
      Buffer.from(await readAll(chunks, LARGEST_TEXT, 'a file that names users or groups')).toString('utf8');
    if (!isPackedFile(file)) return read(this.open(file));
    return this.cache.withFolder(async (folder) => read((await unpackFiles(this.sources, [file], folder))(file)));
  };

  private get sources(): Sources {
    return { store: this.request.store, context: this.context, open: this.open };
  }
}

/**
 * Builds the image that a Dockerfile describes, for every platform at once, into a store. First everything is worked out and checked, then what is
 * missing of the layers is written, then configs, manifests and the index. The same request gives the same digests anywhere; the image gets no name.
 * @throws ERR_DOCKERFILE_UNSUPPORTED, ERR_DOCKERFILE_STAGE, ERR_DOCKERFILE_SYNTAX, ERR_COPY_MISSING, ERR_PATH_ESCAPES, ERR_CONTEXT_INVALID, each with
 * its line and all at once; ERR_LAYER_UNSAFE, ERR_PLATFORM_MISSING and whatever a base's source throws; ERR_CANCELLED
 */
export const assembleImage = async (request: AssembleRequest): Promise<AssembledImage> => {
  const { dockerfile, target, platforms, buildArgs, labels, store, progress, signal } = request;
  requireEmbeddable(dockerfile, buildArgs, platforms, target);
  for (const name of undeclaredArguments(dockerfile, buildArgs)) progress(`the build argument ${name} has no effect: ${dockerfile.file} has no ARG ${name}`);
  const assembly = new Assembly(request);
  const plans = await allOf(platforms.map(async (platform) => ({ platform, ...(await assembly.plan(platform)) })));
  throwAll(plans.flatMap(({ problems }) => problems));

  const children = await allOf(
    plans.map(async ({ platform, state }) => {
      const layers = await assembly.layersOf(state);
      stopIfAborted(signal);
      return writePlatformImage(store, platform, state, layers, labels);
    }),
  );
  const { bytes, descriptor: index } = composeIndex(children);
  await store.putManifest(index, bytes);
  const built = [...assembly.counted.values()].filter(Boolean).length;
  progress(`assembled ${platforms.join(' and ')}: ${built} layers built, ${assembly.counted.size - built} reused`);
  return {
    platforms: Object.fromEntries(platforms.map((platform, at) => [architectureOf(platform), children[at]!])),
    index,
    reusedLayers: assembly.counted.size - built,
    builtLayers: built,
  };
};
