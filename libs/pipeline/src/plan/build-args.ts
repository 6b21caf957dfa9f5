import type { Problem } from '@pinlane/contracts';

const SECRET_NAME = /(?:^|_)(?:API_?KEY|SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIALS?|PRIVATE_?KEY)(?:_|$)|(?<!(?:^|_)PUBLIC)_KEY$/i;
const SECRET_VALUE =
  /^(?:sk-[A-Za-z0-9_-]{16,}|r8_[A-Za-z0-9]{20,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|AKIA[0-9A-Z]{16}|xox[abprs]-[\w-]{10,})$|-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** A shorter value would be found by chance. */
const SHORTEST = 8;

/** Whether a variable's name is that of a secret. */
export const namesSecret = (name: string): boolean => SECRET_NAME.test(name);

/** Build arguments that look like secrets: they would be readable in the image's history and provenance. Values are never shown. */
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
