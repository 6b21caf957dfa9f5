import { EXIT, formatProblem, PinlaneError, PLATFORMS, type PinReport, type Problem } from '@pinlane/contracts';
import { checkPins, isVerdictOnPin, pinReport, renderPinReport } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { auditPins } from '../../images/audit.ts';
import { readBuildInputs } from '../../images/build-inputs.ts';
import type { ImageLocations } from '../../images/locations.ts';
import type { BuildSettings } from '../../workspace/settings.ts';
import type { SpecFile } from '../../workspace/spec-file.ts';

/** Tells whether source and pins have parted, or a pin is not what it should be. Nothing is built and nothing is written. @throws what could not be found out */
export const check = async (specFile: SpecFile, settings: BuildSettings, locations: ImageLocations, context: VerbContext): Promise<VerbOutcome<PinReport>> => {
  const { spec, file } = specFile;
  const { fingerprint } = await readBuildInputs(specFile, settings, locations, context);
  const { findings, remarks } = await auditPins(spec, { file, lane: settings.lane }, locations);
  const [unknown, ...more] = findings.filter((finding) => !isVerdictOnPin(finding));
  if (unknown) throw new PinlaneError([unknown, ...more].map(({ code, message }) => ({ code, message, file })) as [Problem, ...Problem[]]);
  const platforms = settings.platforms.length > 0 ? settings.platforms : PLATFORMS;
  const { outcome, reasons } = checkPins(spec, { fingerprint, platforms, findings });
  const report = pinReport(spec, spec, { file, outcome, reasons });
  const lines = [renderPinReport(report), ...remarks.map((remark) => `  remark: ${remark}`)];
  if (outcome === 'current') return { document: report, lines, exitCode: EXIT.good };
  const problem = formatProblem({ code: 'ERR_PIN_STALE', file, message: reasons.join('; ') });
  return { document: report, lines: [...lines, problem], exitCode: EXIT.verdict };
};
