import { join } from 'node:path';
import { writeFileAtomic } from '@pinlane/adapters';
import { EXIT, type PinAuditEntry } from '@pinlane/contracts';
import { inParallel, openStore } from '@pinlane/oci';
import { parseSpec, pinAudit, renderPinAudit } from '@pinlane/pipeline';
import type { OptionsOf } from '../options/index.ts';
import type { FlowContext, FlowOutcome } from '../shell/flow.ts';
import { auditPins, findingsOf, type AuditSite } from './audit-pins.ts';
import { workspacePaths } from './paths.ts';
import { readExactText } from './prepare.ts';
import { specFiles } from './spec-files.ts';
import { insecureRegistries, resolveLane } from './settings.ts';

/** The pins of one file; one that can't be read may hide pins, so nobody can tell. */
const auditFile = async (root: string, file: string, site: AuditSite): Promise<PinAuditEntry> => {
  try {
    const { spec } = parseSpec(await readExactText(join(root, file), file), { file });
    return await auditPins(spec, file, site);
  } catch (thrown) {
    return { file, ref: null, outcome: 'unknown', pins: {}, findings: findingsOf(null, thrown), remarks: [] };
  }
};

/**
 * Looks at every pin of the workspace, so many processors at a time, and writes the PinAudit beside the other reports. A bad pin is a
 * verdict: exit code 2. Where anything could not be found out it is 1.
 * @throws ERR_OPTION_INVALID, ERR_LANE_UNKNOWN
 */
export const verifyPins = async ({ concurrency, ...options }: OptionsOf<'verify-pins'>, context: FlowContext): Promise<FlowOutcome> => {
  const { root, env, signal, progress } = context;
  const lane = resolveLane(options.lane, env);
  const paths = workspacePaths(root, lane);
  const access = { insecureRegistries: insecureRegistries(options.insecureRegistry, env), signal };
  const site: AuditSite = { store: openStore(paths.store), access, lane, hashed: new Set(), silent: new Map() };
  const files = specFiles(root);
  const entries = new Map<string, PinAuditEntry>();
  await inParallel(files, concurrency, async (file) => {
    signal.throwIfAborted();
    entries.set(file, await auditFile(root, file, site));
    progress(`${entries.size} of ${files.length}: ${file}`);
  });
  const audit = pinAudit(
    lane,
    files.map((file) => entries.get(file)!),
  );
  await writeFileAtomic(paths.pinAudit, `${JSON.stringify(audit, null, 2)}\n`, { temporaryFolder: paths.temporary });
  return { document: audit, lines: [renderPinAudit(audit)], exitCode: { good: EXIT.good, bad: EXIT.verdict, unknown: EXIT.error }[audit.verdict] };
};
