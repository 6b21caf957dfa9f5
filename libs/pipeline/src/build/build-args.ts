import type { Problem } from '@pinlane/contracts';

/** Words that tell a secret at the end of a name, in capitals with `_` between words. */
const ENDING = [
  /(?:^|_)(?:API|ACCESS|PRIVATE|SECRET|SIGNING|ENCRYPTION|DEPLOY|SSH|MASTER|LICENSE)_?KEYS?(?:_ID)?$/,
  /(?:^|_)(?:API|AUTH|ACCESS|REFRESH)_TOKENS$/,
  /(?:^|_)(?:SECRETS?|PASSWORDS|CREDENTIALS?|PASS|PAT|JWT|AUTH)$/,
  /(?:PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|APIKEY)$/,
];

/** What may stand behind such words: which one it is, and in which form. */
const QUALIFIER = /(?:_(?:STAGING|PROD|PRODUCTION|DEV|TEST|CI|LOCAL|MAIN|VALUE|STRING|BASE64|B64|\d+))+$/;

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

/** What no secret is: nothing, or whether something is switched on. */
const HARMLESS_VALUE = /^(?:true|false|yes|no|on|off|0|1|none|null)?$/i;

/** The least length of a secret's value that is looked for: a shorter one would be found by chance. */
const SHORTEST = 8;

const asWords = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase();

/** Names that were looked at: all processors of a run are asked about the same environment, which may have hundreds. */
const lookedAt = new Map<string, boolean>();

/**
 * Whether a variable's name is that of a secret, in whatever spelling: NPM_TOKEN, npmToken, npm-token. Its last words tell: TOKEN_LIMIT, PASSWORD_FILE and
 * CACHE_KEY are names of other things.
 */
export const namesSecret = (name: string): boolean => {
  const known = lookedAt.get(name);
  if (known !== undefined) return known;
  const words = asWords(name).replace(QUALIFIER, '');
  const is = ENDING.some((ending) => ending.test(words));
  lookedAt.set(name, is);
  return is;
};

const FIXES = {
  known: 'Hand it to the processor when it runs, as one of secrets in registry.yaml. Nothing overrules this: the value is that of a secret.',
  likely: 'Hand it to the processor when it runs, as one of secrets in registry.yaml; or, if it is no secret, name it in build.public_args there.',
};

/** What is known of secrets: the names that registry.yaml declares, and values. */
export interface KnownSecrets {
  readonly declared: readonly string[];
  readonly values: readonly string[];
}

/**
 * A problem for each build argument that is a secret, or looks like one: it would be readable in the image's history and provenance. Messages show no
 * value. What only looks like one is taken if `publicArgs` names it; the value of a known secret never is.
 */
export const secretBuildArgs = (buildArgs: Readonly<Record<string, string>>, { declared, values }: KnownSecrets, publicArgs: readonly string[]): Problem[] => {
  const known = values.filter((value) => value.length >= SHORTEST);
  return Object.entries(buildArgs).flatMap(([name, value]): Problem[] => {
    const problem = (why: string, fix: string): Problem[] => [
      { code: 'ERR_SECRET_IN_BUILD_ARG', message: `the build argument ${name} looks like a secret: ${why}`, fix },
    ];
    if (declared.includes(name)) return problem('registry.yaml names it in secrets', FIXES.known);
    if (known.some((secret) => value.includes(secret))) return problem('the value of one is in it', FIXES.known);
    if (publicArgs.includes(name)) return [];
    if (SECRET_VALUE.test(value)) return problem('its value has the form of one', FIXES.likely);
    return namesSecret(name) && !HARMLESS_VALUE.test(value) ? problem('its name is that of one', FIXES.likely) : [];
  });
};
