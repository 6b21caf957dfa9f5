import canonicalize from 'canonicalize';
import { parse } from 'yaml';

/** A file that differs between two commits; null where it is absent. */
export interface ChangedFile {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** The content of a registry.yaml without its pins, or null where it can't be read: then it counts as changed. */
const withoutImage = (text: string): string | null => {
  try {
    const { image: _, ...rest } = parse(text, { maxAliasCount: 0, logLevel: 'silent' }) as Record<string, unknown>;
    return canonicalize(rest) ?? null;
  } catch {
    return null;
  }
};

const onlyPinsMoved = ({ path, before, after }: ChangedFile): boolean => {
  if (!/(?:^|\/)registry\.yaml$/.test(path) || before === null || after === null) return false;
  const projection = withoutImage(before);
  return projection !== null && projection === withoutImage(after);
};

/** The paths to hand to `nx affected --files`: every changed file that is still there, but for registry.yaml files of which only the pins moved. */
export const filesForAffected = (changes: readonly ChangedFile[]): string[] =>
  changes.filter((change) => change.after !== null && !onlyPinsMoved(change)).map(({ path }) => path);
