import type { Digest } from '@pinlane/contracts';
import { tagOfName } from '../store/repository-names.ts';
import { refuse, type Headers } from './refusal.ts';
import type { Registry } from './registry.ts';
import { jsonReply, type Reply } from './reply.ts';

/** A tag of a repository. */
export interface TaggedImage {
  readonly digest: Digest;
  /** The store's names for this tag. There are two if both `app` and `app:latest` were given; the first counts. */
  readonly names: readonly string[];
}

/** All tags of a repository. */
export const taggedIn = async ({ store }: Registry, repository: string): Promise<ReadonlyMap<string, TaggedImage>> => {
  const found = new Map<string, TaggedImage>();
  // The store's names are sorted, so `app` comes before `app:latest`.
  for (const [name, { digest }] of await store.names()) {
    const tagged = tagOfName(name);
    if (tagged?.repository !== repository) continue;
    const before = found.get(tagged.tag);
    found.set(tagged.tag, { digest: before?.digest ?? digest, names: [...(before?.names ?? []), name] });
  }
  return found;
};

const DIGITS = /^\d{1,9}$/;

/** How many entries a client wants at most. @throws Refusal 400 */
const countOf = (query: URLSearchParams): number => {
  const text = query.get('n');
  if (text === null) return Infinity;
  return DIGITS.test(text) ? Number(text) : refuse(400, 'UNSUPPORTED', 'n is not a number');
};

/** GET of a repository's tags, sorted by their bytes, and by pages if the query's `n` asks for them. @throws Refusal 404 if there are none */
export const listTags = async (registry: Registry, repository: string, query: URLSearchParams): Promise<Reply> => {
  const all = [...(await taggedIn(registry, repository)).keys()].sort();
  if (all.length === 0) return refuse(404, 'NAME_UNKNOWN', `${repository} has no tags`);
  const last = query.get('last');
  const rest = last === null ? all : all.filter((tag) => tag > last);
  const tags = rest.slice(0, countOf(query));
  const end = tags.at(-1);
  const more: Headers =
    end !== undefined && tags.length < rest.length
      ? { link: `</v2/${repository}/tags/list?n=${tags.length}&last=${encodeURIComponent(end)}>; rel="next"` }
      : {};
  return jsonReply(200, { name: repository, tags }, more);
};
