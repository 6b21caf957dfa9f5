import * as z from 'zod';
import { fail, type Digest } from '@pinlane/contracts';
import { describe, descriptorSchema, MANIFEST_LIMIT, OCI_INDEX, readDocument, type Descriptor, type ImageDocument } from '../../content/index.ts';

/** An index of referrers as it was read. Entries are kept unparsed, so that writing the index anew loses nothing that others wrote. */
export interface ReferrersIndex {
  readonly whole: Readonly<Record<string, unknown>>;
  readonly entries: readonly unknown[];
}

const indexSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.literal(OCI_INDEX).default(OCI_INDEX),
  manifests: z.array(z.unknown()).nullish(),
  annotations: z.record(z.string(), z.unknown()).nullish(),
});

export const NO_REFERRERS: ReferrersIndex = { whole: { schemaVersion: 2, mediaType: OCI_INDEX }, entries: [] };

/** The tag under which clients list a manifest's referrers if the registry does not (distribution specification, "Referrers Tag Schema"). */
export const referrersTag = (subject: Digest): string => subject.replace(':', '-');

/** Reads an index of referrers. @throws ERR_MANIFEST_INVALID */
export const parseReferrers = (bytes: Uint8Array, subject: Digest): ReferrersIndex => {
  const whole = readDocument(`the list of what refers to ${subject}`, bytes, indexSchema);
  return { whole, entries: whole.manifests ?? [] };
};

/** The entries that are descriptors, each digest once. Entries of another form can't be fetched. */
export const descriptorsIn = (entries: readonly unknown[]): Descriptor[] => {
  const found = entries.map((entry) => descriptorSchema.safeParse(entry)).flatMap(({ data }) => data ?? []);
  return [...new Map(found.map((descriptor) => [descriptor.digest, descriptor])).values()];
};

/** The entry for a manifest that has a subject: its descriptor with its annotations and its artifact type, which for an image is its config's type. */
export const entryOf = (document: ImageDocument): Descriptor => {
  const { artifactType, annotations } = document.kind === 'manifest' ? document.manifest : document.index;
  const type = artifactType ?? (document.kind === 'manifest' ? document.manifest.config.mediaType : undefined);
  return { ...document.descriptor, ...(type === undefined ? {} : { artifactType: type }), ...(annotations === undefined ? {} : { annotations }) };
};

/** The index with one more entry. @throws ERR_MANIFEST_INVALID if it grows larger than a manifest may be */
export const withEntry = ({ whole, entries }: ReferrersIndex, entry: Descriptor): { readonly descriptor: Descriptor; readonly bytes: Uint8Array } => {
  const bytes = Buffer.from(JSON.stringify({ ...whole, manifests: [...entries, entry] }));
  if (bytes.length > MANIFEST_LIMIT) fail('ERR_MANIFEST_INVALID', `too many manifests refer to one for ${MANIFEST_LIMIT} bytes to list them`);
  return { descriptor: describe(OCI_INDEX, bytes), bytes };
};
