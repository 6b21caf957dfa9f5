import type { Digest } from '@pinlane/contracts';
import type { ContentSource } from './ports.ts';

/** A source of which each manifest is read once, however often it is asked for; for one piece of work, since it forgets none. */
export const readingOnce = (source: ContentSource): ContentSource => {
  const manifests = new Map<Digest, ReturnType<ContentSource['readManifest']>>();
  return {
    readManifest(digest) {
      const read = manifests.get(digest) ?? source.readManifest(digest);
      manifests.set(digest, read);
      return read;
    },
    openBlob: (blob, use) => source.openBlob(blob, use),
  };
};
