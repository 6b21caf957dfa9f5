import { fail, isPinlaneError, type Digest } from '@pinlane/contracts';
import { OCI_INDEX, type Descriptor, type ImageDocument } from '../../content/index.ts';
import { RegistryUnavailable } from '../http/failure.ts';
import { withRetry } from '../http/retry.ts';
import { listReferrers, readPages } from '../requests/lists.ts';
import { getManifest, putManifest } from '../requests/manifests.ts';
import type { Transport } from '../requests/transport.ts';
import { descriptorsIn, entryOf, NO_REFERRERS, parseReferrers, referrersTag, withEntry, type ReferrersIndex } from './entries.ts';

/** The referrers of one repository's manifests. The registry lists them; if it can't, clients keep the list under a tag. */
export interface Referrers {
  list(subject: Digest, artifactType?: string): Promise<Descriptor[]>;
  /** To be called after a manifest with a subject was put, with the OCI-Subject header of the answer. */
  note(document: ImageDocument, ociSubject: string | null): Promise<void>;
}

/** The registry's own list; undefined if it keeps none. */
const listedByRegistry = async (transport: Transport, subject: Digest, artifactType: string | undefined): Promise<Descriptor[] | undefined> => {
  const entries: unknown[] = [];
  let pages = 0;
  for await (const bytes of readPages(transport, (target) => listReferrers(subject, artifactType, target))) {
    if (bytes === undefined) return pages === 0 ? undefined : fail('ERR_REGISTRY_PROTOCOL', `the list of what refers to ${subject} breaks off`);
    pages++;
    entries.push(...parseReferrers(bytes, subject).entries);
  }
  return descriptorsIn(entries);
};

/** The list under the tag. `send` makes the request: once, or as often as the policy allows. */
const listedByTag = async (send: Transport['call'], subject: Digest): Promise<ReferrersIndex> => {
  try {
    return parseReferrers(await send(getManifest(referrersTag(subject))), subject);
  } catch (error) {
    if (isPinlaneError(error, 'ERR_MANIFEST_UNKNOWN')) return NO_REFERRERS;
    throw error;
  }
};

/** Whether the manifest of an entry is in the registry; an entry that is no descriptor counts as there, because it is not ours to remove. */
const isThere = async (transport: Transport, entry: unknown): Promise<boolean> => {
  const [descriptor] = descriptorsIn([entry]);
  try {
    if (descriptor) await transport.call(getManifest(descriptor.digest));
    return true;
  } catch (error) {
    if (isPinlaneError(error, 'ERR_MANIFEST_UNKNOWN')) return false;
    throw error;
  }
};

/** Puts the list with one more entry. If the registry refuses a list that names deleted manifests, these are left out; otherwise no entry is. */
const putList = async (transport: Transport, attempt: Transport['call'], subject: Digest, list: ReferrersIndex, entry: Descriptor): Promise<void> => {
  const put = (index: ReferrersIndex) => attempt(putManifest(referrersTag(subject), OCI_INDEX, withEntry(index, entry).bytes));
  try {
    await put(list);
  } catch (error) {
    if (!isPinlaneError(error, 'ERR_BLOB_UNKNOWN') && !isPinlaneError(error, 'ERR_MANIFEST_UNKNOWN')) throw error;
    const entries: unknown[] = [];
    for (const each of list.entries) if (await isThere(transport, each)) entries.push(each);
    if (entries.length === list.entries.length) throw error;
    await put({ ...list, entries });
  }
};

/**
 * Adds an entry to the list under the tag. Another client may replace the tag between reading and writing, and no request prevents that, so the list is read
 * again until it has the entry.
 */
const addToTag = (transport: Transport, subject: Digest, entry: Descriptor): Promise<void> =>
  withRetry(transport.policy, async (patience) => {
    const attempt: Transport['call'] = (request) => transport.attempt(request, patience);
    const isListed = ({ entries }: ReferrersIndex) => descriptorsIn(entries).some(({ digest }) => digest === entry.digest);
    const before = await listedByTag(attempt, subject);
    if (isListed(before)) return;
    await putList(transport, attempt, subject, before, entry);
    if (!isListed(await listedByTag(attempt, subject))) throw new RegistryUnavailable(`others write the tag ${referrersTag(subject)} at the same time`);
  });

/** The referrers of one repository. */
export const createReferrers = (transport: Transport): Referrers => {
  // Updates run one after the other, so that at least those of this process do not undo each other.
  let updates: Promise<unknown> = Promise.resolve();
  return {
    async list(subject, artifactType) {
      const listed = (await listedByRegistry(transport, subject, artifactType)) ?? descriptorsIn((await listedByTag(transport.call, subject)).entries);
      return listed.filter((entry) => artifactType === undefined || entry.artifactType === artifactType);
    },
    async note(document, ociSubject) {
      const { subject } = document.kind === 'manifest' ? document.manifest : document.index;
      if (subject === undefined || ociSubject === subject.digest) return;
      const update = updates.then(() => addToTag(transport, subject.digest, entryOf(document)));
      updates = update.catch(() => undefined);
      await update;
    },
  };
};
