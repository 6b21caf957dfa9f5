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
import { attachArtifact, type ContentSource, type Descriptor, type Store } from '@pinlane/oci';
import { isVerdictOnPin, saysTheSame, whyNoEvidence, type EvidenceSubject } from '@pinlane/pipeline';
import { evidenceArtifact, readEvidenceArtifact } from './evidence-artifact.ts';
import { openRegistry, type RegistryAccess } from './registries.ts';
import { requireMayPush } from './settings.ts';

/** Where the evidence on an image is kept: beside the image. */
export interface EvidenceSite {
  readonly image: PinnedReference;
  readonly store: Store;
  readonly access: RegistryAccess;
}

/** Anybody who may push can attach anything; no more than this is read. */
const ARTIFACTS_AT_MOST = 100;

/** The tag of an artefact that carries a report. */
const evidenceTag = (artifact: Digest): string => `accepted-${shortDigest(artifact)}`;

type Attached = { readonly artifact: Digest; readonly report: AcceptanceReport };

/** What an artefact is worth; an error that says nothing about the artefact itself goes on. */
const judge = async (
  artifact: Digest,
  subject: Descriptor,
  about: EvidenceSubject,
  place: ContentSource,
): Promise<Attached | { readonly artifact: Digest; readonly reason: string }> => {
  try {
    const report = await readEvidenceArtifact(place, artifact, subject);
    const reason = whyNoEvidence(report, about);
    return reason === null ? { artifact, report } : { artifact, reason };
  } catch (thrown) {
    if (!isPinlaneError(thrown) || !isVerdictOnPin({ code: thrown.code })) throw thrown;
    return { artifact, reason: thrown.problems[0]?.message ?? thrown.code };
  }
};

const collect = async (about: EvidenceSubject, { image, store, access }: EvidenceSite) => {
  const place = isStoreReference(image) ? store : openRegistry(image, access);
  const { descriptor } = await place.readManifest(about.digest);
  const listed = (await place.referrers(about.digest, EVIDENCE_TYPE)).map(({ digest }): string => digest);
  const digests = [...new Set(listed)].filter(isDigest).sort();
  const judged = await Promise.all(digests.slice(0, ARTIFACTS_AT_MOST).map((artifact) => judge(artifact, descriptor, about, place)));
  const attached = judged.filter((each) => 'report' in each).sort((a, b) => (a.report.startedAt < b.report.startedAt ? 1 : -1));
  const unread = digests.length - judged.length;
  const ignored: EvidenceFound['ignored'] = [
    ...judged.filter((each) => 'reason' in each),
    ...(unread > 0 ? [{ artifact: null, reason: `${unread} more artefacts are attached and were not read` }] : []),
  ];
  return { descriptor, attached, ignored };
};

/**
 * Reads what is attached to a platform's image, newest first, each report from its bytes and held against the image; what is foreign,
 * malformed or untrue is named and ignored. Whoever may write to the registry may attach: it is the registry's word, and no signature.
 * @throws whatever keeps the registry from answering
 */
export const readEvidence = async (about: EvidenceSubject, site: EvidenceSite): Promise<EvidenceFound> => {
  const { attached, ignored } = await collect(about, site);
  const found = attached.map(({ artifact, report: { lane, startedAt, isolation, checks } }) => ({
    artifact,
    lane,
    startedAt,
    passed: checks.filter(({ outcome }) => outcome === 'passed').length,
    isolation,
  }));
  return { found, ignored };
};

/** @throws ERR_LANE_FORBIDS where the image is in a registry and the lane does not push */
export const requireMayAttach = (image: PinnedReference, lane: Lane): void => {
  if (!isStoreReference(image)) requireMayPush(lane);
};

/**
 * Attaches a passing report to the platform manifest it is about; one that says the same and is there already is left as it is.
 * @returns one line for a person
 * @throws ERR_LANE_FORBIDS where the image is in a registry and the lane does not push, ERR_EGRESS_OPEN where the isolation was not enough,
 * and whatever the registry throws
 */
export const attachEvidence = async (report: AcceptanceReport, lane: Lane, site: EvidenceSite): Promise<string> => {
  const { image, store, access } = site;
  requireMayAttach(image, lane);
  const reason = whyNoEvidence(report, report);
  if (reason !== null) fail('ERR_EGRESS_OPEN', `the report is not attached, because it would be no evidence: ${reason}`);
  const { descriptor, attached } = await collect(report, site);
  const same = attached.find((each) => saysTheSame(each.report, report));
  if (same) return `  evidence: the same is attached already (${shortDigest(same.artifact)})`;
  const registry = isStoreReference(image) ? null : openRegistry(image, access);
  const artifact = await attachArtifact(registry ?? store, descriptor, evidenceArtifact(report));
  // As what is pinned, it is to outlive jobs that delete what has no tag.
  await registry?.tag(evidenceTag(artifact.descriptor.digest), artifact.descriptor, artifact.bytes);
  return `  evidence: attached to ${shortDigest(report.digest)} (${shortDigest(artifact.descriptor.digest)})`;
};
