import {
  architectureOf,
  ARCHITECTURES,
  fail,
  formatRepository,
  isPinlaneError,
  isStoreReference,
  laneRules,
  platformOf,
  shortDigest,
  type Architecture,
  type Digest,
  type Lane,
  type PinAuditEntry,
  type PinFinding,
  type PinName,
  type PinnedReference,
  type ProcessorSpec,
  type Repository,
} from '@pinlane/contracts';
import { verifyImage, type ImageView, type PlatformImage, type Store } from '@pinlane/oci';
import { indexPinOf, namedPins, outcomeOf, pinsOf } from '@pinlane/pipeline';
import { openImagePlace } from './image-source.ts';
import { claimedFingerprint, requireOwn } from './pin-image.ts';
import type { RegistryAccess } from './registries.ts';

/** Where the images of an audit are looked for, and in which lane they are to be good enough. */
export interface AuditSite {
  readonly store: Store;
  readonly access: RegistryAccess;
  readonly lane: Lane;
  /** Layers of the store that were hashed in this audit: what many images are built on is read once. */
  readonly hashed: Set<Digest>;
  /** How often in a row each registry did not answer in this audit, whatever it was asked. */
  readonly silent: Map<string, number>;
}

/** So often in a row a registry is waited for: each time takes about ten seconds, and a thousand pins may be in it. */
const PATIENCE = 3;

type Findings = PinFinding[];

/** What an error says about a pin. @throws the error where it says that the command was stopped, or that Pinlane is at fault */
export const findingsOf = (pin: PinName | null, thrown: unknown): Findings => {
  if (!isPinlaneError(thrown) || thrown.code === 'ERR_CANCELLED') throw thrown;
  return thrown.problems.map(({ code, message }) => ({ pin, code, message }));
};

const unverified = (pin: PinName, message: string): PinFinding => ({ pin, code: 'ERR_PIN_UNVERIFIED', message });

const verified = async (pin: PinnedReference, { store, access, hashed, silent }: AuditSite): Promise<ImageView> => {
  const place = openImagePlace(pin, store, access);
  const missed = silent.get(pin.host) ?? 0;
  if (missed >= PATIENCE) fail('ERR_REGISTRY_UNAVAILABLE', `${pin.host} did not answer ${PATIENCE} times in a row, and was not asked for ${pin.digest}`);
  try {
    // A registry hashed what was pushed to it; the store is a folder that anything may have written to.
    const view = await verifyImage(place, pin.digest, place === store ? { blobs: 'hashed', known: hashed } : {});
    silent.delete(pin.host);
    return view;
  } catch (thrown) {
    if (isPinlaneError(thrown, 'ERR_REGISTRY_UNAVAILABLE')) silent.set(pin.host, (silent.get(pin.host) ?? 0) + 1);
    else silent.delete(pin.host);
    throw thrown;
  }
};

/** The pinned index, whole with all of its platforms. */
const auditIndex = async (spec: ProcessorSpec, site: AuditSite, findings: Findings): Promise<ImageView | null> => {
  const pin = indexPinOf(spec);
  if (pin === null) return null;
  try {
    const view = await verified(pin, site);
    if (view.kind === 'index') return view;
    findings.push(unverified('index', `${shortDigest(pin.digest)} is one platform's manifest, and an index is to be pinned here`));
  } catch (thrown) {
    findings.push(...findingsOf('index', thrown));
  }
  return null;
};

/** One platform's manifest by itself: it is there, and its config is for that platform. */
const auditAlone = async (architecture: Architecture, pin: PinnedReference, site: AuditSite): Promise<PlatformImage | PinFinding> => {
  const view = await verified(pin, site);
  const [image] = view.platforms;
  if (view.kind === 'index' || image === undefined)
    return unverified(architecture, `${shortDigest(pin.digest)} is an index, and a platform's manifest is to be pinned here`);
  if (architectureOf(image.platform) !== architecture) return unverified(architecture, `${shortDigest(pin.digest)} is an image for ${image.platform}`);
  return image;
};

