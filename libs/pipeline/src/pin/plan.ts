import { ARCHITECTURES, STORE_HOST } from '@pinlane/contracts';
import type { Architecture, BuiltImage, Digest, PlatformDigests, ProcessorSpec } from '@pinlane/contracts';
import type { Edit } from './splice/model.ts';

/** One value in the image section of registry.yaml that is to change. */
export interface PinEdit extends Edit {
  readonly path: readonly ['image', ...string[]];
}

/** The image that is to be pinned, as it was built and verified. */
export interface PinFacts {
  /** The repository that holds the image: one of a registry, or of store.localhost. */
  readonly repository: string;
  /** The platforms to pin; the others keep their pin. */
  readonly platforms: PlatformDigests;
  /** The index over the pinned platforms, old and new. */
  readonly index: Digest;
  /** The source that the image says it was built from; null if it says nothing. */
  readonly fingerprint: Digest | null;
  readonly revision: string | null;
  /** For each platform that keeps its pin: the source that its image says it was built from; null if it says nothing. */
  readonly kept?: Partial<Record<Architecture, Digest | null>>;
}

/** The part of a spec that holds its pins. */
type Pinnable = Pick<ProcessorSpec, 'image'>;

const current = (spec: Pinnable, path: readonly string[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<string, unknown> | null | undefined)?.[key], spec) ?? null;

/** The fingerprint to write into `image.source`: the new one if every pinned platform was built from it, else one that shows the pins to be stale. */
const sourceClaim = (spec: Pinnable, { platforms, fingerprint, kept = {} }: PinFacts): Digest | null => {
  const others = ARCHITECTURES.filter((each) => platforms[each] === undefined && spec.image?.platforms?.[each] != null);
  if (others.every((each) => kept[each] === fingerprint)) return fingerprint;
  const before = spec.image?.source?.fingerprint ?? null;
  return before === fingerprint ? (others.map((each) => kept[each] ?? null).find((each) => each !== fingerprint) ?? null) : before;
};

const IN_STORE = `${STORE_HOST}/`;
const digestOf = (reference: string): string => reference.slice(reference.indexOf('@'));

/** Whether the pins name the same image in a registry while the new pins would name the store: the registry's name is worth more. */
const isPublished = (spec: Pinnable, { repository }: PinFacts, pins: readonly PinEdit[]): boolean =>
  repository.startsWith(IN_STORE) &&
  pins.every(({ path, value }) => {
    const now = current(spec, path);
    return typeof now === 'string' && !now.startsWith(IN_STORE) && digestOf(now) === digestOf(value ?? '');
  });

/**
 * Decides which values of registry.yaml change.
 *
 * - If the pins are right, nothing changes. The revision stays too, because it is the commit at which the pinned images were built.
 * - If a local build gives the image that is already pinned by its name in a registry, the pins keep that name.
 * - The fingerprint moves only if every pinned platform was built from the new source. If one keeps a pin of older source, the pins stay visibly stale.
 */
export const planPins = (spec: Pinnable, facts: PinFacts): PinEdit[] => {
  const named = (digest: Digest): string => `${facts.repository}@${digest}`;
  const platforms: PinEdit[] = ARCHITECTURES.flatMap((each) => {
    const digest = facts.platforms[each];
    return digest === undefined ? [] : [{ path: ['image', 'platforms', each] as const, value: named(digest) }];
  });
  const pins: PinEdit[] = [...platforms, { path: ['image', 'index'], value: named(facts.index) }];
  const claim = sourceClaim(spec, facts);
  const wanted: PinEdit[] = [...(isPublished(spec, facts, pins) ? [] : pins), { path: ['image', 'source', 'fingerprint'], value: claim }];
  const changed = wanted.filter(({ path, value }) => current(spec, path) !== value);
  if (changed.length === 0) return [];
  const revision: PinEdit = { path: ['image', 'source', 'revision'], value: facts.revision };
  const moves = claim === facts.fingerprint && current(spec, revision.path) !== facts.revision;
  return moves ? [...changed, revision] : changed;
};

/**
 * Whether the pins already are what pinning a build would write, for the same platforms, so that there is nothing to do.
 * @param spec may be any JSON, as a lenient reading of registry.yaml gives it
 */
export const pinsSay = (spec: unknown, built: Pick<BuiltImage, 'repository' | 'platforms' | 'index' | 'fingerprint'>): boolean => {
  const image = (spec as Partial<Pinnable> | null)?.image;
  if (typeof image !== 'object' || image === null) return false;
  const there = Object.entries(image.platforms ?? {}).flatMap(([architecture, pin]) => (pin == null ? [] : [architecture]));
  const same = there.length === Object.keys(built.platforms).length && there.every((each) => each in built.platforms);
  return same && planPins({ image }, { ...built, revision: image.source?.revision ?? null }).length === 0;
};
