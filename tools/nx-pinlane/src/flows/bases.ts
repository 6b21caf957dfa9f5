import { fail, formatReference, formatRepository, isStoreReference, parseReference, type Digest } from '@pinlane/contracts';
import type { ContentSource, Store } from '@pinlane/oci';
import type { WorkspacePaths } from './paths.ts';
import { readRecord } from './records.ts';
import { openRegistry, type RegistryAccess } from './registries.ts';

/** What an image that a Dockerfile names stands for in this build. */
export interface ResolvedBase {
  /** `repository@sha256:…`, the index where there is one. */
  readonly pinned: string;
  readonly digest: Digest;
  readonly source: ContentSource;
}

/** Where bases are looked for. */
export interface BaseSite {
  readonly paths: WorkspacePaths;
  readonly store: Store;
  readonly settings: Pick<RegistryAccess, 'insecureRegistries'>;
  readonly note: (line: string) => void;
  readonly signal: AbortSignal;
}

const fromStore = async (name: string, project: string, { paths, store }: BaseSite): Promise<ResolvedBase> => {
  const record = await readRecord(paths, project);
  const fix = `Build it first: npx nx run ${project}:buildx (tasks run through Nx do so by themselves).`;
  if (record === null) return fail('ERR_BASE_UNAVAILABLE', `${name} is the image of project ${project}, which has not been built`, { fix });
  const missing = await store.missing(record.index);
  if (missing.length > 0) fail('ERR_BASE_UNAVAILABLE', `the image of project ${project} is no longer whole in the store: ${missing[0]} is missing`, { fix });
  return { pinned: `${name}@${record.index}`, digest: record.index, source: store };
};

const resolveOne = async (name: string, site: BaseSite): Promise<ResolvedBase> => {
  const { store, settings, note, signal } = site;
  const reference = parseReference(name);
  const repository = formatRepository(reference);
  if (isStoreReference(reference) && reference.digest === undefined) return fromStore(repository, reference.path, site);
  // A base that some build has fetched before is here already, and then no registry is asked.
  if (reference.digest !== undefined && (isStoreReference(reference) || (await store.missing(reference.digest)).length === 0))
    return { pinned: `${repository}@${reference.digest}`, digest: reference.digest, source: store };
  const registry = openRegistry(reference, { ...settings, signal });
  if (reference.digest !== undefined) return { pinned: `${repository}@${reference.digest}`, digest: reference.digest, source: registry };
  const { digest } = await registry.resolve(reference.tag ?? 'latest');
  note(`${formatReference({ tag: 'latest', ...reference })} is ${digest} now; name the digest in the Dockerfile to build on the same image tomorrow`);
  return { pinned: `${repository}@${digest}`, digest, source: registry };
};

/** Finds the images that a Dockerfile names. @throws ERR_BASE_UNAVAILABLE, ERR_REFERENCE_INVALID and whatever a registry answers */
export const resolveBases = async (names: readonly string[], site: BaseSite): Promise<ReadonlyMap<string, ResolvedBase>> =>
  new Map(await Promise.all(names.map(async (name) => [name, await resolveOne(name, site)] as const)));
