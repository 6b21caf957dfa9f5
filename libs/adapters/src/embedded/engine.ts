import { fail, type BuildEngine, type Digest, type PlatformDigests } from '@pinlane/contracts';
import {
  ASSEMBLER_VERSION,
  assembleImage,
  type AssembledImage,
  type AssembleRequest,
  type BuildContext,
  type ContentSource,
  type ParsedDockerfile,
  type Store,
} from '@pinlane/oci';
import { builtImage } from '@pinlane/pipeline';

/** What the embedded engine builds from, besides the plan. */
export interface EmbeddedEngineInput {
  readonly context: BuildContext;
  readonly dockerfile: ParsedDockerfile;
  /** The images that the Dockerfile names, each by that name. */
  readonly bases: ReadonlyMap<string, { readonly source: ContentSource; readonly digest: Digest }>;
  /** Where the image is written. */
  readonly store: Store;
  /** Finds lists of what the layers of bases hold, see `assembleImage`. */
  readonly fileLists?: AssembleRequest['fileLists'];
  /** Whether every layer is made anew; the digests are the same. */
  readonly noCache: boolean;
  /** The commit to be recorded; called when the image is built. */
  readonly revision: () => Promise<string | null>;
}

const digestsOf = (platforms: AssembledImage['platforms']): PlatformDigests =>
  Object.fromEntries(Object.entries(platforms).map(([architecture, { digest }]) => [architecture, digest]));

/** Builds images by itself, without Docker: the same source gives the same digests on any machine. */
export const createEmbeddedEngine = ({ context, dockerfile, bases, store, fileLists, noCache, revision }: EmbeddedEngineInput): BuildEngine => ({
  name: 'embedded',

  availability: async () => ({ available: true, version: String(ASSEMBLER_VERSION) }),

  async build(plan, { progress, signal }) {
    const { index, platforms, builtLayers, reusedLayers } = await assembleImage({
      context,
      dockerfile,
      target: plan.target ?? undefined,
      platforms: plan.platforms,
      buildArgs: plan.buildArgs,
      labels: plan.labels,
      resolveBase: async (name) => bases.get(name) ?? fail('ERR_INTERNAL', `the image ${name} was not among those that the Dockerfile names`),
      store,
      fileLists,
      fresh: noCache,
      progress,
      signal,
    });
    await store.name(plan.slug, index);
    const engine = { name: 'embedded', version: String(ASSEMBLER_VERSION) } as const;
    const image = builtImage(plan, { platforms: digestsOf(platforms), index: index.digest, engine, revision: await revision() });
    return { image, layers: { built: builtLayers, reused: reusedLayers } };
  },
});
