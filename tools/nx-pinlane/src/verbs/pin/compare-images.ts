import { isPinlaneError, type Digest, type Platform } from '@pinlane/contracts';
import { platformOfImage, readImage, readingOnce, readInventory, type ContentSource, type PlatformImage } from '@pinlane/oci';
import { compareFiles, documentDifferences, instructionShown, pairLayers, type Differences, type LayerPair } from '@pinlane/pipeline';

/** An image, and where it is. */
export interface PlacedImage {
  readonly source: ContentSource;
  readonly digest: Digest;
}

/** One platform's image as it is compared, with its documents as they are written. */
interface Side {
  readonly source: ContentSource;
  readonly image: PlatformImage;
  readonly manifestBytes: Uint8Array;
}

/** Tells of a difference of one platform: of the whole image, of a layer, or of a file in it. */
type Tell = (message: string, layer?: number, path?: string) => void;

/** Two images, and who is told of their differences. */
interface Comparison {
  readonly pinned: Side;
  readonly built: Side;
  readonly tell: Tell;
  readonly isFull: () => boolean;
  readonly signal: AbortSignal;
}

type Json = Readonly<Record<string, unknown>>;

const jsonOf = (bytes: Uint8Array): Json => JSON.parse(Buffer.from(bytes).toString('utf8')) as Json;

/** A document without the digests and sizes of what it names. */
const withoutNames = ({ digest: _digest, size: _size, ...rest }: Json): Json => rest;

const readSide = async ({ source, digest }: PlacedImage, platform: Platform): Promise<Side> => {
  const once = readingOnce(source);
  const image = platformOfImage(await readImage(once, digest, { platforms: [platform] }), platform);
  return { source, image, manifestBytes: (await once.readManifest(image.descriptor.digest)).bytes };
};

/** @param told what of the document is compared; the rest is told otherwise */
const compareDocuments = (what: string, pinned: Uint8Array, built: Uint8Array, told: (document: Json) => unknown, tell: (message: string) => void): void => {
  if (Buffer.compare(pinned, built) === 0) return;
  const [before, after] = [jsonOf(pinned), jsonOf(built)];
  if (documentDifferences(before, after).next().done) return tell(`the ${what} says the same, written otherwise`);
  for (const { at, message } of documentDifferences(told(before), told(after))) tell(`${what}: ${at}: ${message}`);
};

const layersOf = ({ manifestBytes }: Side): readonly Json[] => (jsonOf(manifestBytes)['layers'] ?? []) as readonly Json[];

/** The instruction that made a layer, as the image's history has it; empty if it does not tell. */
const madeBy = ({ image: { config, manifest } }: Side, position: number): string => {
  const steps = (config.history ?? []).filter(({ empty_layer: empty }) => empty !== true);
  const step = steps.length === manifest.layers.length ? steps[position]?.created_by : undefined;
  return step === undefined ? '' : ` (${instructionShown(step)})`;
};

/** Reads the entries of one layer; none if the image has no such layer. */
const readEntries = async ({ source, image }: Side, position: number | null, see: Parameters<typeof readInventory>[3]): Promise<void> => {
  if (position !== null) await readInventory(source, image.manifest.layers[position]!, image.config.rootfs.diff_ids[position]!, see);
};

/** Compares a pair of layers file by file. What keeps the pinned one from being read is told: that it differs is known. */
const compareEntries = async ({ pinned, built, tell, isFull, signal }: Comparison, pair: LayerPair, layer: number): Promise<void> => {
  // An image may list thousands of layers.
  if (isFull()) return tell('not compared file by file, because so much differs', layer);
  const comparison = compareFiles((path, message) => tell(message, layer, path));
  await readEntries(built, pair.built, comparison.built);
  try {
    await readEntries(pinned, pair.pinned, comparison.pinned);
  } catch (thrown) {
    if (signal.aborted || !isPinlaneError(thrown)) throw thrown;
    return tell(`not compared any further: ${thrown.problems[0]?.message}`, layer);
  }
  const { same, ordered } = comparison.end();
  if (same && pair.pinned !== null && pair.built !== null)
    tell(ordered ? 'the same files, of which the tar says more or is written otherwise' : 'the same files in another order', layer);
};

const compareLayers = async (comparison: Comparison, pair: LayerPair): Promise<void> => {
  const { pinned, built, tell } = comparison;
  const layer = (pair.pinned ?? pair.built ?? 0) + 1;
  const made = pair.pinned === null ? madeBy(built, pair.built ?? 0) : madeBy(pinned, pair.pinned);
  if (pair.pinned === null || pair.built === null) {
    tell(`${pair.pinned === null ? 'is missing in the pinned image' : 'is in the pinned image alone'}${made}`, layer);
    return compareEntries(comparison, pair, layer);
  }
  const [before, after] = [layersOf(pinned)[pair.pinned]!, layersOf(built)[pair.built]!];
  for (const { at, message } of documentDifferences(withoutNames(before), withoutNames(after))) tell(`${at}: ${message}`, layer);
  const [tar, other] = [pinned.image.config.rootfs.diff_ids[pair.pinned], built.image.config.rootfs.diff_ids[pair.built]];
  if (tar !== other) {
    tell(`pinned ${String(tar)}, built ${String(other)}${made}`, layer);
    return compareEntries(comparison, pair, layer);
  }
  if (before['digest'] !== after['digest']) tell(`the same files, packed otherwise: pinned ${before['size']} bytes, built ${after['size']}${made}`, layer);
};

/**
 * Tells in what two images of a platform differ: manifest, config, and the layers that are not the same, file by file. Of the pinned image only such layers
 * are read. @throws what keeps the documents of either from being read, or the layers of the one that was built
 */
export const compareImages = async (
  platform: Platform,
  images: { readonly pinned: PlacedImage; readonly built: PlacedImage },
  differences: Differences,
  signal: AbortSignal,
): Promise<void> => {
  const tell: Tell = (message, layer, path) => differences.add({ platform, layer: layer ?? null, path: path ?? null }, message);
  const [pinned, built] = await Promise.all([readSide(images.pinned, platform), readSide(images.built, platform)]);
  const ofManifest = ({ layers: _layers, config, ...rest }: Json): Json => ({ ...rest, config: withoutNames(config as Json) });
  compareDocuments('manifest', pinned.manifestBytes, built.manifestBytes, ofManifest, tell);
  compareDocuments('config', pinned.image.configBytes, built.image.configBytes, ({ rootfs: _rootfs, ...rest }) => rest, tell);
  for (const pair of pairLayers(pinned.image.config.rootfs.diff_ids, built.image.config.rootfs.diff_ids))
    await compareLayers({ pinned, built, tell, isFull: differences.isFull, signal }, pair);
};

/** Tells in what two indexes over the same images differ. @throws what keeps either from being read */
export const compareIndexes = async (pinned: PlacedImage, built: PlacedImage, differences: Differences): Promise<void> => {
  const [before, after] = await Promise.all([pinned, built].map(async ({ source, digest }) => (await source.readManifest(digest)).bytes));
  compareDocuments(
    'index',
    before!,
    after!,
    (document) => document,
    (message) => differences.add({ platform: null, layer: null, path: null }, message),
  );
};
