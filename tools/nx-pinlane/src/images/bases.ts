import { fail, formatReference, formatRepository, isStoreReference, parseReference, type Digest } from '@pinlane/contracts';
import type { ContentSource } from '@pinlane/oci';
import { readRecord } from '../workspace/build-records.ts';
import { openRegistry, type ImageLocations } from './locations.ts';

/** The image, by digest, for which a name in a Dockerfile stands in this build. */
export interface ResolvedBase {
  /** `repository@sha256:…`, of the index if there is one. */
  readonly pinned: string;
  readonly digest: Digest;
  readonly source: ContentSource;
}

const fromStore = async (name: string, project: string, { paths, store }: ImageLocations, note: (line: string) => void): Promise<ResolvedBase> => {
  const record = await readRecord(paths, project, note);
  const fix = `Build it first: npx nx run ${project}:buildx (tasks run through Nx do so by themselves).`;
  if (record === null) return fail('ERR_BASE_UNAVAILABLE', `${name} is the image of project ${project}, which has not been built`, { fix });
  const missing = await store.missing(record.index);
  if (missing.length > 0) fail('ERR_BASE_UNAVAILABLE', `the image of project ${project} is no longer whole in the store: ${missing[0]} is missing`, { fix });
  return { pinned: `${name}@${record.index}`, digest: record.index, source: store };
};

const resolveOne = async (name: string, locations: ImageLocations, note: (line: string) => void): Promise<ResolvedBase> => {
  const { store, access } = locations;
  const reference = parseReference(name);
  const repository = formatRepository(reference);
  if (isStoreReference(reference) && reference.digest === undefined) return fromStore(repository, reference.path, locations, note);
  // A base that an earlier build fetched is here already, and then no registry is asked.
  if (reference.digest !== undefined && (isStoreReference(reference) || (await store.missing(reference.digest)).length === 0))
    return { pinned: `${repository}@${reference.digest}`, digest: reference.digest, source: store };
  const registry = openRegistry(reference, access);
  if (reference.digest !== undefined) return { pinned: `${repository}@${reference.digest}`, digest: reference.digest, source: registry };
  const { digest } = await registry.resolve(reference.tag ?? 'latest');
  note(`${formatReference({ tag: 'latest', ...reference })} is ${digest} now; name the digest in the Dockerfile to build on the same image tomorrow`);
  return { pinned: `${repository}@${digest}`, digest, source: registry };
};

/** Finds the images that a Dockerfile names. @throws ERR_BASE_UNAVAILABLE, ERR_REFERENCE_INVALID and whatever a registry answers */
export const resolveBases = async (
  names: readonly string[],
  locations: ImageLocations,
  note: (line: string) => void,
): Promise<ReadonlyMap<string, ResolvedBase>> =>
  new Map(await Promise.all(names.map(async (name) => [name, await resolveOne(name, locations, note)] as const)));
