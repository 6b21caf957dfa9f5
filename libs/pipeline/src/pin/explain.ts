import { shortDigest, type Digest } from '@pinlane/contracts';

/** The parts of a platform's image that can explain why its digest changed. */
export interface ImageSketch {
  /** The source that the image says it was built from; null if it says nothing. */
  readonly fingerprint: Digest | null;
  /** The base that the image says it was built on; null if it says nothing. */
  readonly base: Digest | null;
  /** Those of the manifest, of the config, and of each layer. */
  readonly mediaTypes: readonly string[];
  /** Every time that the config names. */
  readonly times: readonly string[];
  readonly layers: readonly { readonly digest: Digest; readonly diffId: Digest }[];
  /** Whether the image says that BuildKit made it. */
  readonly buildKit: boolean;
  /** The command and settings with which it starts and its labels, as one text for comparing. */
  readonly execution: string;
}

/** One reason why an image has another digest. */
export interface ChangeCause {
  readonly cause: 'source' | 'base' | 'builder' | 'media type' | 'timestamps' | 'unknown';
  readonly message: string;
}

const said = (digest: Digest | null): string => (digest === null ? 'nothing' : shortDigest(digest));
const same = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((each, at) => each === b[at]);
const layersThat = (many: number): string => (many === 1 ? '1 layer holds' : `${many} layers hold`);
const differing = (a: readonly string[], b: readonly string[]): string => {
  const at = a.findIndex((each, position) => each !== b[position]);
  return at === -1 ? `${a.length} -> ${b.length}` : `${a[at]} -> ${b[at] ?? 'none'}`;
};

const layerCauses = (before: ImageSketch, after: ImageSketch, explained: boolean): ChangeCause[] => {
  const known = new Map(before.layers.map(({ digest, diffId }) => [diffId, digest]));
  const repacked = after.layers.filter(({ digest, diffId }) => known.has(diffId) && known.get(diffId) !== digest).length;
  const other = after.layers.filter(({ diffId }) => !known.has(diffId)).length;
  return [
    ...(repacked > 0 ? [{ cause: 'builder' as const, message: `${layersThat(repacked)} the same files, packed otherwise` }] : []),
    // Another source or base explains other layers. If both stayed, only something that a build does not repeat is left.
    ...(other > 0 && !explained
      ? [{ cause: 'timestamps' as const, message: `${layersThat(other)} other bytes for the same source: times of files, or what RUN made` }]
      : []),
  ];
};

/**
 * Why an image has another digest than the one before: its source, its base, the builder, media types or times, or several of these. `unknown` if
 * none of them explains it; empty for one and the same image.
 */
export const explainChange = (before: ImageSketch, after: ImageSketch): readonly ChangeCause[] => {
  const causes: ChangeCause[] = [];
  if (before.fingerprint !== after.fingerprint)
    causes.push({ cause: 'source', message: `built from ${said(before.fingerprint)} -> ${said(after.fingerprint)}` });
  if (before.base !== after.base) causes.push({ cause: 'base', message: `built on ${said(before.base)} -> ${said(after.base)}` });
  const explained = causes.length > 0;
  if (before.buildKit !== after.buildKit)
    causes.push({ cause: 'builder', message: after.buildKit ? 'built by BuildKit now' : 'built by BuildKit before, and not now' });
  if (!same(before.mediaTypes, after.mediaTypes) && before.layers.length === after.layers.length)
    causes.push({ cause: 'media type', message: differing(before.mediaTypes, after.mediaTypes) });
  if (!same(before.times, after.times) && before.times.length === after.times.length)
    causes.push({ cause: 'timestamps', message: `times in the config: ${differing(before.times, after.times)}` });
  causes.push(...layerCauses(before, after, explained));
  const layersMoved = !same(
    before.layers.map(({ digest }) => digest),
    after.layers.map(({ digest }) => digest),
  );
  if (causes.length > 0) return causes;
  if (before.execution !== after.execution) return [{ cause: 'builder', message: 'the config says otherwise how it starts, or has other labels' }];
  return layersMoved ? [{ cause: 'unknown', message: 'its layers are the same in another order or number' }] : [];
};

/** One line for each cause. */
export const renderCauses = (causes: readonly ChangeCause[]): string[] => causes.map(({ cause, message }) => `${cause}: ${message}`);
