import { asPinlaneError, parsePinnedReference, PIN_NAMES, refSchema, type PinName, type Ref } from '@pinlane/contracts';
import { pinValues, type PinValues } from '../pin/pin-values.ts';
import { parseYaml } from '../spec/syntax.ts';

/** What a registry.yaml of any commit pins. */
export interface LanePins {
  readonly ref: Ref;
  /** Everything that belongs to its pins, to be compared with others. */
  readonly values: PinValues;
  /** The references to images. */
  readonly pins: Partial<Record<PinName, string>>;
}

const pathOf = (name: PinName): string => (name === 'index' ? 'image.index' : `image.platforms.${name}`);

/**
 * Reads the pins of a registry.yaml that may be of any time: what else is in it need not be valid any more.
 * @returns its pins, or why they can't be told
 */
export const readLanePins = (text: string, file: string): LanePins | { readonly reason: string } => {
  try {
    const { data: ref } = refSchema.safeParse(parseYaml(text, file).document.get('ref'));
    if (ref === undefined) return { reason: 'it has no ref' };
    const values = pinValues(text, file, 'registry.yaml');
    const pins = PIN_NAMES.flatMap((name) => {
      const value = values[pathOf(name)] ?? null;
      if (value === null) return [];
      parsePinnedReference(value);
      return [[name, value] as const];
    });
    return { ref, values, pins: Object.fromEntries(pins) };
  } catch (thrown) {
    return { reason: asPinlaneError(thrown).problems[0]?.message ?? 'it can not be read' };
  }
};
