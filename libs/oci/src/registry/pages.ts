import { fail } from '@pinlane/contracts';
import { printable } from './endpoint.ts';
import type { Answer } from './send.ts';
import type { RegistryRequest, Transport } from './transport.ts';

/** One page of a list. */
export interface Page<T> {
  readonly content: T;
  readonly next: URL | undefined;
}

const PAGES_AT_MOST = 1000;
const LINK = /<([^<>]*)>([^<]*)/g;

/** Where a list goes on, by its Link header (RFC 8288); undefined where it ends. It never leads to another origin. @throws ERR_REGISTRY_PROTOCOL */
export const nextPage = ({ url: from, header }: Pick<Answer, 'url' | 'header'>): URL | undefined => {
  const target = [...(header('link') ?? '').matchAll(LINK)].find(([, , parameters]) => /;\s*rel\s*=\s*(?:"next"|next\b)/i.test(parameters!))?.[1];
  if (target === undefined) return undefined;
  const url = URL.parse(target, from.href);
  return url?.origin === from.origin ? url : fail('ERR_REGISTRY_PROTOCOL', `${printable(from)} goes on at another place: ${url ? url.origin : 'no address'}`);
};

/**
 * All pages of a list, in their order.
 * @throws ERR_REGISTRY_PROTOCOL where the list does not end, or leads in a circle
 */
export async function* readPages<T>(transport: Transport, request: (target?: URL) => RegistryRequest<Page<T>>): AsyncGenerator<T, void, void> {
  const seen = new Set<string>();
  for (let target: URL | undefined; ;) {
    const page: Page<T> = await transport.call(request(target));
    yield page.content;
    target = page.next;
    if (target === undefined) return;
    if (seen.has(target.href) || seen.size >= PAGES_AT_MOST) fail('ERR_REGISTRY_PROTOCOL', `${printable(target)} is a list that does not end`);
    seen.add(target.href);
  }
}
