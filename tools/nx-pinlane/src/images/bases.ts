import { fail, formatReference, formatRepository, isStoreReference, parseReference, type Digest, type Lane } from '@pinlane/contracts';
import type { ContentSource, Store } from '@pinlane/oci';
import type { VerbContext } from '../command/context.ts';
import { readRecord } from '../workspace/build-records.ts';
import { openRegistry, type ImageLocations } from './locations.ts';
import { workspaceBase, type ImagePlace } from './workspace-base.ts';

/** The image, by digest, for which a name in a Dockerfile stands in this build. */
export interface ResolvedBase {
  /** `repository@sha256:…`, of the index if there is one. */
  readonly pinned: string;
  readonly digest: Digest;
  /** Finds its bytes, which only a build needs. */
  readonly locate: () => Promise<ImagePlace>;
}

const placedAt = (pinned: string, digest: Digest, source: ContentSource, reference: string | null): ResolvedBase => ({
  pinned,
  digest,
  locate: async () => ({ digest, source, reference }),
});

/** The image of a project that was built here, or found in a registry, and what the store lacks of it: looked for once in a run, whose processors share bases. */
const builtOnce = (project: string, { paths, store }: ImageLocations, { once, note }: VerbContext) =>
  once(`the image of ${paths.record(project)}`, async () => {
    const record = await readRecord(paths, project, note);
    return record === null ? null : { record, missing: await store.missing(record.index) };
  });

const ofProject = async (name: string, project: string, locations: ImageLocations, context: VerbContext): Promise<ResolvedBase> => {
  const { store, access } = locations;
  const fix = `Build it first: npx nx run ${project}:buildx (tasks run through Nx do so by themselves).`;
  const built = await builtOnce(project, locations, context);
  if (built === null) return fail('ERR_BASE_UNAVAILABLE', `${name} is the image of project ${project}, which has not been built`, { fix });
  const { record, missing } = built;
  const pinned = `${name}@${record.index}`;
  if (missing.length === 0) return placedAt(pinned, record.index, store, null);
  if (record.pushed) return placedAt(pinned, record.index, openRegistry(parseReference(record.repository), access), `${record.repository}@${record.index}`);
  return fail('ERR_BASE_UNAVAILABLE', `the image of project ${project} is no longer whole in the store: ${missing[0]} is missing`, { fix });
};

/** What the store lacks of an image that several Dockerfiles may name. */
const missingOnce = (digest: Digest, store: Store, { once }: VerbContext) => once(`${digest} in ${store.root}`, () => store.missing(digest));

const fromStore = async (name: string, project: string, lane: Lane, locations: ImageLocations, context: VerbContext): Promise<ResolvedBase> => {
  const base = await workspaceBase(project, lane, locations, context);
  if (base === null) return ofProject(name, project, locations, context);
  return { pinned: `${name}@${base.index}`, digest: base.index, locate: base.locate };
};

const resolveOne = async (name: string, lane: Lane, locations: ImageLocations, context: VerbContext): Promise<ResolvedBase> => {
  const { store, access } = locations;
  const reference = parseReference(name);
  const repository = formatRepository(reference);
  if (isStoreReference(reference) && reference.digest === undefined) return fromStore(repository, reference.path, lane, locations, context);
  const pinned = `${repository}@${reference.digest}`;
  // A base that an earlier build fetched is here already, and then no registry is asked.
  if (reference.digest !== undefined && (isStoreReference(reference) || (await missingOnce(reference.digest, store, context)).length === 0))
    return placedAt(pinned, reference.digest, store, null);
  const registry = openRegistry(reference, access);
  if (reference.digest !== undefined) return placedAt(pinned, reference.digest, registry, pinned);
  const { digest } = await registry.resolve(reference.tag ?? 'latest');
  context.note(`${formatReference({ tag: 'latest', ...reference })} is ${digest} now; name the digest in the Dockerfile to build on the same image tomorrow`);
  return placedAt(`${repository}@${digest}`, digest, registry, `${repository}@${digest}`);
};

/** Finds the images that a Dockerfile names, by digest; their bytes are looked for later. @throws ERR_BASE_UNAVAILABLE, ERR_REFERENCE_INVALID and whatever a registry answers */
export const resolveBases = async (
  names: readonly string[],
  lane: Lane,
  locations: ImageLocations,
  context: VerbContext,
): Promise<ReadonlyMap<string, ResolvedBase>> =>
  new Map(await Promise.all(names.map(async (name) => [name, await resolveOne(name, lane, locations, context)] as const)));

/** The bytes of all bases, by their names. @throws whatever assembling throws */
export const locateBases = async (bases: ReadonlyMap<string, ResolvedBase>): Promise<ReadonlyMap<string, ImagePlace>> =>
  new Map(await Promise.all([...bases].map(async ([name, base]) => [name, await base.locate()] as const)));
