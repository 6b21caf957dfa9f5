import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fail, isPinlaneError, laneRules, parsePinnedReference, type BuiltImage, type Digest, type Lane } from '@pinlane/contracts';
import { readingOnce, withLock, type ContentSource, type Store } from '@pinlane/oci';
import type { VerbContext } from '../command/context.ts';
import { valueOf } from '../command/environment.ts';
import { openRegistry, type ImageLocations } from './locations.ts';

/** Where the bytes of an image are. */
export interface ImagePlace {
  readonly digest: Digest;
  readonly source: ContentSource;
  /** The image as other programs find it, `repository@sha256:…`; null if it is in the store. */
  readonly reference: string | null;
}

/** A base that this workspace makes from a lock. */
export interface WorkspaceBase {
  readonly index: Digest;
  /** Finds its bytes, or assembles them. Of a lock that records no digest, it may be another one than before. */
  readonly locate: () => Promise<ImagePlace>;
}

/** How long another process may take to assemble the base, in ms. */
const PATIENCE_MS = 30 * 60 * 1000;

const openBase = async (
  name: string,
  baseDir: string,
  { paths, store, access }: ImageLocations,
  anew: boolean,
  { root, env, signal, progress, note }: VerbContext,
) => {
  const { buildBase, knownBase } = await import('@pinlane/base-node');
  const options = {
    root,
    name,
    baseDir,
    env,
    signal,
    progress: (line: string, kind?: 'step' | 'note') => (kind === 'note' ? note(line) : progress(line)),
    store,
    folder: join(paths.cache, 'base'),
    noCache: anew,
    openRegistry: (repository: Parameters<typeof openRegistry>[0]) => openRegistry(repository, access),
  };
  return {
    known: () => knownBase(options),
    /** Assembles it, once for all processes that need it. */
    assemble: async (): Promise<BuiltImage> => {
      progress('waiting for the base');
      const place = { folder: join(paths.locks, 'base'), temporary: paths.temporary, patienceMs: PATIENCE_MS, what: 'the base' };
      return withLock(place, async () => {
        const image = await buildBase(options);
        const { pushed, repository } = image;
        if (anew && pushed)
          fail('ERR_BASE_UNAVAILABLE', `this machine can't assemble the base, and that of ${repository} is not assembled anew`, {
            fix: 'Leave --noCache out, or run it on a machine with apt.',
          });
        return image;
      });
    },
  };
};

/** The base of a lock in the store, taken from where it is or assembled, whatever PINLANE_BASE_IMAGE names. @throws as `buildBase` */
export const assembleBase = async (name: string, baseDir: string, locations: ImageLocations, context: VerbContext): Promise<BuiltImage> => {
  const env = { ...context.env, PINLANE_BASE_IMAGE: undefined };
  return (await openBase(name, baseDir, locations, false, { ...context, env })).assemble();
};

/** The published base, if its registry has it. */
const inRegistry = async (published: string, { access }: ImageLocations, { note, signal }: VerbContext): Promise<ImagePlace | null> => {
  const reference = parsePinnedReference(published);
  const registry = openRegistry(reference, access);
  // The build asks for the manifest that is asked for here.
  const source = { ...registry, ...readingOnce(registry) };
  try {
    await source.readManifest(reference.digest);
    return { digest: reference.digest, source, reference: published };
  } catch (thrown) {
    if (signal.aborted || !isPinlaneError(thrown)) throw thrown;
    note(`the base is assembled, because it can't be taken from its registry: ${thrown.problems[0]?.message}`);
    return null;
  }
};

/**
 * The base of a project that has a lock, without assembling it if the lock records its digest. Null if the project has none, or if PINLANE_BASE_IMAGE stands
 * in its place. The bytes are found when they are needed: in the store, in the registry where the base was published, or else by assembling.
 * @throws ERR_BASE_LOCK_INVALID, and what assembling throws if the lock records nothing
 */
export const workspaceBase = async (project: string, lane: Lane, locations: ImageLocations, context: VerbContext): Promise<WorkspaceBase | null> => {
  const folder = await context.rootOf(project);
  if (folder === null || valueOf(context.env, 'PINLANE_BASE_IMAGE') !== undefined) return null;
  const baseDir = join(context.root, folder);
  if (!existsSync(join(baseDir, 'base.lock.json'))) return null;
  const { store, scratch } = locations;
  const anew = scratch?.anew === true;
  const base = await openBase(project, baseDir, { ...locations, ...scratch }, anew, context);
  const known = await (anew ? base.known() : context.once(`base of ${baseDir}`, () => base.known()));
  const index = known?.index ?? (await base.assemble()).index;
  // Who leaves nothing, or builds fresh, looks at every byte: an earlier run may have left them.
  const hashed = scratch !== undefined || laneRules(lane).fresh;
  const isIn = async (place: Store): Promise<boolean> => (await place.missing(index, hashed ? { hashed: new Set<string>() } : {})).length === 0;
  const inStore = (digest: Digest, place: Store): ImagePlace => ({ digest, source: place, reference: null });
  const assembled = scratch?.store ?? store;
  const stores = new Set(anew ? [assembled] : [assembled, store]);
  return {
    index,
    async locate() {
      for (const place of stores) if (await isIn(place)) return inStore(index, place);
      const published = anew || known?.published == null ? null : await inRegistry(known.published, locations, context);
      return published ?? inStore((await base.assemble()).index, assembled);
    },
  };
};
