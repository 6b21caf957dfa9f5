import dockerignore from '@balena/dockerignore';
import { fail } from '@pinlane/contracts';

/** What a .dockerignore leaves out; paths are relative to the context, with `/`. */
export interface Ignore {
  ignores(path: string): boolean;
  /** Whether a `!` pattern may bring back something below an ignored folder; false only if none can. */
  mayHold(folder: string): boolean;
}

// The library makes a regular expression of a line and passes these characters on; to Docker they mean nothing but themselves.
const escapeLine = (line: string): string => line.replace(/\\.|(?<!\[)[+(){}|^]/g, (found) => (found.length === 2 ? found : `\\${found}`));

const exceptionsIn = (lines: readonly string[]): string[][] =>
  lines.flatMap((line) => {
    const text = line.trim();
    return text.startsWith('!')
      ? [
          text
            .slice(1)
            .trim()
            .split('/')
            .filter((part) => part !== '' && part !== '.'),
        ]
      : [];
  });

/** Whether a pattern may match something below a folder; both in parts. */
const mayMatchBelow = (pattern: readonly string[], folder: readonly string[]): boolean => {
  for (const [at, name] of folder.entries()) {
    const part = pattern[at];
    // A pattern that ends at a parent of the folder matches everything in it.
    if (part === undefined || part === '**' || part === '..') return true;
    if (!/[*?[\\]/.test(part) && part !== name) return false;
  }
  return true;
};

/**
 * Reads a .dockerignore by Docker's rules.
 * @throws ERR_CONTEXT_INVALID if a pattern is malformed, when it is used
 */
export const parseIgnore = (text: string, file: string): Ignore => {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#'));
  const rules = dockerignore.default({ ignorecase: false }).add(lines.map(escapeLine));
  // The library's cache is a plain object, in which it would find `constructor` and the like without having put them there.
  Object.assign(rules, { _cache: Object.create(null) });
  const exceptions = exceptionsIn(lines);
  const ignores = (path: string): boolean => {
    try {
      return rules.ignores(path);
    } catch (cause) {
      return fail('ERR_CONTEXT_INVALID', 'has a pattern that is malformed', {
        file,
        fix: 'Mend the pattern: see the Docker documentation on .dockerignore.',
        cause,
      });
    }
  };
  return {
    ignores,
    mayHold: (folder) => {
      const parts = folder.split('/');
      return exceptions.some((pattern) => mayMatchBelow(pattern, parts));
    },
  };
};

/** Leaves nothing out. */
export const ignoreNothing: Ignore = { ignores: () => false, mayHold: () => true };
