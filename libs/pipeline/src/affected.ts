import canonicalize from 'canonicalize';
import { isPinlaneError } from '@pinlane/contracts';
import { parseYaml } from './registry/syntax.ts';

/** A file that differs between two commits; null where it is absent. */
export interface ChangedFile {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** The content of a registry.yaml without its pins, or null where it can't be read: then it counts as changed. */
const withoutImage = (text: string, file: string): string | null => {
  try {
    const { image: _, ...rest } = parseYaml(text, file).document.toJS({ maxAliasCount: 0 }) as Record<string, unknown>;
    return canonicalize(rest) ?? null;
  } catch (error) {
    if (!isPinlaneError(error)) throw error;
    return null;
  }
};

const onlyPinsMoved = ({ path, before, after }: ChangedFile): boolean => {
  if (!/(?:^|\/)registry\.yaml$/.test(path) || before === null || after === null) return false;
  const projection = withoutImage(before, path);
  return projection !== null && projection === withoutImage(after, path);
};

/** The paths to hand to `nx affected --files`: every changed file that is still there, but for registry.yaml files of which only the pins moved. */
export const filesForAffected = (changes: readonly ChangedFile[]): string[] =>
  changes.filter((change) => change.after !== null && !onlyPinsMoved(change)).map(({ path }) => path);
