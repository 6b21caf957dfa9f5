import { EXIT, formatProblem, type PinReport } from '@pinlane/contracts';
import { isOpenEnded, pinReport, renderPinReport } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { readBuildInputs } from '../../images/build-inputs.ts';
import type { BuildRequested } from '../../images/build-request.ts';
import type { ImageLocations } from '../../images/locations.ts';
import { askPins } from '../../images/pin-answer.ts';
import type { BuildSettings } from '../../workspace/settings.ts';
import type { SpecFile } from '../../workspace/spec-file.ts';

/** Tells whether source and pins have parted, or a pin is not what it should be. Nothing is built and nothing is written. @throws what could not be found out */
export const check = async (
  specFile: SpecFile,
  requested: BuildRequested,
  settings: BuildSettings,
  locations: ImageLocations,
  context: VerbContext,
): Promise<VerbOutcome<PinReport>> => {
  const { spec, file } = specFile;
  const { fingerprint } = await readBuildInputs(specFile, settings, locations, context, requested);
  const { outcome, reasons, remarks } = await context.waiting(() => askPins(specFile, fingerprint, settings, locations));
  const report = pinReport(spec, spec, { file, outcome, reasons });
  const open = isOpenEnded(requested.request) ? ['a build context is named without a digest: what is in it is not compared'] : [];
  const lines = [renderPinReport(report), ...[...remarks, ...open].map((remark) => `  remark: ${remark}`)];
  if (outcome === 'current') return { document: report, lines, exitCode: EXIT.good };
  const problem = formatProblem({ code: 'ERR_PIN_STALE', file, message: reasons.join('; ') });
  return { document: report, lines: [...lines, problem], exitCode: EXIT.verdict };
};
