import {
  architectureOf,
  asPinlaneError,
  byArchitecture,
  formatRepository,
  isPinlaneError,
  isStoreReference,
  parseRepository,
  shortDigest,
  type BuildPlan,
  type BuiltImage,
  type Digest,
  type PinnedReference,
} from '@pinlane/contracts';
import { readImage, verifyImage, type ImageView, type Store } from '@pinlane/oci';
import { beliefIn, isOpenEnded, isVerdictOnPin, mayReuse, ownerProblem, pinsOf, publishedRepository } from '@pinlane/pipeline';
import type { VerbContext } from '../command/context.ts';
import { readRecord } from '../workspace/build-records.ts';
import type { SpecFile } from '../workspace/spec-file.ts';
import { revisionOf, type BuildWish } from './build-image.ts';
import type { BuildInputs } from './build-inputs.ts';
import { fingerprintTag } from './fingerprint-tag.ts';
import { openRegistry, type ImageLocations } from './locations.ts';
import { askPins } from './pin-answer.ts';
import { seenImage } from './seen-image.ts';

/** What an image was found by: the record of the last build here, its pins, or the tag that holds its fingerprint. */
export type FoundBy = 'reused' | 'pinned' | 'tagged';

/** An image that is there and need not be built. */
export interface FoundImage {
  readonly image: BuiltImage;
  readonly outcome: FoundBy;
}

/** Why nothing was built, in words. */
export const whyNothing = (outcome: FoundBy, { fingerprint, repository }: Pick<BuiltImage, 'fingerprint' | 'repository'>): string => {
  const source = `the source is ${shortDigest(fingerprint)}`;
  if (outcome === 'pinned') return `${source}, and so says the pinned image, which is whole in ${repository}`;
  return outcome === 'tagged' ? `${source}, and ${repository} has an image of it` : `${source}, and the image that was built of it here is there`;
};

/** Whether the image that a record names says of itself what the record says: for which platforms and from which source it was built. */
const isBorneOut = async ({ index, platforms, fingerprint }: BuiltImage, store: Store): Promise<boolean> => {
  const seen = (await readImage(store, index)).platforms.map(seenImage);
  const same = seen.every((each) => each.digest === platforms[architectureOf(each.platform)] && each.fingerprint === fingerprint);
  return same && seen.length === Object.keys(platforms).length;
};

/** The record of the last build, if it stands for this plan and all of its image is still in the store. */
export const recordedImage = async (
  plan: BuildPlan,
  { request }: Pick<BuildInputs, 'request'>,
  { settings: { engine } }: BuildWish,
  { paths, store }: ImageLocations,
  { note }: VerbContext,
): Promise<BuiltImage | null> => {
  const record = isOpenEnded(request) ? null : await readRecord(paths, plan.slug, note);
  if (record === null || !mayReuse(record, plan, engine)) return null;
  if ((await store.missing(record.index)).length > 0) return null;
  if (await isBorneOut(record, store)) return record;
  note(`WARNING ${paths.record(plan.slug)} is ignored, because the image that it names is not the one that it tells of: it is built anew`);
  return null;
};

/** The record of an image that was built elsewhere. */
const foundElsewhere = (plan: BuildPlan, image: PinnedReference, platforms: BuiltImage['platforms'], revision: string | null): BuiltImage => ({
  kind: 'BuiltImage',
  schemaVersion: 1,
  name: plan.slug,
  repository: formatRepository(image),
  platforms,
  index: image.digest,
  fingerprint: plan.fingerprint,
  revision,
  engine: null,
  bases: plan.bases,
  pushed: !isStoreReference(image),
});

/** The pinned image, if the pins answer for the source; `note` tells why not, if they claim to. */
const pinned = async (
  plan: BuildPlan,
  specFile: SpecFile,
  index: PinnedReference,
  { settings }: BuildWish,
  locations: ImageLocations,
  { note, progress }: VerbContext,
): Promise<BuiltImage | null> => {
  progress(`asking for the pinned image ${shortDigest(index.digest)}`);
  const { outcome, reasons } = await askPins(specFile, plan.fingerprint, { lane: settings.lane, platforms: plan.platforms }, locations);
  if (outcome === 'stale') {
    note(`WARNING the source is the one that was pinned, and the pins do not bear it out: ${reasons.join('; ')}. It is built anew`);
    return null;
  }
  const pins = pinsOf(specFile.spec);
  const platforms = byArchitecture((architecture) => pins[architecture]?.digest);
  return foundElsewhere(plan, index, platforms, specFile.spec.image?.source?.revision ?? null);
};

