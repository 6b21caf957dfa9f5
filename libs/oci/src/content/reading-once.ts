import type { Digest } from '@pinlane/contracts';
import type { ContentSource } from './ports.ts';

/** Reads each manifest of a source once, however often it is asked for. It forgets none, so it is for one piece of work. */
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
