import { EVIDENCE_TYPE, fail, type AcceptanceReport, type Digest } from '@pinlane/contracts';
import { parseDocument, readAll, type Artifact, type ContentSource, type Descriptor } from '@pinlane/oci';
import { evidenceText, parseEvidence } from '@pinlane/pipeline';

/** The longest report that is read, in bytes; no real one is as long. */
const REPORT_LIMIT = 1024 * 1024;

/** A report as the artefact that is attached to the platform manifest it is about (OCI image specification, manifest.md, "Guidelines for Artifact Usage"). */
export const evidenceArtifact = (report: AcceptanceReport): Artifact => ({
  artifactType: EVIDENCE_TYPE,
  files: [
    {
      mediaType: EVIDENCE_TYPE,
      bytes: new TextEncoder().encode(evidenceText(report)),
      annotations: { 'org.opencontainers.image.title': 'acceptance.json' },
    },
  ],
  annotations: { 'dev.pinlane.lane': report.lane, 'dev.pinlane.ref': report.ref, 'org.opencontainers.image.created': report.startedAt },
});

const refuse = (why: string): never => fail('ERR_MANIFEST_INVALID', why);

/**
 * Reads a report from the artefact that carries it; lists of referrers and annotations are not believed.
 * @throws ERR_MANIFEST_INVALID if it is no such artefact, refers to something else or its report is malformed; what the location throws
 */
export const readEvidenceArtifact = async (location: ContentSource, artifact: Digest, subject: Descriptor): Promise<AcceptanceReport> => {
  const document = parseDocument((await location.readManifest(artifact)).bytes);
  if (document.kind !== 'manifest' || document.manifest.artifactType !== EVIDENCE_TYPE) return refuse('it is not an artefact that carries a report');
  const { subject: about, layers } = document.manifest;
  if (about?.digest !== subject.digest || about.size !== subject.size || about.mediaType !== subject.mediaType) return refuse('it refers to another image');
  const [layer, ...more] = layers;
  if (layer === undefined || more.length > 0 || layer.mediaType !== EVIDENCE_TYPE) return refuse('it does not carry exactly one report');
  if (layer.size > REPORT_LIMIT) return refuse(`its report is larger than ${REPORT_LIMIT} bytes`);
  const bytes = await readAll(location.openBlob(layer), REPORT_LIMIT, 'the report');
  const parsed = parseEvidence(Buffer.from(bytes).toString('utf8'));
  return 'report' in parsed ? parsed.report : refuse(parsed.reason);
};