/** Whether an image is of this processor, was built from this source, and is there for every platform of a plan. */
const isOf = (plan: BuildPlan, { spec }: SpecFile, { kind, platforms }: ImageView): boolean => {
  const images = platforms.map(seenImage);
  const right = images.every((image) => image.fingerprint === plan.fingerprint && ownerProblem(spec, image) === null);
  return kind === 'index' && right && plan.platforms.every((platform) => images.some((image) => image.platform === platform));
};

/** An image that another machine pushed from the same source, by the tag of its fingerprint. Whatever is wrong with it, the image can be built. */
const tagged = async (plan: BuildPlan, specFile: SpecFile, locations: ImageLocations, context: VerbContext): Promise<BuiltImage | null> => {
  const repository = parseRepository(plan.repository);
  const registry = openRegistry(repository, { ...locations.access, writes: true });
  const tag = fingerprintTag(plan.fingerprint);
  let digest: Digest | null = null;
  try {
    ({ digest } = await registry.resolve(tag));
    const view = await verifyImage(registry, digest);
    if (!isOf(plan, specFile, view)) {
      context.note(`WARNING ${plan.repository}:${tag} is not an image of this source for ${plan.platforms.join(' and ')}: it is built anew`);
      return null;
    }
    const platforms = Object.fromEntries(view.platforms.map(({ platform, descriptor }) => [architectureOf(platform), descriptor.digest]));
    return foundElsewhere(plan, { ...repository, digest }, platforms, await revisionOf(context)());
  } catch (thrown) {
    if (!isPinlaneError(thrown) || !isVerdictOnPin(thrown)) throw thrown;
    if (digest !== null || thrown.code !== 'ERR_MANIFEST_UNKNOWN')
      context.note(`WARNING ${plan.repository}:${tag}: ${thrown.problems[0]?.message}: it is built anew`);
    return null;
  }
};

/** Errors that say that a registry could not be asked. */
const UNASKED = ['ERR_REGISTRY_UNAVAILABLE', 'ERR_REGISTRY_AUTH', 'ERR_REGISTRY_DENIED', 'ERR_REGISTRY_PROTOCOL'] as const;

/**
 * Finds an image of a build's source that need not be built: what the pins name, if they claim this source and bear it out; what was built here before; and,
 * if the image is to be pushed, what another machine pushed. Verified like whatever is pinned. A lane that builds fresh asks only for what it built itself.
 * @throws what keeps a registry from answering, if nothing can be built or pinned without its answer
 */
export const findImage = async (
  plan: BuildPlan,
  specFile: SpecFile,
  { request }: BuildInputs,
  wish: BuildWish,
  locations: ImageLocations,
  context: VerbContext,
): Promise<FoundImage | null> => {
  // A context that may have changed is in no fingerprint.
  if (isOpenEnded(request)) return null;
  const { lane, registry, rules } = wish.settings;
  const record = await recordedImage(plan, { request }, wish, locations, context);
  const published = publishedRepository(specFile.spec, registry);
  const belief = beliefIn(specFile.spec, { lane, fingerprint: plan.fingerprint, push: plan.push, published });
  if ('index' in belief && record?.index !== belief.index.digest) {
    const image = await context
      .waiting(() => pinned(plan, specFile, belief.index, wish, locations, context))
      .catch((thrown: unknown) => {
        // An image for trying something out can be built without the registry. Whoever pins has to know what is pinned.
        if (wish.pins || plan.push || !UNASKED.some((code) => isPinlaneError(thrown, code))) throw thrown;
        context.note(`WARNING the pinned image could not be asked for: ${asPinlaneError(thrown).problems[0]?.message}`);
        return null;
      });
    if (image !== null) return { image, outcome: 'pinned' };
  } else if ('reason' in belief && belief.reason !== null) context.note(`the pins do not answer for the source: ${belief.reason}`);
  if (record !== null) return { image: record, outcome: 'reused' };
  if (!plan.push || rules.fresh) return null;
  const image = await context.waiting(() => tagged(plan, specFile, locations, context));
  return image === null ? null : { image, outcome: 'tagged' };
};
