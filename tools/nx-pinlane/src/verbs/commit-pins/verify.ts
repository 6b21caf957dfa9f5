import { dirname, join } from 'node:path';
import { fail, isStoreReference, parsePinnedReference, PinlaneError, type Lane, type Problem } from '@pinlane/contracts';
import { parseSpec } from '@pinlane/pipeline';
import { auditPins, newAuditMemory, type AuditMemory } from '../../images/audit.ts';
import type { ImageLocations } from '../../images/locations.ts';
import { isBaseThere } from '../../images/published-base.ts';
import type { WrittenPins } from './gather.ts';

const verifyBase = async (root: string, { file, ours }: WrittenPins, locations: ImageLocations): Promise<void> => {
  const place = parsePinnedReference(ours['published'] ?? '');
  if (isStoreReference(place)) fail('ERR_PIN_LOCAL', '`published` names the local store', { file });
  const { readPinnable } = await import('@pinlane/base-node');
  const base = await readPinnable(dirname(join(root, file)));
  if (place.digest !== base.image.index) fail('ERR_PIN_UNVERIFIED', `\`published\` names ${place.digest}, and the lock makes ${base.image.index}`, { file });
  if (!(await isBaseThere(base, place, locations))) fail('ERR_PIN_UNVERIFIED', `${place.digest} is not there, or not whole`, { file });
};

const verifySpec = async ({ file, text }: WrittenPins, lane: Lane, locations: ImageLocations, memory: AuditMemory): Promise<void> => {
  const { entry } = await auditPins(parseSpec(text, { file }).spec, { file, lane }, locations, memory);
  const problems = entry.findings.map(({ pin, code, message }): Problem => ({ code, message: pin === null ? message : `${pin}: ${message}`, file }));
  if (problems.length > 0) throw new PinlaneError(problems as [Problem, ...Problem[]]);
};

/** Makes sure that everything pinned is in a registry, whole, and what it is pinned for. @throws ERR_PIN_LOCAL, ERR_PIN_UNVERIFIED and what keeps a pin from being looked at */
export const verifyWritten = async (root: string, written: readonly WrittenPins[], lane: Lane, locations: ImageLocations): Promise<void> => {
  const memory = newAuditMemory();
  for (const each of written) {
    locations.access.progress?.(`verifying the pins of ${each.name}`);
    await (each.kind === 'registry.yaml' ? verifySpec(each, lane, locations, memory) : verifyBase(root, each, locations));
  }
};
