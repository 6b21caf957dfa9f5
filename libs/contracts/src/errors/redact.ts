const HIDDEN = '[redacted]';
// A shorter value would be found by chance in ordinary words.
const MIN_LENGTH = 4;

// Behind the @ of a reference by digest and of a name with a version stands no host.
const HOST_FOLLOWS = '(?!sha256:|v?\\d+(?:\\.\\d+){0,2}(?![\\w.:]))';
// The lengths bound the time: each place where a match may begin is looked at no further.
const IN_ADDRESS = new RegExp(`(://)[^\\s/"'\`<>]{1,4096}@${HOST_FOLLOWS}`, 'gi');
const WITH_SLASHES = new RegExp(`(://)[^\\s/@:"'\`<>]{1,256}:(?!\\d{1,5}/)[^\\s"'\`<>]{1,4096}@${HOST_FOLLOWS}`, 'gi');
const BEFORE_HOST = new RegExp(`(^|[\\s"'\`=(,[\\]])[^\\s/@:"'\`=(,<>[\\]]{1,256}:[^\\s/@"'\`<>]{1,4096}@${HOST_FOLLOWS}(?=[\\w[])`, 'gim');

/** Hides the given values, logins in addresses (`//user:password@host`, `user:password@host`) and authorization headers in any text. */
export const redactText = (text: string, secrets: readonly string[] = []): string => {
  const values = secrets.filter((secret) => secret.length >= MIN_LENGTH).sort((a, b) => b.length - a.length);
  const hidden = values.reduce((rest, value) => rest.replaceAll(value, HIDDEN), text);
  const withoutLogins = hidden.includes('@')
    ? hidden.replace(IN_ADDRESS, `$1${HIDDEN}@`).replace(WITH_SLASHES, `$1${HIDDEN}@`).replace(BEFORE_HOST, `$1${HIDDEN}@`)
    : hidden;
  return withoutLogins
    .replace(/((?:authorization|x-api-key)["']?\s*[:=]\s*["']?)(?:(?:bearer|basic)\s+)?[^\s"',]+/gi, `$1${HIDDEN}`)
    .replace(/([?&](?:token|password|secret|signature|api_?key|access_token)=)[^&\s]+/gi, `$1${HIDDEN}`);
};

/** The login that one value holds before the @ of a host; what a person types may have any character in its password. */
const LOGIN = new RegExp(`^((?:[^/:@]*://)?)([^/:@]*:)(?!\\d{1,5}/)([^]*)@${HOST_FOLLOWS}`, 'i');

/** The passwords in values that were typed, as they may come back in a message, also within JSON. */
export const typedPasswords = (values: readonly string[]): string[] =>
  values.flatMap((value) => {
    const password = LOGIN.exec(value)?.[3] ?? '';
    return password === '' ? [] : [password, JSON.stringify(password).slice(1, -1)];
  });

/** A value that somebody typed, for a message: in quotes, without a login, and no longer than `most` characters. */
export const quoted = (value: unknown, most = 100): string => JSON.stringify(redactText(String(value).replace(LOGIN, `$1${HIDDEN}@`)).slice(0, most));
