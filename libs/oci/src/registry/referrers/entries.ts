import * as z from 'zod';
import { fail, type Digest } from '@pinlane/contracts';
import { describe, descriptorSchema, MANIFEST_LIMIT, OCI_INDEX, type Descriptor, type ImageDocument } from '../../content/index.ts';

/** An index of referrers as it came. Entries are kept as they are, so that an index which is written anew loses nothing of what others wrote. */
export interface ReferrersIndex {
  readonly whole: Readonly<Record<string, unknown>>;
  readonly entries: readonly unknown[];
}

const indexSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.literal(OCI_INDEX).default(OCI_INDEX),
  manifests: z.array(z.unknown()).nullish(),
});

export const NO_REFERRERS: ReferrersIndex = { whole: { schemaVersion: 2, mediaType: OCI_INDEX }, entries: [] };

/** The tag under which the referrers of a manifest are listed where the registry does not list them (distribution specification, "Referrers Tag Schema"). */
export const referrersTag = (subject: Digest): string => subject.replace(':', '-');

/** Reads an index of referrers. @throws ERR_MANIFEST_INVALID */
export const parseReferrers = (bytes: Uint8Array, subject: Digest): ReferrersIndex => {
  try {
    const whole = indexSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return { whole, entries: whole.manifests ?? [] };
  } catch {
    return fail('ERR_MANIFEST_INVALID', `the list of what refers to ${subject} is not an index`);
  }
};

/** The entries that are descriptors, each once; what is of another form can't be fetched by us. */
export const descriptorsIn = (entries: readonly unknown[]): Descriptor[] => {
  const found = entries.map((entry) => descriptorSchema.safeParse(entry)).flatMap(({ data }) => data ?? []);
  return [...new Map(found.map((descriptor) => [descriptor.digest, descriptor])).values()];
};

/** How a manifest that has a subject is listed: by its artifact type, which for an image is its config's type, and with its annotations. */
export const entryOf = (document: ImageDocument): Descriptor => {
  const { artifactType, annotations } = document.kind === 'manifest' ? document.manifest : document.index;
  const type = artifactType ?? (document.kind === 'manifest' ? document.manifest.config.mediaType : undefined);
  return { ...document.descriptor, ...(type === undefined ? {} : { artifactType: type }), ...(annotations === undefined ? {} : { annotations }) };
};

/** The index with one entry more. @throws ERR_MANIFEST_INVALID where it grows larger than a manifest may be */
export const withEntry = ({ whole, entries }: ReferrersIndex, entry: Descriptor): { readonly descriptor: Descriptor; readonly bytes: Uint8Array } => {
  const bytes = Buffer.from(JSON.stringify({ ...whole, manifests: [...entries, entry] }));
  if (bytes.length > MANIFEST_LIMIT) fail('ERR_MANIFEST_INVALID', `too many manifests refer to one for ${MANIFEST_LIMIT} bytes to list them`);
  return { descriptor: describe(OCI_INDEX, bytes), bytes };
};
