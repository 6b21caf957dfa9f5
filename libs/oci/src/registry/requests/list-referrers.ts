import type { Digest } from '@pinlane/contracts';
import { MANIFEST_LIMIT, OCI_INDEX, readAll } from '../../content/index.ts';
import { nextPage, type Page } from '../pages.ts';
import type { RegistryRequest } from '../transport.ts';

/**
 * A page of what refers to a manifest, as bytes of an index; undefined where the registry has no such list ("Listing Referrers"). A filter that
 * the registry knows makes the answer shorter; whether it did filter is not believed.
 */
export const listReferrers = (subject: Digest, artifactType: string | undefined, target?: URL): RegistryRequest<Page<Uint8Array | undefined>> => ({
  method: 'GET',
  target: target ?? `referrers/${subject}${artifactType === undefined ? '' : `?${new URLSearchParams({ artifactType })}`}`,
  access: 'pull',
  headers: { accept: OCI_INDEX },
  // A registry that does not know the address may refuse it in several ways; one that knows it answers 200 also where nothing refers to it.
  statuses: [200, 400, 404, 405, 406, 501],
  read: async (answer) => {
    // Some answer with a page for people instead.
    if (answer.status === 200 && answer.header('content-type')?.split(';')[0]?.trim() === OCI_INDEX)
      return { content: await readAll(answer.body(), MANIFEST_LIMIT, `the referrers of ${subject}`), next: nextPage(answer) };
    await answer.discard();
    return { content: undefined, next: undefined };
  },
});
