/** One kind of authentication that a registry accepts, from its answer 401 (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = new RegExp(`^(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))`);
const SCHEME = new RegExp(`^(${TOKEN})(?:[ \\t]+|$)`);

/** Parses a WWW-Authenticate header, which may hold several challenges. The list ends at the first part that does not fit the grammar. */
export const parseChallenges = (header: string): Challenge[] => {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  for (let rest = header.replace(/^[\s,]+/, ''); rest !== ''; rest = rest.replace(/^[\s,]+/, '')) {
    const parameter = challenges.length > 0 ? PARAMETER.exec(rest) : null;
    const match = parameter ?? SCHEME.exec(rest);
    if (!match) break;
    if (parameter) challenges.at(-1)!.parameters[parameter[1]!.toLowerCase()] = parameter[2]?.replace(/\\(.)/g, '$1') ?? parameter[3] ?? '';
    else challenges.push({ scheme: match[1]!.toLowerCase(), parameters: Object.create(null) as Record<string, string> });
    rest = rest.slice(match[0].length);
  }
  return challenges;
};
