import { architectureOf, fail, type Platform, type SourcePlace } from '@pinlane/contracts';
import { expandText, ExpansionError, expandWord, type Lookup } from './expand.ts';
import type { ArgInstruction, ParsedDockerfile } from './model.ts';

/**
 * The platform that BUILDPLATFORM names, on every machine. Nothing runs during a build, so it matters only for the platform of a base that files
 * are taken from. If it were the machine's own, the digest would change with the machine; if it were the first of a list, with the list.
 */
export const BUILD_PLATFORM: Platform = 'linux/amd64';

const platformArguments = (prefix: 'TARGET' | 'BUILD', platform: Platform): Record<string, string> => ({
  [`${prefix}PLATFORM`]: platform,
  [`${prefix}OS`]: 'linux',
  [`${prefix}ARCH`]: architectureOf(platform),
  [`${prefix}VARIANT`]: '',
});

/** The arguments that every build has (Dockerfile reference, "Automatic platform ARGs in the global scope"). */
export const automaticArguments = (platform: Platform): Readonly<Record<string, string>> => ({
  ...platformArguments('TARGET', platform),
  ...platformArguments('BUILD', BUILD_PLATFORM),
  TARGETSTAGE: 'default',
});

/** Expands, and tells with the place what can't be expanded. */
const placed = (raw: string, place: SourcePlace, expand: () => string): string => {
  try {
    return expand();
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    const { file, line, column } = place;
    const at = { ...(file === undefined ? {} : { file }), ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
    return fail(error.unsupported ? 'ERR_DOCKERFILE_UNSUPPORTED' : 'ERR_DOCKERFILE_SYNTAX', `${raw.slice(0, 200)}: ${error.message}`, at);
  }
};

/** Expands a word that stands in a Dockerfile. @throws ERR_DOCKERFILE_SYNTAX, ERR_DOCKERFILE_UNSUPPORTED with the place */
export const expandAt = (raw: string, lookup: Lookup, escape: string, place: SourcePlace): string => placed(raw, place, () => expandWord(raw, lookup, escape));

/** Expands a here-document. @throws ERR_DOCKERFILE_SYNTAX, ERR_DOCKERFILE_UNSUPPORTED with the place */
export const expandTextAt = (text: string, lookup: Lookup, place: SourcePlace): string => placed(text, place, () => expandText(text, lookup));

/**
 * Adds the arguments that an ARG declares to the known ones. A given value counts first, then the one in the ARG, then the inherited one; without any
 * the argument stays unset.
 */
export const declareArguments = (
  instruction: ArgInstruction,
  known: Map<string, string>,
  { file, escape }: Pick<ParsedDockerfile, 'file' | 'escape'>,
  given: Readonly<Record<string, string>>,
  inherited: Lookup,
  lookup: Lookup = (name) => known.get(name),
): void => {
  for (const { name, value } of instruction.entries) {
    // The value in the ARG is not even looked at where one is given.
    const written = () =>
      value === undefined ? inherited(name) : expandAt(value, lookup, escape, { file, line: instruction.line, column: instruction.column });
    const final = Object.hasOwn(given, name) ? given[name] : written();
    if (final !== undefined) known.set(name, final);
  }
};

/** What FROM sees: the automatic arguments and the ARGs before the first FROM. */
export const globalArguments = (parsed: ParsedDockerfile, given: Readonly<Record<string, string>>, platform: Platform): ReadonlyMap<string, string> => {
  const known = new Map(Object.entries(automaticArguments(platform)));
  for (const name of known.keys()) if (Object.hasOwn(given, name)) known.set(name, given[name]!);
  for (const instruction of parsed.globals) declareArguments(instruction, known, parsed, given, (name) => known.get(name));
  return known;
};
