import { PinlaneError, PLATFORMS, type Digest, type Problem } from '@pinlane/contracts';
import { checkPins, isVerdictOnPin, type PinState } from '@pinlane/pipeline';
import type { BuildSettings } from '../workspace/settings.ts';
import type { SpecFile } from '../workspace/spec-file.ts';
import { auditPins, type AuditMemory } from './audit.ts';
import type { ImageLocations } from './locations.ts';

/** Whether pins answer for a source, and peculiarities of them that are no faults. */
export interface PinAnswer extends PinState {
  readonly remarks: readonly string[];
}

/**
 * Asks whether the pins of a spec are those of a source: registry.yaml says so, every pinned image is there whole, and each says so itself. Of an image
 * in a registry manifests and configs are read, and its layers asked for. Nothing is written.
 * @throws what could not be found out
 */
export const askPins = async (
  { spec, file }: SpecFile,
  fingerprint: Digest,
  { lane, platforms }: Pick<BuildSettings, 'lane' | 'platforms'>,
  locations: ImageLocations,
  memory?: AuditMemory,
): Promise<PinAnswer> => {
  const { entry, images } = await auditPins(spec, { file, lane }, locations, memory);
  const [unknown, ...more] = entry.findings.filter((finding) => !isVerdictOnPin(finding));
  if (unknown) throw new PinlaneError([unknown, ...more].map(({ code, message }) => ({ code, message, file })) as [Problem, ...Problem[]]);
  const wanted = platforms.length > 0 ? platforms : PLATFORMS;
  return { ...checkPins(spec, { fingerprint, platforms: wanted, findings: entry.findings, images }), remarks: entry.remarks };
};
