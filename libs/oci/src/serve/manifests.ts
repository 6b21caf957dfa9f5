import { isPinlaneError, isTag, type Digest } from '@pinlane/contracts';
import { MANIFEST_LIMIT, sha256 } from '../content/index.ts';
import { readBlob, removeIfDamaged, writeBytes } from '../store/blobs.ts';
import { markDeleted } from '../store/deletions.ts';
import { hasDigest, type AnyDigest } from '../store/digests.ts';
import { readParts, requireParts, type ManifestParts } from '../store/manifest-parts.ts';
import { linkReferrer } from '../store/referrers.ts';
import { nameOfTag } from '../store/repository-names.ts';
import { refuse, type Headers } from './refusal.ts';
import { absentIn, addTo, afterDamage, sizeIn, type Registry } from './registry.ts';
import type { Reply } from './reply.ts';
import { taggedIn } from './tags.ts';
import { requireDigest } from './target.ts';

const unknown = (reference: string): never => refuse(404, 'MANIFEST_UNKNOWN', `${JSON.stringify(reference.slice(0, 200))} is not here`);

const isDigestLike = (reference: string): boolean => reference.includes(':');

const digestFor = async (registry: Registry, repository: string, reference: string): Promise<AnyDigest> =>
  isDigestLike(reference) ? requireDigest(reference) : ((await taggedIn(registry, repository)).get(reference)?.digest ?? unknown(reference));

/** GET or HEAD on a manifest, by tag or by digest. It has one form only, whatever Accept asks for. @throws Refusal 404 */
export const getManifest = async (registry: Registry, repository: string, reference: string): Promise<Reply> => {
  const digest = await digestFor(registry, repository, reference);
  const size = await sizeIn(registry, repository, digest);
  // The digest may be one of a layer, which is no manifest.
  const stored = size === undefined || size > MANIFEST_LIMIT ? undefined : readBlob(registry.paths, digest, MANIFEST_LIMIT);
  const bytes = await stored?.catch((error: unknown) => afterDamage(registry, digest, error));
  const read = bytes && readParts(bytes);
  if (!bytes || !read) return unknown(reference);
  return {
    status: 200,
    headers: { 'content-type': read.mediaType, 'docker-content-digest': digest, etag: `"${digest}"`, 'content-length': String(bytes.length) },
    body: bytes,
  };
};

const NOT_DISTRIBUTED = /\.nondistributable\.|\.foreign\./;

/** The content that must be there before a manifest that names it is taken. Clients fetch non-distributable layers from elsewhere. */
const requiredBy = ({ manifests, blobs }: ManifestParts) => [...manifests, ...blobs.filter(({ mediaType }) => !NOT_DISTRIBUTED.test(mediaType))];

const mediaTypeOf = (contentType: string | undefined): string | undefined => contentType?.split(';')[0]?.trim().toLowerCase() || undefined;

/** @throws Refusal 400 with the reason if the bytes are neither a manifest nor an index, in the forms of OCI and of Docker */
const partsOf = (bytes: Uint8Array): ManifestParts => {
  try {
    return requireParts(bytes);
  } catch (error) {
    if (!isPinlaneError(error, 'ERR_MANIFEST_INVALID')) throw error;
    return refuse(400, 'MANIFEST_INVALID', error.message);
  }
};

/** PUT of a manifest. @throws Refusal 400, 404 MANIFEST_BLOB_UNKNOWN if content that it names is missing */
export const putManifest = async (
  registry: Registry,
  { repository, reference, contentType, bytes }: { repository: string; reference: string; contentType: string | undefined; bytes: Uint8Array },
): Promise<Reply> => {
  const tag = isDigestLike(reference) ? undefined : reference;
  if (tag !== undefined && !isTag(tag)) return refuse(400, 'MANIFEST_INVALID', `${JSON.stringify(tag.slice(0, 200))} can't be a tag`);
  const digest: AnyDigest = tag === undefined ? requireDigest(reference) : sha256(bytes);
  if (tag === undefined && !hasDigest(bytes, digest)) return refuse(400, 'DIGEST_INVALID', `what came does not have the digest ${digest}`);

  const read = partsOf(bytes);
  const announced = mediaTypeOf(contentType);
  if (announced !== undefined && announced !== read.mediaType)
    refuse(400, 'MANIFEST_INVALID', `it is announced as ${JSON.stringify(announced.slice(0, 200))} and is ${read.mediaType}`);
  const absent = await absentIn(registry, repository, requiredBy(read));
  // Some may be there with another size. Then either this manifest is wrong, or the blob is damaged.
  for (const each of absent) await removeIfDamaged(registry.paths, each);
  if (absent.length > 0) refuse(404, 'MANIFEST_BLOB_UNKNOWN', `it names what is not here: ${absent.slice(0, 10).join(', ')}`);

  await writeBytes(registry.paths, bytes, digest);
  if (read.subject) await linkReferrer(registry.paths, read.subject.digest, digest);
  await addTo(registry, repository, digest);
  if (tag !== undefined) await registry.store.name(nameOfTag({ repository, tag }), { mediaType: read.mediaType, digest: digest as Digest, size: bytes.length });
  const headers: Headers = {
    location: `/v2/${repository}/manifests/${digest}`,
    'docker-content-digest': digest,
    'content-length': '0',
    ...(read.subject ? { 'oci-subject': read.subject.digest } : {}),
  };
  return { status: 201, headers };
};

/** DELETE of a tag, or of a manifest together with its tags in this repository. @throws Refusal 404 */
export const deleteManifest = async (registry: Registry, repository: string, reference: string): Promise<Reply> => {
  const tagged = await taggedIn(registry, repository);
  const names = new Set<string>();
  if (isDigestLike(reference)) {
    const digest = requireDigest(reference);
    if ((await sizeIn(registry, repository, digest)) === undefined) unknown(reference);
    for (const each of tagged.values()) if (each.digest === digest) each.names.forEach((name) => names.add(name));
    await markDeleted(registry.paths, repository, digest);
    await registry.store.unname((name, image) => names.has(name) && image.digest === digest);
  } else {
    const found = tagged.get(reference) ?? unknown(reference);
    await registry.store.unname((name) => found.names.includes(name));
  }
  return { status: 202, headers: { 'content-length': '0' } };
};
