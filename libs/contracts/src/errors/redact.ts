const HIDDEN = '[redacted]';
// A shorter value would be found by chance in ordinary words.
const MIN_LENGTH = 4;

// Behind the @ of a reference by digest and of a name with a version stands no host.
const NO_HOST = 'sha256:|v?\\d+(?:\\.\\d+){0,2}(?![\\w.:])';
const HOST_FOLLOWS = `(?!${NO_HOST})`;
const HOSTLESS = new RegExp(NO_HOST, 'iy');

const isBeforeHost = (word: string, at: number): boolean => {
  HOSTLESS.lastIndex = at + 1;
  return !HOSTLESS.test(word);
};

/** The last @ of a word that a host follows; -1 if there is none. */
const lastLoginEnd = (word: string): number => {
  let at = word.lastIndexOf('@');
  while (at > 0 && !isBeforeHost(word, at)) at = word.lastIndexOf('@', at - 1);
  return at;
};

// Each of these goes over a word a fixed number of times: an expression for a whole login would begin anew at each place where one may begin.

/** `//user:password@`, the password without a slash. */
const inAddress = (word: string): string => {
  const [before, ...addresses] = word.split('://');
  const hidden = addresses.map((address) => {
    const end = lastLoginEnd(address.split('/', 1)[0]!);
    return end < 1 ? address : `${HIDDEN}${address.slice(end)}`;
  });
  return [before, ...hidden].join('://');
};

/** The same with slashes in the password. */
const withSlashes = (word: string): string => {
  const end = lastLoginEnd(word);
  const start = end < 1 ? null : /:\/\/[^/@:]{1,256}:(?!\d{1,5}\/)(?=[^])/.exec(word.slice(0, end));
  return start === null ? word : `${word.slice(0, start.index + 3)}${HIDDEN}${word.slice(end)}`;
};

/** `user:password@` at the beginning of a word, or behind one of `=(,[]`. */
const beforeHost = (word: string): string => {
  const parts: string[] = [];
  let from = 0;
  for (let at = word.indexOf('@'); at !== -1; at = word.indexOf('@', at + 1)) {
    const start = from + Math.max(0, word.slice(from, at).lastIndexOf('/'));
    const login = /[\w[]/.test(word[at + 1] ?? '') && isBeforeHost(word, at) ? /(^|[=(,[\]])[^/@:=(,[\]]{1,256}:(?=[^])/.exec(word.slice(start, at)) : null;
    parts.push(login === null ? word.slice(from, at) : `${word.slice(from, start + login.index + login[1]!.length)}${HIDDEN}`);
    from = at;
  }
  return [...parts, word.slice(from)].join('');
};

const withoutLogin = (word: string): string => (word.includes('@') ? beforeHost(withSlashes(inAddress(word))) : word);

/** Hides the given values, logins in addresses (`//user:password@host`, `user:password@host`) and authorization headers in any text. */
export const redactText = (text: string, secrets: readonly string[] = []): string => {
  const values = secrets.filter((secret) => secret.length >= MIN_LENGTH).sort((a, b) => b.length - a.length);
  const hidden = values.reduce((rest, value) => rest.replaceAll(value, HIDDEN), text);
  const withoutLogins = hidden.includes('@') ? hidden.replace(/[^\s"'`<>]+/g, withoutLogin) : hidden;
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
