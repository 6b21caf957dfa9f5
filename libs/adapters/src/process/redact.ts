const HIDDEN = '[redacted]';
// A shorter value would be found by chance in ordinary words.
const MIN_LENGTH = 4;

const SECRET_OPTION = /^(--?(?:password|passwd|token|secret|api-?key|auth)[\w-]*)(=.*)?$/i;

/** Hides the given values, credentials in URLs and authorization headers in any text. */
export const redactText = (text: string, secrets: readonly string[] = []): string => {
  const values = secrets.filter((secret) => secret.length >= MIN_LENGTH).sort((a, b) => b.length - a.length);
  const hidden = values.reduce((rest, value) => rest.replaceAll(value, HIDDEN), text);
  return hidden
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, `$1${HIDDEN}@`)
    .replace(/((?:authorization|x-api-key)["']?\s*[:=]\s*["']?)(?:(?:bearer|basic)\s+)?[^\s"',]+/gi, `$1${HIDDEN}`)
    .replace(/([?&](?:token|password|secret|signature|api_?key|access_token)=)[^&\s]+/gi, `$1${HIDDEN}`);
};

/** A command line for a message: quoted as far as that helps to read it, with the values of secret options and variables hidden. */
export const describeCommand = (command: string, args: readonly string[], secrets: readonly string[] = []): string => {
  const shown = args.map((arg, at) => {
    const option = SECRET_OPTION.exec(arg);
    if (option?.[2] !== undefined) return `${option[1]}=${HIDDEN}`;
    const previous = args[at - 1];
    return previous !== undefined && SECRET_OPTION.exec(previous)?.[2] === undefined && SECRET_OPTION.test(previous) ? HIDDEN : arg;
  });
  const words = [command, ...shown].map((word) => (/^[\w@%+=:,./[\]-]+$/.test(word) ? word : JSON.stringify(word)));
  return redactText(words.join(' '), secrets);
};
