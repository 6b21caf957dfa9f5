import { tmpdir } from 'node:os';
import { relative } from 'node:path';
import { chooseRuntime, makeRunFolder, probeEgress, removeTree, userOf } from '@pinlane/adapters';
import {
  fail,
  isPinlaneError,
  LANE_TABLE,
  MAX_BODY_BYTES,
  plainLine,
  plainText,
  shortDigest,
  slugOf,
  type AcceptanceReport,
  type Digest,
  type EvidenceFound,
  type Lane,
  type PinnedReference,
  type Platform,
  type ProcessorSpec,
  type Progress,
  type RunnableImage,
  type RunningProcessor,
  type Runtime,
  type RuntimeName,
} from '@pinlane/contracts';
import type { ContentSource } from '@pinlane/oci';
import { readCases, type CaseFile } from './cases/read.ts';
import { exampleParams, runCases } from './cases/run.ts';
import { brokenFindings, type Findings } from './findings.ts';
import { acceptanceReport, type AcceptanceFacts } from './report/report.ts';
import { clearReport, reportFiles, writeReport } from './report/write.ts';
import { runnableImage } from './runnable-image.ts';
import { runConformance } from './run-conformance.ts';
import { startVariant, type Start } from './start-variant.ts';
import { ORDINARY, type Subject } from './subject/subject.ts';

export interface AcceptOptions {
  readonly spec: ProcessorSpec;
  readonly source: ContentSource;
  /** The image: an index or a platform manifest; a pin is the latter. */
  readonly digest: Digest;
  readonly platform: Platform;
  /** The name of the image in the report. */
  readonly image: PinnedReference;
  readonly lane: Lane;
  /** Whether the digest comes from a pin in registry.yaml, and not from a build of the working tree. */
  readonly pinned: boolean;
  readonly runtime: 'auto' | RuntimeName;
  /** The folder of the processor's own cases. */
  readonly casesDir: string;
  /** Where unpacked images are kept. */
  readonly cacheDir: string;
  /** Where the files of the report go. */
  readonly reportsDir: string;
  /** The folder that paths in the report are relative to. */
  readonly workspaceRoot: string;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  /** What was attached to the digest before this run; the report repeats it. */
  readonly evidence?: EvidenceFound | undefined;
  /** Where the folders of the processor are made, and removed in the end; the system's temporary folder if absent. */
  readonly workDir?: string;
  /** Runtimes to choose from; those of this machine if absent. */
  readonly runtimes?: readonly Runtime[];
}

/** The image under test, read for its platform. @throws ERR_PIN_UNVERIFIED if the pin of a platform names an index */
const readImageUnderTest = async ({ spec, source, digest, platform, pinned, cacheDir, signal }: AcceptOptions): Promise<RunnableImage> => {
  const image = await runnableImage(source, digest, { name: slugOf(spec.ref), platform, cacheDir, signal });
  if (pinned && image.digest !== digest)
    fail('ERR_PIN_UNVERIFIED', `${shortDigest(digest)} is an index, and the manifest for ${platform} is to be pinned there`, {
      fix: 'Pin it anew: nx run <processor>:pin.',
    });
  return image;
};

/** What the rules are checked on. @throws ERR_EGRESS_OPEN if the lane demands a blocked network and the probe does not prove it */
const subjectOf = async (start: Start, running: RunningProcessor, files: readonly CaseFile[]): Promise<Subject> => {
  const { spec, lane, image } = start;
  const egress = await probeEgress(running);
  const isolationRequired = LANE_TABLE[lane].egress === 'blocked';
  if (isolationRequired && !egress.blocked) fail('ERR_EGRESS_OPEN', `lane ${lane} demands a blocked network: ${egress.reasons.join('; ')}`);
  const { uid } = await userOf(image);
  return {
    spec,
    digest: image.digest,
    uid,
    environment: lane,
    isolation: { ...running.isolation, network: egress.blocked ? 'blocked' : 'open' },
    egress,
    isolationRequired,
    maxBodyBytes: MAX_BODY_BYTES,
    executions: 'conformance',
    params: exampleParams(files, spec),
    running,
    start: (variant) => startVariant(start, variant),
  };
};

