import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { chooseRuntime, isEmulated, makeRunFolder, probeEgress, userOf } from '@pinlane/adapters';
import {
  fail,
  isPinlaneError,
  LANE_TABLE,
  MAX_BODY_BYTES,
  PROCESSOR_ENV,
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
import { readCases } from './cases/read.ts';
import { exampleParams, runCases } from './cases/run.ts';
import { brokenFindings, type Findings } from './findings.ts';
import { acceptanceReport } from './report/report.ts';
import { clearReport, reportFiles, writeReport } from './report/write.ts';
import { runnableImage } from './runnable-image.ts';
import { runConformance } from './run-conformance.ts';
import { explained } from './subject/explained.ts';
import { ORDINARY, type Variant } from './subject/subject.ts';

export interface AcceptOptions {
  readonly spec: ProcessorSpec;
  readonly source: ContentSource;
  /** The image: an index or a platform manifest; a pin is the latter. */
  readonly digest: Digest;
  readonly platform: Platform;
  /** The image as it is named in the report. */
  readonly image: PinnedReference;
  readonly lane: Lane;
  /** Whether the digest is the one pinned in registry.yaml, rather than the working tree's. */
  readonly pinned: boolean;
  readonly runtime: 'auto' | RuntimeName;
  /** The folder of the processor's own cases. */
  readonly casesDir: string;
  /** Where unpacked images are kept. */
  readonly cacheDir: string;
  /** Where the report's files go. */
  readonly reportsDir: string;
  /** What paths in the report are relative to. */
  readonly workspaceRoot: string;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  /** What is attached to the digest already, for the report to tell. */
  readonly evidence?: EvidenceFound | undefined;
  /** Runtimes to choose from; the machine's own where absent. */
  readonly runtimes?: readonly Runtime[];
}

const START_TIMEOUT_MS = 30_000;
/** QEMU runs what starts a processor several times as slowly. */
const EMULATED_START_TIMEOUT_MS = 180_000;
/** More than a processor should need, few enough that one that forks without end harms nobody. */
const PIDS = 512;

/** Starts the image in its variants, each with a folder of its own. */
const starter = (options: AcceptOptions, runtime: Runtime, image: RunnableImage, folder: string) => {
  const { spec, lane, signal } = options;
  return async (variant: Variant): Promise<RunningProcessor> => {
    // The artifacts root has a folder around it, in which it shows when something was written beside it.
    const around = await mkdtemp(join(folder, `${variant.name}-`));
    const artifacts = join(around, 'artifacts');
    await mkdir(artifacts);
    const specFile = 'registry.yaml';
    if (variant.spec !== null) await writeFile(join(artifacts, specFile), JSON.stringify(variant.spec));
    const running = await runtime.start({
      image,
      limits: { cpus: spec.runtime.cpu, memoryBytes: Math.round(spec.runtime.memory_gb * 2 ** 30), pids: PIDS },
      env: {
        ...variant.secrets,
        [PROCESSOR_ENV.environment]: lane,
        ...(variant.digest ? { [PROCESSOR_ENV.imageDigest]: image.digest } : {}),
        ...(variant.spec === null ? {} : { [PROCESSOR_ENV.spec]: `${runtime.artifactsRootOf(artifacts)}/${specFile}` }),
      },
      port: spec.build.port,
      artifacts,
      until: variant.until,
      startTimeoutMs: isEmulated(image.platform) ? EMULATED_START_TIMEOUT_MS : START_TIMEOUT_MS,
      ...(signal === undefined ? {} : { signal }),
    });
    return explained(running);
  };
};

/**
 * Puts an image to the test: runs it as isolated as this machine can, proves that its network is blocked, checks
 * every rule of the contract and the processor's own cases, and writes the report (JSON, JUnit XML, and the log where
 * something failed). A failed check is a verdict in the report and no exception. Whatever was started is stopped, and
 * whatever was made beside the report and the cache is removed.
 * @throws ERR_PIN_UNVERIFIED where an index is pinned for a platform, ERR_EGRESS_OPEN where the lane demands a blocked network and it is not proven, ERR_RUNTIME_UNAVAILABLE,
 * ERR_PLATFORM_UNRUNNABLE, ERR_ACCEPTANCE_CASE_INVALID, ERR_LAYER_UNSAFE, ERR_CANCELLED and whatever the source throws
 */
export const acceptImage = async (options: AcceptOptions): Promise<AcceptanceReport> => {
  const { spec, platform, lane, progress, signal } = options;
  const startedAt = new Date();
  const begun = performance.now();
  const slug = slugOf(spec.ref);
  await clearReport(options.reportsDir, platform);
  const files = await readCases(options.casesDir);
  const runtime = await chooseRuntime(options.runtime, { lane, progress, ...(options.runtimes === undefined ? {} : { runtimes: options.runtimes }) });
  const image = await runnableImage(options.source, options.digest, { name: slug, platform, cacheDir: options.cacheDir });
  const { digest } = image;
  if (options.pinned && digest !== options.digest)
    fail('ERR_PIN_UNVERIFIED', `${shortDigest(options.digest)} is an index, and the manifest for ${platform} is to be pinned there`, {
      fix: 'Pin it anew: nx run <processor>:pin.',
    });
  progress(`${slug}: running ${shortDigest(digest)} in ${runtime.name}`);

  const folder = await makeRunFolder(tmpdir(), 'pinlane-accept-');
  const start = starter(options, runtime, image, folder);
  let running: RunningProcessor | undefined;
  const examine = async (): Promise<Findings> => {
    running = await start(ORDINARY);
    const egress = await probeEgress(running);
    const isolationRequired = LANE_TABLE[lane].egress === 'blocked';
    if (isolationRequired && !egress.blocked) fail('ERR_EGRESS_OPEN', `lane ${lane} demands a blocked network: ${egress.reasons.join('; ')}`);
    const isolation = { ...running.isolation, network: egress.blocked ? ('blocked' as const) : ('open' as const) };
    const { uid } = await userOf(image);
    const subject = {
      spec,
      digest,
      uid,
      environment: lane,
      isolation,
      egress,
      isolationRequired,
      maxBodyBytes: MAX_BODY_BYTES,
      params: exampleParams(files, spec),
      running,
      start,
    };
    const checks = [...(await runConformance(subject, undefined, signal)), ...(await runCases(running, spec, files, signal))];
    return { isolation, healthyAfterMs: running.healthyAfterMs, checks, logs: running.logs() };
  };
  try {
    signal?.throwIfAborted();
    const { checks, logs, ...found } = await examine().catch((error: unknown) => brokenFindings(runtime.name, error));
    const failed = checks.some(({ outcome }) => outcome === 'failed');
    const report = acceptanceReport(
      {
        ref: spec.ref,
        image: options.image,
        digest,
        platform,
        lane,
        pinned: options.pinned,
        ...found,
        startedAt,
        durationMs: Math.round(performance.now() - begun),
        ...(options.evidence === undefined ? {} : { evidence: options.evidence }),
        log: failed ? relative(options.workspaceRoot, reportFiles(options.reportsDir, platform).log) : null,
      },
      checks,
    );
    await writeReport(options.reportsDir, report, failed ? logs : null);
    return report;
  } catch (error) {
    if (signal?.aborted && !isPinlaneError(error)) return fail('ERR_CANCELLED', `the acceptance of ${slug} was interrupted`);
    throw error;
  } finally {
    await running?.stop(0);
    await rm(folder, { recursive: true, force: true });
  }
};
