import type { Problem } from '@pinlane/contracts';

/** Matches the names of secrets, in capitals with `_` between words. Some words tell a secret anywhere in a name, others only at its end. */
const SECRET_NAME =
  /(?:^|_)(?:API_?KEY|ACCESS_KEY|PRIVATE_?KEY|SECRETS?|TOKEN|PASSWORDS?|PASSWD|PASSPHRASE|CREDENTIALS?)(?:_|$)|(?:PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|APIKEY)$|(?:^|_)(?:PASS|PAT|JWT|AUTH|(?:API|AUTH|ACCESS|REFRESH)_TOKENS)$|(?<!(?:^|_)PUBLIC)_KEYS?$/;

/** Matches keys and tokens of known services anywhere in a value, by the prefixes that make them recognisable. */
const SECRET_VALUE = new RegExp(
  [
    /(?<![A-Za-z0-9])(?:sk-[\w-]{16,}|r8_\w{20,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|npm_\w{30,}|hf_\w{30,}|AIza[\w-]{35}|A[KS]IA[0-9A-Z]{16}|xox[abprs]-[\w-]{10,})/,
    /(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+/,
    /\bBearer\s+[\w.~+/=-]{8,}/,
    /:\/\/[^\s/:@]*:[^\s/@]+@/,
    /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  ]
    .map(({ source }) => source)
    .join('|'),
);

/** The least length of a secret's value that is looked for: a shorter one would be found by chance. */
const SHORTEST = 8;

const asWords = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase();

/** Whether a variable's name is that of a secret, in whatever spelling: NPM_TOKEN, npmToken, npm-token. */
export const namesSecret = (name: string): boolean => SECRET_NAME.test(asWords(name));

/**
 * A problem for each build argument that looks like a secret: it would be readable in the image's history and provenance. Messages show no value.
 * @param values of secrets that are known; no argument may contain one
 */
export const secretBuildArgs = (
  buildArgs: Readonly<Record<string, string>>,
  secrets: { readonly required: readonly string[]; readonly optional: readonly string[] },
  values: readonly string[] = [],
): Problem[] => {
  const known = values.filter((value) => value.length >= SHORTEST);
  const declared = new Set([...secrets.required, ...secrets.optional]);
  return Object.entries(buildArgs)
    .filter(([name, value]) => declared.has(name) || namesSecret(name) || SECRET_VALUE.test(value) || known.some((secret) => value.includes(secret)))
    .map(([name]) => ({ code: 'ERR_SECRET_IN_BUILD_ARG', message: `the build argument ${name} looks like a secret` }));
};
