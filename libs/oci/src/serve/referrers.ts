import { OCI_INDEX } from '../content/index.ts';
import type { AnyDigest } from '../store/digests.ts';
import { describeReferrer, referringTo, type Referrer } from '../store/referrers.ts';
import { sizeIn, type Registry } from './registry.ts';
import { jsonReply, type Reply } from './reply.ts';

/** A page may not be larger than a manifest, which is what clients read it as; its frame needs a little of that. */
const PAGE_BYTES = 3 * 1024 * 1024;

/**
 * GET of what refers to a manifest; an empty list where nothing does, also for one that is not here (distribution specification, "Listing
 * Referrers"). `last` goes on after a digest.
 */
export const listReferrers = async (registry: Registry, repository: string, subject: AnyDigest, query: URLSearchParams): Promise<Reply> => {
  const artifactType = query.get('artifactType');
  const last = query.get('last') ?? '';
  const manifests: Referrer[] = [];
  let bytes = 0;
  let next = '';
  for (const digest of await referringTo(registry.paths, subject)) {
    if (digest <= last || (await sizeIn(registry, repository, digest)) === undefined) continue;
    const referrer = await describeReferrer(registry.paths, subject, digest);
    if (!referrer || (artifactType !== null && referrer.artifactType !== artifactType)) continue;
    bytes += Buffer.byteLength(JSON.stringify(referrer)) + 1;
    if (bytes > PAGE_BYTES && manifests.length > 0) {
      next = manifests.at(-1)?.digest ?? '';
      break;
    }
    manifests.push(referrer);
  }
  const filter = artifactType === null ? '' : `artifactType=${encodeURIComponent(artifactType)}&`;
  return jsonReply(
    200,
    { schemaVersion: 2, mediaType: OCI_INDEX, manifests },
    {
      'content-type': OCI_INDEX,
      ...(artifactType === null ? {} : { 'oci-filters-applied': 'artifactType' }),
      ...(next === '' ? {} : { link: `</v2/${repository}/referrers/${subject}?${filter}last=${next}>; rel="next"` }),
    },
  );
};
