import { OCI_INDEX } from '../content/index.ts';
import type { AnyDigest } from '../store/digests.ts';
import { describeReferrer, referringTo, type Referrer } from '../store/referrers.ts';
import { sizeIn, type Registry } from './registry.ts';
import { jsonReply, type Reply } from './reply.ts';

/** How many bytes of entries a page has. Clients read a page as a manifest, which must not be larger than 4 MiB, and the frame around the entries takes a little. */
const PAGE_BYTES = 3 * 1024 * 1024;

/**
 * GET of the manifests that refer to one, which need not be here; the list may be empty (distribution specification, "Listing Referrers"). The query's `last`
 * continues a list after that digest.
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
