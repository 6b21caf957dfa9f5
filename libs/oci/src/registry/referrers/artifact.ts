import { isPinlaneError, type Digest } from '@pinlane/contracts';
import {
  describe,
  OCI_EMPTY,
  OCI_MANIFEST,
  parseDocument,
  uniqueBlobs,
  type ContentSink,
  type ContentSource,
  type Descriptor,
  type Manifest,
} from '../../content/index.ts';

/** A file of an artifact. */
export interface ArtifactFile {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Files of a named type that can be attached to a manifest (OCI image specification, "Guidelines for Artifact Usage"). */
export interface Artifact {
  /** Its own media type. */
  readonly artifactType: string;
  readonly files: readonly ArtifactFile[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface AttachedArtifact {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

const EMPTY = new TextEncoder().encode('{}');
const EMPTY_CONFIG = describe(OCI_EMPTY, EMPTY);

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}

/** Composes an artifact's manifest. Equal artifacts of equal subjects give equal bytes. */
export const composeArtifact = ({ mediaType, digest, size }: Descriptor, { artifactType, files, annotations }: Artifact): AttachedArtifact => {
  const layers = files.map((file) => ({ ...describe(file.mediaType, file.bytes), ...(file.annotations ? { annotations: file.annotations } : {}) }));
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType,
    config: EMPTY_CONFIG,
    // An artifact must have a layer, and may have an empty one.
    layers: layers.length > 0 ? layers : [EMPTY_CONFIG],
    subject: { mediaType, digest, size },
    ...(annotations ? { annotations } : {}),
  };
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  return { descriptor: { ...describe(OCI_MANIFEST, bytes), artifactType }, bytes };
};

/**
 * Attaches an artifact to a manifest, in a registry or in the store. Its files are written first, then the manifest that names them and the subject. Doing
 * it twice changes nothing.
 * @returns the artifact's manifest, which may be tagged
 * @throws whatever the sink throws
 */
export const attachArtifact = async (sink: ContentSink, subject: Descriptor, artifact: Artifact): Promise<AttachedArtifact> => {
  const composed = composeArtifact(subject, artifact);
  const blobs = [...artifact.files.map(({ mediaType, bytes }) => ({ ...describe(mediaType, bytes), bytes })), { ...EMPTY_CONFIG, bytes: EMPTY }];
  await Promise.all(uniqueBlobs(blobs).map(async (blob) => (await sink.hasBlob(blob)) || sink.putBlob(blob, () => oneChunk(blob.bytes))));
  await sink.putManifest(composed.descriptor, composed.bytes);
  return composed;
};

/** A source that lists the referrers of a manifest. The list is a claim, which {@link readAttached} checks. */
export interface ReferrersSource extends ContentSource {
  referrers(subject: Digest, artifactType?: string): Promise<readonly Descriptor[]>;
}

/**
 * Reads the artifacts of one type that are attached to a manifest. Each is fetched and hashed, and must name the subject itself; entries of the list that
 * are wrong, or whose manifest is gone, are left out. The files are blobs of the source, listed in `manifest.layers`.
 * @throws ERR_DIGEST_MISMATCH and whatever the source throws
 */
export const readAttached = async (
  source: ReferrersSource,
  subject: Digest,
  artifactType: string,
): Promise<(AttachedArtifact & { readonly manifest: Manifest })[]> => {
  const listed = await source.referrers(subject, artifactType);
  const read = listed.map(async ({ digest }) => {
    const found = await source.readManifest(digest).catch((error: unknown) => {
      // A list that clients keep may still name deleted manifests.
      if (isPinlaneError(error, 'ERR_MANIFEST_UNKNOWN')) return undefined;
      throw error;
    });
    if (found === undefined) return [];
    const { bytes } = found;
    const document = parseDocument(bytes);
    if (document.kind !== 'manifest' || document.manifest.subject?.digest !== subject || document.manifest.artifactType !== artifactType) return [];
    return [{ descriptor: { ...document.descriptor, artifactType }, bytes, manifest: document.manifest }];
  });
  return (await Promise.all(read)).flat();
};
