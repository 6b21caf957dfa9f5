import { gunzipSync, gzipSync } from 'node:zlib';
import * as z from 'zod';
import { digestSchema, type Digest } from '@pinlane/contracts';
import { parseEntryName } from '../layer/entry-name.ts';
import { LISTING_VERSION, type LayerListing } from '../layer/listing.ts';

/** In bytes: of a list, and of what it unpacks to. */
const [LARGEST, LARGEST_UNPACKED] = [16 * 2 ** 20, 128 * 2 ** 20];
/** Names are paths below the root, as listings have them; a mark that takes something away is a name like another. */
const pathSchema = z.string().refine((path) => {
  const { kind } = parseEntryName(path);
  return (kind === 'path' || kind === 'whiteout' || kind === 'opaque') && path.split('/').every((name) => name !== '' && name !== '.');
});
const id = z.int().nonnegative();
const owned = { path: pathSchema, mode: id.max(0o7777), uid: id, gid: id };
// Without the text of a file: what is in /etc/passwd is read from the layer.
const entrySchema = z.discriminatedUnion('type', [
  z.strictObject({ ...owned, type: z.literal('file'), number: id, size: id, sha256: digestSchema, attributes: z.literal(true).optional() }),
  z.strictObject({ ...owned, type: z.literal('directory') }),
  z.strictObject({ ...owned, type: z.literal('special') }),
  z.strictObject({ ...owned, type: z.literal('symlink'), target: z.string().min(1).max(4095) }),
  z.strictObject({ ...owned, type: z.literal('hardlink'), target: pathSchema }),
]);
const documentSchema = z.strictObject({
  kind: z.literal('FileList'),
  schemaVersion: z.literal(1),
  layers: z.array(z.strictObject({ digest: digestSchema, version: z.literal(LISTING_VERSION), diffId: digestSchema, entries: z.array(entrySchema) })).max(1000),
});

/** What layers hold, by their digests. */
export type FileLists = ReadonlyMap<Digest, LayerListing>;

/** Lists of layers as bytes; equal lists give equal bytes with the same Node. They hold no content of any file. */
export const encodeFileLists = (lists: FileLists): Uint8Array => {
  const withoutText = ({ entries, ...listing }: LayerListing) => ({ ...listing, entries: entries.map((entry) => ({ ...entry, text: undefined })) });
  const layers = [...lists].map(([digest, listing]) => ({ digest, ...withoutText(listing) }));
  return gzipSync(JSON.stringify({ kind: 'FileList', schemaVersion: 1, layers }), { level: 9 });
};

/** Reads what `encodeFileLists` wrote; undefined if it is anything else. */
export const decodeFileLists = (bytes: Uint8Array): FileLists | undefined => {
  try {
    if (bytes.length > LARGEST) return undefined;
    const { layers } = documentSchema.parse(JSON.parse(gunzipSync(bytes, { maxOutputLength: LARGEST_UNPACKED }).toString('utf8')));
    return new Map(layers.map(({ digest, ...listing }) => [digest, listing as LayerListing]));
  } catch {
    return undefined;
  }
};
