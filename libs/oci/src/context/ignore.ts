import { posix } from 'node:path';
import { fail } from '@pinlane/contracts';
import { trimSpace } from '../patterns/space.ts';
import type { Work } from '../patterns/simulate.ts';
import { readIgnorePattern, type IgnorePattern } from './ignore-pattern.ts';

/** What a .dockerignore says of one path. */
export interface Judged {
  readonly ignored: boolean;
  /** The patterns that matched, for what is below the path. */
  readonly matched: ReadonlySet<IgnorePattern>;
}

/** What a .dockerignore leaves out; paths are relative to the context, with `/`. */
export interface Ignore {
  /** @param parent what was said of the folder that the path is in; undefined at the root */
  judge(path: string, parent?: Judged): Judged;
  /** Whether a `!` pattern may bring back something below an ignored folder; false only if none can. */
  mayHold(folder: string): boolean;
}

/** The longest line, in bytes: what the scanner of Docker's reader takes (Go, bufio.MaxScanTokenSize). */
const LONGEST_LINE = 64 * 1024;
/** Paths and patterns are compared each with each, so both are counted. */
const MOST_PATTERNS = 1000;
/** How much matching may cost, for any context and for each path of it besides: some seconds at most, and far more than patterns that make sense need. */
const MOST_WORK = { context: 10_000_000, path: 5_000 } as const;

// posix.normalize keeps a slash at the end, which filepath.Clean of Go takes off.
const clean = (path: string): string => {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
};

/** A line as moby's ignorefile reads it; undefined for one that says nothing. */
const readLine = (line: string): string | undefined => {
  if (line.startsWith('#')) return undefined;
  const text = trimSpace(line);
  if (text === '') return undefined;
  const inverted = text.startsWith('!');
  const pattern = inverted ? trimSpace(text.slice(1)) : text;
  const path = pattern === '' ? '' : clean(pattern);
  return (inverted ? '!' : '') + (path.length > 1 && path.startsWith('/') ? path.slice(1) : path);
};

/** A line that was read, as moby's patternmatcher takes it. */
const patternOf = (read: string, file: string, line: number, work: Work): IgnorePattern => {
  const malformed = (why: string) =>
    fail('ERR_CONTEXT_INVALID', `has a pattern that is malformed: ${JSON.stringify(read.slice(0, 100))}${why}`, {
      file,
      line,
      fix: 'Mend the pattern: see the Docker documentation on .dockerignore.',
    });
  const text = clean(trimSpace(read));
  const exception = text.startsWith('!');
  if (text === '!') return malformed(' brings nothing back');
  return readIgnorePattern(exception ? text.slice(1) : text, exception, work) ?? malformed('');
};

const readPatterns = (text: string, file: string, work: Work): IgnorePattern[] => {
  const patterns: IgnorePattern[] = [];
  for (const [at, line] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    if (Buffer.byteLength(line) >= LONGEST_LINE) fail('ERR_CONTEXT_INVALID', `has a line of more than ${LONGEST_LINE - 1} bytes`, { file, line: at + 1 });
    const read = readLine(line);
    if (read === undefined) continue;
    if (patterns.length === MOST_PATTERNS) fail('ERR_CONTEXT_INVALID', `has more than ${MOST_PATTERNS} patterns`, { file, line: at + 1 });
    patterns.push(patternOf(read, file, at + 1, work));
  }
  return patterns;
};

const TOO_LONG = 'Use fewer stars in one pattern, and fewer patterns.';

const NONE: ReadonlySet<IgnorePattern> = new Set();

/**
 * Reads a .dockerignore by Docker's rules: as moby's ignorefile and patternmatcher, and BuildKit's walk over a context, have them. A pattern that
 * matches a folder matches all that is in it; the last pattern that matches decides.
 * @throws ERR_CONTEXT_INVALID with the line of a pattern that is malformed, or of what is beyond a limit
 */
export const parseIgnore = (text: string, file: string): Ignore => {
  const work: Work = { spent: 0 };
  const patterns = readPatterns(text, file, work);
  let allowed: number = MOST_WORK.context;
  const exceptions = patterns.filter(({ exception }) => exception);
  return {
    judge: (path, parent) => {
      const above = parent?.matched ?? NONE;
      const matched = new Set<IgnorePattern>();
      let ignored = false;
      allowed += MOST_WORK.path;
      if (work.spent > allowed)
        fail('ERR_CONTEXT_INVALID', 'has patterns that take too long to compare with the paths of this context', { file, fix: TOO_LONG });
      for (const pattern of patterns) {
        // One that would change nothing is not compared: what is below does not inherit it either.
        if (!(above.size > 0 && above.has(pattern)) && (pattern.exception !== ignored || !pattern.matches(path))) continue;
        matched.add(pattern);
        ignored = !pattern.exception;
      }
      return { ignored, matched };
    },
    mayHold: (folder) => exceptions.some((pattern) => pattern.mayMatchBelow(folder)),
  };
};

/** Leaves nothing out. */
export const ignoreNothing: Ignore = { judge: () => ({ ignored: false, matched: NONE }), mayHold: () => true };