const auditPlatform = async (
  spec: ProcessorSpec,
  architecture: Architecture,
  index: { readonly view: ImageView; readonly repository: Repository } | null,
  site: AuditSite,
  findings: Findings,
): Promise<PlatformImage | null> => {
  const pin = pinsOf(spec)[architecture];
  if (pin === undefined) return null;
  const platform = platformOf(architecture);
  const listed = index?.view.platforms.find((image) => image.platform === platform);
  if (index !== null && listed?.descriptor.digest !== pin.digest) {
    const there = listed === undefined ? 'does not list it' : `lists ${shortDigest(listed.descriptor.digest)}`;
    findings.push(unverified(architecture, `${shortDigest(pin.digest)} is pinned for ${platform}, and the pinned index ${there}`));
  }
  try {
    const isListed = listed !== undefined && listed.descriptor.digest === pin.digest && formatRepository(pin) === formatRepository(index!.repository);
    const image = isListed ? listed : await auditAlone(architecture, pin, site);
    if ('code' in image) {
      findings.push(image);
      return null;
    }
    requireOwn(spec, image);
    return image;
  } catch (thrown) {
    findings.push(...findingsOf(architecture, thrown));
    return null;
  }
};

/** An edited fingerprint would let source that was never built pass for built. */
const auditSource = ({ image }: ProcessorSpec, images: readonly PlatformImage[]): PinFinding[] => {
  const claims = new Set(images.map(claimedFingerprint));
  const [claim] = claims;
  const written = image?.source?.fingerprint;
  if (claims.size !== 1 || claim == null || written == null || claim === written) return [];
  return [unverified('index', `registry.yaml says that the images were built from ${shortDigest(written as Digest)}, and they say ${shortDigest(claim)}`)];
};

/** What is worth a look: --registry pins elsewhere than image.repository says, and does so on purpose. */
const remarksOn = (spec: ProcessorSpec, pins: Partial<Record<Architecture, PinnedReference>>, index: { readonly view: ImageView } | null): string[] => {
  const repositories = new Set([...Object.values(pins), ...(indexPinOf(spec) === null ? [] : [indexPinOf(spec)!])].map(formatRepository));
  const said = spec.image?.repository;
  const elsewhere = [...repositories].filter((repository) => said !== undefined && repository !== said);
  const unpinned = (index?.view.platforms ?? []).filter(({ platform }) => pins[architectureOf(platform)] === undefined).map(({ platform }) => platform);
  return [
    ...elsewhere.map((repository) => `the pins name ${repository}, and image.repository is ${said}`),
    ...(repositories.size > 1 ? [`the pins name several repositories: ${[...repositories].join(', ')}`] : []),
    ...unpinned.map((platform) => `the pinned index also lists ${platform}, which is not pinned`),
  ];
};

/**
 * Looks at everything that one registry.yaml pins: it is there whole, its bytes have the digest, manifests and configs are for the platform
 * they are pinned for, the index lists the very manifests that are pinned and one for each platform. Nothing is written.
 */
export const auditPins = async (spec: ProcessorSpec, file: string, site: AuditSite): Promise<PinAuditEntry> => {
  const findings: Findings = [];
  const pins = pinsOf(spec);
  const named = namedPins(spec);
  const indexPin = indexPinOf(spec);
  const references = { ...pins, ...(indexPin === null ? {} : { index: indexPin }) };
  if (!laneRules(site.lane).acceptsStorePins)
    for (const [name, pin] of Object.entries(references))
      if (isStoreReference(pin))
        findings.push({ pin: name as PinName, code: 'ERR_PIN_LOCAL', message: `it names the local store, and lane ${site.lane} needs a published image` });
  if (findings.length > 0) return { file, ref: spec.ref, outcome: outcomeOf(findings, 1), pins: named, findings, remarks: [] };

  const view = await auditIndex(spec, site, findings);
  const index = view === null || indexPin === null ? null : { view, repository: indexPin };
  const images = await Promise.all(ARCHITECTURES.map((architecture) => auditPlatform(spec, architecture, index, site, findings)));
  findings.push(
    ...auditSource(
      spec,
      images.filter((image) => image !== null),
    ),
  );
  return { file, ref: spec.ref, outcome: outcomeOf(findings, Object.keys(named).length), pins: named, findings, remarks: remarksOn(spec, pins, index) };
};