/** Checks every rule of the contract and the processor's own cases on a processor that runs. */
const examine = async (start: Start, running: RunningProcessor, files: readonly CaseFile[], progress: Progress): Promise<Findings> => {
  const { spec, signal } = start;
  const subject = await subjectOf(start, running, files);
  const checks = [...(await runConformance(subject, { progress, signal })), ...(await runCases(running, spec, files, signal))];
  return { isolation: subject.isolation, healthyAfterMs: running.healthyAfterMs, checks, logs: running.logs() };
};

/** Writes the report on what was found, with the log if a check failed. */
const report = async (
  { spec, image, platform, lane, pinned, evidence, reportsDir, workspaceRoot }: AcceptOptions,
  { checks, logs, ...found }: Findings,
  facts: Pick<AcceptanceFacts, 'digest' | 'startedAt' | 'durationMs'>,
): Promise<AcceptanceReport> => {
  const failed = checks.some(({ outcome }) => outcome === 'failed');
  const log = failed ? relative(workspaceRoot, reportFiles(reportsDir, platform).log) : null;
  const more = evidence === undefined ? {} : { evidence };
  const { digest, startedAt, durationMs } = facts;
  const written = acceptanceReport({ ref: spec.ref, image, digest, platform, lane, pinned, ...found, startedAt, durationMs, ...more, log }, checks);
  await writeReport(reportsDir, written, failed ? plainText(logs) : null);
  return written;
};

/**
 * Puts an image to the test: runs it as isolated as this machine can, proves that its network is blocked, checks every rule of the contract
 * and the processor's own cases, and writes the report (JSON, JUnit XML, and the log if a check failed). A failed check is a verdict in the
 * report, and no exception. Everything that was started is stopped, and nothing is left but the report and the cache.
 * @throws ERR_PIN_UNVERIFIED if the pin of a platform names an index, ERR_EGRESS_OPEN if the lane demands a blocked network and the probe does
 * not prove it, ERR_RUNTIME_UNAVAILABLE, ERR_PLATFORM_UNRUNNABLE, ERR_ACCEPTANCE_CASE_INVALID, ERR_LAYER_UNSAFE, ERR_CANCELLED and whatever
 * the source throws
 */
export const acceptImage = async (options: AcceptOptions): Promise<AcceptanceReport> => {
  try {
    return await accept(options);
  } catch (error) {
    if (options.signal?.aborted && !isPinlaneError(error, 'ERR_CANCELLED'))
      return fail('ERR_CANCELLED', `the acceptance of ${slugOf(options.spec.ref)} was interrupted`, { cause: error });
    throw error;
  }
};

const accept = async (options: AcceptOptions): Promise<AcceptanceReport> => {
  const { spec, platform, lane, progress, signal, runtimes } = options;
  const [startedAt, begun] = [new Date(), performance.now()];
  await clearReport(options.reportsDir, platform);
  const files = await readCases(options.casesDir, options.workspaceRoot);
  const runtime = await chooseRuntime(options.runtime, { lane, progress, signal, ...(runtimes === undefined ? {} : { runtimes }) });
  progress(`unpacking ${shortDigest(options.digest)}`);
  const image = await readImageUnderTest(options);
  progress(`running ${shortDigest(image.digest)} in ${runtime.name}`);

  const folder = await makeRunFolder(options.workDir ?? tmpdir(), 'pinlane-accept-', signal);
  const start: Start = { runtime, image, spec, lane, folder, signal };
  let ordinary: Promise<RunningProcessor> | undefined;
  try {
    signal?.throwIfAborted();
    ordinary = startVariant(start, ORDINARY);
    const findings = await ordinary.then((running) => examine(start, running, files, progress)).catch((error: unknown) => brokenFindings(runtime.name, error));
    signal?.throwIfAborted();
    return await report(options, findings, { digest: image.digest, startedAt, durationMs: Math.round(performance.now() - begun) });
  } finally {
    await ordinary?.then(
      (running) => running.stop(0),
      () => undefined,
    );
    await removeTree(folder, { signal }).catch(({ message }: Error) => {
      progress(`WARNING: ${folder} could not be removed: ${plainLine(message)}`);
    });
  }
};
