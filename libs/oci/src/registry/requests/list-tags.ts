import * as z from 'zod';
import { fail, isTag } from '@pinlane/contracts';
import { MANIFEST_LIMIT, readAll } from '../../content/index.ts';
import { printable } from '../endpoint.ts';
import { nextPage, type Page } from '../pages.ts';
import type { RegistryRequest } from '../transport.ts';

const PER_PAGE = 1000;
// Go writes an empty list as null.
const answerSchema = z.object({ tags: z.array(z.string()).nullish() });

const parseTags = (bytes: Uint8Array, url: URL): string[] => {
  try {
    return (answerSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).tags ?? []).filter(isTag);
  } catch {
    return fail('ERR_REGISTRY_PROTOCOL', `${printable(url)} is not a list of tags`);
  }
};

/** A page of the tags of a repository; one that is not there has none ("Listing Tags"). */
export const listTags = (target: string | URL = `tags/list?n=${PER_PAGE}`): RegistryRequest<Page<readonly string[]>> => ({
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
