import { fail, isPinlaneError, type Digest } from '@pinlane/contracts';
import { OCI_INDEX, type Descriptor, type ImageDocument } from '../../content/index.ts';
import { RegistryUnavailable } from '../failure.ts';
import { readPages } from '../pages.ts';
import { getManifest } from '../requests/get-manifest.ts';
import { listReferrers } from '../requests/list-referrers.ts';
import { putManifest } from '../requests/put-manifest.ts';
import { withRetry } from '../retry.ts';
import type { Transport } from '../transport.ts';
import { descriptorsIn, entryOf, NO_REFERRERS, parseReferrers, referrersTag, withEntry, type ReferrersIndex } from './entries.ts';

/** What refers to the manifests of one repository: listed by the registry, and where it can't, under a tag that clients keep. */
export interface Referrers {
  list(subject: Digest, artifactType?: string): Promise<Descriptor[]>;
  /** To be called after a manifest with a subject was put, with the OCI-Subject header of the answer. */
  note(document: ImageDocument, ociSubject: string | null): Promise<void>;
}

export const createReferrers = (transport: Transport): Referrers => {
  /** One at a time, so that at least the updates of this process do not undo each other. */
  let updates: Promise<unknown> = Promise.resolve();

  const byRegistry = async (subject: Digest, artifactType: string | undefined): Promise<Descriptor[] | undefined> => {
    const entries: unknown[] = [];
    let pages = 0;
    for await (const bytes of readPages(transport, (target) => listReferrers(subject, artifactType, target))) {
      if (bytes === undefined) return pages === 0 ? undefined : fail('ERR_REGISTRY_PROTOCOL', `the list of what refers to ${subject} breaks off`);
      pages++;
      entries.push(...parseReferrers(bytes, subject).entries);
    }
    return descriptorsIn(entries);
  };

  const byTag = async (subject: Digest, send: Transport['call']): Promise<ReferrersIndex> => {
    try {
      return parseReferrers(await send(getManifest(referrersTag(subject))), subject);
    } catch (error) {
      if (isPinlaneError(error, 'ERR_MANIFEST_UNKNOWN')) return NO_REFERRERS;
      throw error;
    }
  };

  const isThere = async (entry: unknown): Promise<boolean> => {
    const [descriptor] = descriptorsIn([entry]);
    try {
      if (descriptor) await transport.call(getManifest(descriptor.digest));
      return true;
    } catch (error) {
      if (isPinlaneError(error, 'ERR_MANIFEST_UNKNOWN')) return false;
      throw error;
    }
  };

  /** Puts the list with one entry more. A registry may take no list that names what was deleted; what is gone is left out then, and only then. */
  const putList = async (subject: Digest, list: ReferrersIndex, entry: Descriptor): Promise<void> => {
    const put = (index: ReferrersIndex) => transport.attempt(putManifest(referrersTag(subject), OCI_INDEX, withEntry(index, entry).bytes));
    try {
      await put(list);
    } catch (error) {
      if (!isPinlaneError(error, 'ERR_BLOB_UNKNOWN') && !isPinlaneError(error, 'ERR_MANIFEST_UNKNOWN')) throw error;
      const entries: unknown[] = [];
      for (const each of list.entries) if (await isThere(each)) entries.push(each);
      if (entries.length === list.entries.length) throw error;
      await put({ ...list, entries });
    }
  };

  /** There is no request that puts a tag only where it is still as it was read, so it is read again, until the entry is seen to be there. */
  const addToTag = (subject: Digest, entry: Descriptor): Promise<void> =>
    withRetry(transport.policy, async () => {
      const before = await byTag(subject, transport.attempt);
      if (descriptorsIn(before.entries).some(({ digest }) => digest === entry.digest)) return;
      await putList(subject, before, entry);
      const after = await byTag(subject, transport.attempt);
      if (!descriptorsIn(after.entries).some(({ digest }) => digest === entry.digest))
        throw new RegistryUnavailable(`others write the tag ${referrersTag(subject)} at the same time`);
    });

  return {
    async list(subject, artifactType) {
      const listed = (await byRegistry(subject, artifactType)) ?? descriptorsIn((await byTag(subject, transport.call)).entries);
      return listed.filter((entry) => artifactType === undefined || entry.artifactType === artifactType);
    },
    async note(document, ociSubject) {
      const { subject } = document.kind === 'manifest' ? document.manifest : document.index;
      if (subject === undefined || ociSubject === subject.digest) return;
      const update = updates.then(() => addToTag(subject.digest, entryOf(document)));
      updates = update.catch(() => undefined);
      await update;
    },
  };
};
