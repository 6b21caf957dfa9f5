import { inParallel } from '@pinlane/oci';
import { asPinlaneError, EXIT, formatProblem, isPinlaneError, type Lane, type PinAudit, type PinAuditEntry } from '@pinlane/contracts';
import { pinAudit, renderPinAudit } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { auditPins, newAuditMemory, type AuditMemory } from '../../images/audit.ts';
import { openLocations, type ImageLocations } from '../../images/locations.ts';
import { writeOwnFile } from '../../workspace/own-file.ts';
import { workspacePaths, type WorkspacePaths } from '../../workspace/paths.ts';
import { insecureRegistries, resolveLane } from '../../workspace/settings.ts';
import { readSpecFile } from '../../workspace/spec-file.ts';
import { specFiles } from '../../workspace/spec-files.ts';
import type { VerifyPinsOptions } from './options.ts';

/** The pins of one file; one that can't be read, or be looked into for whatever reason, may hide pins, so nobody can tell. */
const auditFile = async (root: string, file: string, lane: Lane, locations: ImageLocations, memory: AuditMemory): Promise<PinAuditEntry> => {
  try {
    const { spec } = await readSpecFile(root, file);
    return (await auditPins(spec, { file, lane }, locations, memory)).entry;
  } catch (thrown) {
    if (locations.access.signal?.aborted || isPinlaneError(thrown, 'ERR_CANCELLED')) throw thrown;
    const findings = asPinlaneError(thrown).problems.map(({ code, message }) => ({ pin: null, code, message }));
    return { file, ref: null, outcome: 'unknown', pins: {}, findings, remarks: [] };
  }
};

const EXIT_CODES = { good: EXIT.good, bad: EXIT.verdict, unknown: EXIT.error };

/** Whether the report could be written. If not, `note` tells why, and the verdict is told all the same. */
const writeReport = async (audit: PinAudit, { pinAudit: path, temporary }: WorkspacePaths, note: VerbContext['note']): Promise<boolean> => {
  try {
    await writeOwnFile(path, audit, temporary);
    return true;
  } catch (thrown) {
    asPinlaneError(thrown, { file: path }).problems.forEach((problem) => note(formatProblem(problem)));
    return false;
  }
};

/**
 * Looks at every pin of the workspace, so many processors at a time, and writes the PinAudit beside the other reports. A bad pin is a
 * verdict: exit code 2. If anything could not be found out it is 1.
 * @throws ERR_OPTION_INVALID, ERR_LANE_UNKNOWN
 */
export const verifyPins = async ({ concurrency, ...options }: VerifyPinsOptions, context: VerbContext): Promise<VerbOutcome<PinAudit>> => {
  const { root, env, signal, progress, note, patience } = context;
  const lane = resolveLane(options.lane, env);
  const paths = workspacePaths(root, lane);
  const locations = openLocations(paths, { insecureRegistries: insecureRegistries(options.insecureRegistry, env), signal, progress, patience });
  const memory = newAuditMemory();
  const files = specFiles(root);
  const entries = new Map<string, PinAuditEntry>();
  await inParallel(files, concurrency, async (file) => {
    signal.throwIfAborted();
    entries.set(file, await auditFile(root, file, lane, locations, memory));
    progress(`${entries.size} of ${files.length}: ${file}`);
  });
  const audit = pinAudit(
    lane,
    files.map((file) => entries.get(file)!),
  );
  const written = await writeReport(audit, paths, note);
  return { document: audit, lines: [renderPinAudit(audit)], exitCode: written ? EXIT_CODES[audit.verdict] : EXIT.error };
};
