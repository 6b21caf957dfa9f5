import {
  EVIDENCE_TYPE,
  fail,
  isDigest,
  isPinlaneError,
  isStoreReference,
  shortDigest,
  type AcceptanceReport,
  type Digest,
  type EvidenceFound,
  type Lane,
  type PinnedReference,
} from '@pinlane/contracts';
import { attachArtifact, type ContentSource, type Descriptor } from '@pinlane/oci';
import { isVerdictOnPin, requireMayPush, saysTheSame, whyNoEvidence, type EvidenceSubject } from '@pinlane/pipeline';
import { openLocation, openRegistry, type ImageLocations } from './locations.ts';
import { evidenceArtifact, readEvidenceArtifact } from './evidence-artifact.ts';
import { nameIfThere } from './push.ts';

/** Anyone who may push can attach anything; no more artefacts than this are read. */
const ARTIFACTS_AT_MOST = 100;

/** The tag of an artefact that carries a report. */
const evidenceTag = (artifact: Digest): string => `accepted-${shortDigest(artifact)}`;

type Attached = { readonly artifact: Digest; readonly report: AcceptanceReport };

/** Reads one artefact: its report, or why it is no evidence. An error that is not about the artefact itself is thrown. */
const judge = async (
  artifact: Digest,
  subject: Descriptor,
  about: EvidenceSubject,
  location: ContentSource,
): Promise<Attached | { readonly artifact: Digest; readonly reason: string }> => {
  try {
    const report = await readEvidenceArtifact(location, artifact, subject);
    const reason = whyNoEvidence(report, about);
    return reason === null ? { artifact, report } : { artifact, reason };
  } catch (thrown) {
    if (!isPinlaneError(thrown) || !isVerdictOnPin({ code: thrown.code })) throw thrown;
    return { artifact, reason: thrown.problems[0]?.message ?? thrown.code };
  }
};

const collect = async (about: EvidenceSubject, image: PinnedReference, locations: ImageLocations) => {
  const location = openLocation(image, locations);
  const { descriptor } = await location.readManifest(about.digest);
  const listed = (await location.referrers(about.digest, EVIDENCE_TYPE)).map(({ digest }): string => digest);
  const digests = [...new Set(listed)].filter(isDigest).sort();
  const judged = await Promise.all(digests.slice(0, ARTIFACTS_AT_MOST).map((artifact) => judge(artifact, descriptor, about, location)));
  const attached = judged.filter((each) => 'report' in each).sort((a, b) => (a.report.startedAt < b.report.startedAt ? 1 : -1));
  const unread = digests.length - judged.length;
  const ignored: EvidenceFound['ignored'] = [
    ...judged.filter((each) => 'reason' in each),
    ...(unread > 0 ? [{ artifact: null, reason: `${unread} more artefacts are attached and were not read` }] : []),
  ];
  return { descriptor, attached, ignored };
};

/**
 * Reads what is attached to a platform's image, newest first, each report from its bytes and compared with the image; a report that is foreign,
 * malformed or untrue is named and ignored. Anyone who may write to the registry may attach a report: it is no signature.
 * @throws whatever keeps the registry from answering
 */
export const readEvidence = async (about: EvidenceSubject, image: PinnedReference, locations: ImageLocations): Promise<EvidenceFound> => {
  const { attached, ignored } = await collect(about, image, locations);
  const found = attached.map(({ artifact, report: { lane, startedAt, isolation, checks, origin } }) => ({
    artifact,
    lane,
    startedAt,
    passed: checks.filter(({ outcome }) => outcome === 'passed').length,
    isolation,
    ...(origin === undefined ? {} : { origin }),
  }));
  return { found, ignored };
};

/** @throws ERR_LANE_FORBIDS if the image is in a registry and the lane does not push */
export const requireMayAttach = (image: PinnedReference, lane: Lane): void => {
  if (!isStoreReference(image)) requireMayPush(lane);
};

/** Whether a report of an earlier commit still counts: it does if that commit is in the history of this one. */
export type CountsStill = (revision: string | null) => Promise<boolean>;

/**
 * Attaches a passing report to the platform manifest it is about; one that says the same, still counts and is there already is left as it is.
 * @returns one line for a person
 * @throws ERR_LANE_FORBIDS if the image is in a registry and the lane does not push, ERR_EGRESS_OPEN if the isolation was not enough,
 * and whatever the registry throws
 */
export const attachEvidence = async (
  report: AcceptanceReport,
  lane: Lane,
  image: PinnedReference,
  locations: ImageLocations,
  countsStill: CountsStill = async () => true,
): Promise<string> => {
  requireMayAttach(image, lane);
  const reason = whyNoEvidence(report, report);
  if (reason !== null) fail('ERR_EGRESS_OPEN', `the report is not attached, because it would be no evidence: ${reason}`);
  const { descriptor, attached } = await collect(report, image, locations);
  const alike = attached.filter((each) => saysTheSame(each.report, report));
  const counting = await Promise.all(alike.map((each) => countsStill(each.report.origin?.revision ?? null)));
  const same = alike.find((_, at) => counting[at]);
  const registry = isStoreReference(image) ? null : openRegistry(image, locations.access);
  if (same) {
    // Whoever attached it may have been killed before it had its tag.
    if (registry !== null) await nameIfThere(registry, same.artifact, evidenceTag(same.artifact));
    return `  evidence: the same is attached already (${shortDigest(same.artifact)})`;
  }
  const artifact = await attachArtifact(registry ?? locations.store, descriptor, evidenceArtifact(report));
  // Like a pinned image, it must outlive jobs that delete everything without a tag.
  await registry?.tag(evidenceTag(artifact.descriptor.digest), artifact.descriptor, artifact.bytes);
  return `  evidence: attached to ${shortDigest(report.digest)} (${shortDigest(artifact.descriptor.digest)})`;
};
