import * as z from 'zod';
import { fail, isTag, type Digest } from '@pinlane/contracts';
import { MANIFEST_LIMIT, OCI_INDEX, readAll } from '../../content/index.ts';
import { printable } from '../http/endpoint.ts';
import type { Answer } from '../http/message.ts';
import type { RegistryRequest, Transport } from './transport.ts';

/** One page of a list. */
export interface Page<T> {
  readonly content: T;
  readonly next: URL | undefined;
}

const PAGES_AT_MOST = 1000;
/** How long all pages of a list may take, in ms. */
const LONGEST_MS = 600_000;
const LINK = /<([^<>]*)>([^<]*)/g;

/** The address of a list's next page, from the Link header (RFC 8288); undefined at the end. @throws ERR_REGISTRY_PROTOCOL if it is of another origin */
export const nextPage = ({ url: from, header }: Pick<Answer, 'url' | 'header'>): URL | undefined => {
  const target = [...(header('link') ?? '').matchAll(LINK)].find(([, , parameters]) => /;\s*rel\s*=\s*(?:"next"|next\b)/i.test(parameters!))?.[1];
  if (target === undefined) return undefined;
  const url = URL.parse(target, from.href);
  return url?.origin === from.origin ? url : fail('ERR_REGISTRY_PROTOCOL', `${printable(from)} goes on at another place: ${url ? url.origin : 'no address'}`);
};

/**
 * Reads all pages of a list, in their order.
 * @throws ERR_REGISTRY_PROTOCOL if the list has too many pages, takes too long, or leads in a circle
 */
export async function* readPages<T>(transport: Transport, request: (target?: URL) => RegistryRequest<Page<T>>): AsyncGenerator<T, void, void> {
  const seen = new Set<string>();
  const giveUp = performance.now() + LONGEST_MS;
  for (let target: URL | undefined; ;) {
    const page: Page<T> = await transport.call(request(target));
    yield page.content;
    target = page.next;
    if (target === undefined) return;
    if (seen.has(target.href) || seen.size >= PAGES_AT_MOST || performance.now() > giveUp)
      fail('ERR_REGISTRY_PROTOCOL', `${printable(target)} is a list that does not end`);
    seen.add(target.href);
  }
}

const TAGS_PER_PAGE = 1000;
// Go writes an empty list as null.
const tagsSchema = z.object({ tags: z.array(z.string()).nullish() });

const parseTags = (bytes: Uint8Array, url: URL): string[] => {
  try {
    return (tagsSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).tags ?? []).filter(isTag);
  } catch {
    return fail('ERR_REGISTRY_PROTOCOL', `${printable(url)} is not a list of tags`);
  }
};

/** Gets a page of a repository's tags ("Listing Tags"); a repository that does not exist has none. */
export const listTags = (target: string | URL = `tags/list?n=${TAGS_PER_PAGE}`): RegistryRequest<Page<readonly string[]>> => ({
  method: 'GET',
  target,
  access: 'pull',
  statuses: [200, 404],
  read: async (answer) => {
    if (answer.status === 200)
      return {
        content: parseTags(await readAll(answer.body(), MANIFEST_LIMIT, 'a list of tags', 'ERR_REGISTRY_PROTOCOL'), answer.url),
        next: nextPage(answer),
      };
    await answer.discard();
    return { content: [], next: undefined };
  },
});

/**
 * Gets a page of a manifest's referrers as the bytes of an index; undefined if the registry keeps no such list ("Listing Referrers"). A registry that knows
 * the filter sends less; the caller filters again, because not every registry does.
 */
export const listReferrers = (subject: Digest, artifactType: string | undefined, target?: URL): RegistryRequest<Page<Uint8Array | undefined>> => ({
  method: 'GET',
  target: target ?? `referrers/${subject}${artifactType === undefined ? '' : `?${new URLSearchParams({ artifactType })}`}`,
  access: 'pull',
  headers: { accept: OCI_INDEX },
  // A registry without such lists may refuse the address in several ways; one with them answers 200 even if there are no referrers.
  statuses: [200, 400, 404, 405, 406, 501],
  read: async (answer) => {
    // Some registries without such lists answer 200 with a page for people.
    if (answer.status === 200 && answer.header('content-type')?.split(';')[0]?.trim() === OCI_INDEX)
      return { content: await readAll(answer.body(), MANIFEST_LIMIT, `the referrers of ${subject}`), next: nextPage(answer) };
    await answer.discard();
    return { content: undefined, next: undefined };
  },
});
