import { isAcceptedOnDot } from '../patterns/name-pattern.ts';
import { ANYTHING, FOLDERS, readExpression } from '../patterns/expression.ts';
import { matcherOfSteps, type Work } from '../patterns/simulate.ts';

/** One pattern of a .dockerignore. */
export interface IgnorePattern {
  /** Whether it brings back what it matches. */
  readonly exception: boolean;
  matches(path: string): boolean;
  /** Whether something below a folder may match. False only if nothing can. */
  mayMatchBelow(folder: string): boolean;
}

/** How a pattern is compared: as it stands, at the start or the end of a path, or as an expression. */
type Comparison = 'whole' | 'start' | 'end' | 'expression';

interface Translation {
  readonly comparison: Comparison;
  readonly expression: string;
}

/**
 * Reads a pattern character by character, as moby's patternmatcher does: each becomes a part of an expression, wherever it stands. There `|`, `{` and
 * `^` mean what they mean in any expression, which the matcher did not intend, and what an escape means is the expression's matter.
 */
const translate = (pattern: string): Translation => {
  const chars = [...pattern];
  if (chars[0] === '\uFEFF') chars.shift();
  let comparison: Comparison = 'whole';
  const parts: string[] = [];
  for (let at = 0, item = 0; at < chars.length; item += 1) {
    const char = chars[at]!;
    at += 1;
    if (char === '*' && chars[at] === '*') {
      at += chars[at + 1] === '/' ? 2 : 1;
      const last = at >= chars.length;
      comparison = last && comparison === 'whole' ? 'start' : 'expression';
      parts.push(last ? ANYTHING : FOLDERS);
      if (item === 0) comparison = 'end';
      continue;
    }
    if ('*?\\[]'.includes(char)) comparison = 'expression';
    if (char === '*') parts.push('[^/]*');
    else if (char === '?') parts.push('[^/]');
    else if ('.+()$'.includes(char)) parts.push(`\\${char}`);
    else if (char === '\\') parts.push(`\\${chars[at++] ?? ''}`);
    else parts.push(char);
  }
  return { comparison, expression: `^${parts.join('')}$` };
};

const ends = (path: string, suffix: string): boolean => path.endsWith(suffix) || (suffix.startsWith('/') && path === suffix.slice(1));

/** What compares paths; undefined if the pattern is malformed. */
const comparerOf = (pattern: string, { comparison, expression }: Translation, work: Work): ((path: string) => boolean) | undefined => {
  if (comparison === 'whole') return (path) => path === pattern;
  if (comparison === 'start') return (path) => path.startsWith(pattern.slice(0, -2));
  if (comparison === 'end') return (path) => ends(path, pattern.slice(2));
  const alternatives = readExpression(expression)?.map((steps) => matcherOfSteps(steps, work));
  if (alternatives === undefined) return undefined;
  const fixed = fixedStart(pattern);
  return (path) => path.startsWith(fixed) && alternatives.some((matches) => matches(path));
};

/** What every match of an expression begins with. */
const fixedStart = (pattern: string): string => (/[|{]/.test(pattern) ? '' : /^[^*?[\]\\^\uFEFF]*/.exec(pattern)![0]);

/**
 * Reads a pattern, which is clean: without `.`, `..` and slashes too many. It matches what moby's patternmatcher has it match, in a time below the
 * product of its length and the path's.
 * @returns undefined if it is malformed
 */
export const readIgnorePattern = (pattern: string, exception: boolean, work: Work): IgnorePattern | undefined => {
  if (!isAcceptedOnDot(pattern)) return undefined;
  const translation = translate(pattern);
  const matches = comparerOf(pattern, translation, work);
  const fixed = translation.comparison === 'whole' ? `${pattern}/` : fixedStart(pattern);
  return matches && { exception, matches, mayMatchBelow: (folder) => fixed.startsWith(`${folder}/`) || `${folder}/`.startsWith(fixed) };
};
