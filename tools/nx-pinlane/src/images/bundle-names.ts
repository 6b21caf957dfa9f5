/** A text, and its source map if there is one. */
export interface Mapped {
  readonly text: string;
  /** Source map, revision 3, as JSON. */
  readonly map?: string | undefined;
}

interface Replacement {
  readonly at: number;
  readonly length: number;
  readonly text: string;
}

/** The name that esbuild gives a module which it wraps: `__commonJS({"node_modules/a/index.js"(exports,module){`. */
const WRAPPED = /(?<=__(?:commonJS|esm)\(\{)("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')(?=\()/g;

const unquoted = (literal: string): string =>
  literal
    .slice(1, -1)
    .replace(/\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))/g, (_, four?: string, two?: string, plain?: string) =>
      plain === undefined ? String.fromCharCode(Number.parseInt((four ?? two)!, 16)) : plain,
    );

/** A file of a package by the package's name, wherever a package manager has put it: below node_modules, in a folder of its own there, or in a store of the machine. */
export const portable = (path: string): string => {
  const at = path.lastIndexOf('node_modules/');
  return at === -1 ? path : path.slice(at);
};

const replacementsIn = (text: string, inputs: ReadonlySet<string>): Replacement[] =>
  [...text.matchAll(WRAPPED)].flatMap(({ index, 0: literal }) => {
    const name = unquoted(literal);
    // The quotes, and what is escaped, stay as they are.
    const other = literal[0] + portable(literal.slice(1));
    return inputs.has(name) && other !== literal ? [{ at: index, length: literal.length, text: other }] : [];
  });

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The first number of a segment, and what comes behind it (source map specification, "Base64 VLQ"). */
const firstNumber = (segment: string): readonly [number: number, rest: string] => {
  let [value, shift, at] = [0, 0, 0];
  for (let more = true; more; at++) {
    const digit = DIGITS.indexOf(segment[at]!);
    more = (digit & 32) !== 0;
    value += (digit & 31) * 2 ** shift;
    shift += 5;
  }
  return [value % 2 === 1 ? -Math.floor(value / 2) : value / 2, segment.slice(at)];
};

const asDigits = (number: number): string => {
  let left = number < 0 ? -number * 2 + 1 : number * 2;
  let digits = '';
  do {
    const five = left % 32;
    left = Math.floor(left / 32);
    digits += DIGITS[left > 0 ? five + 32 : five];
  } while (left > 0);
  return digits;
};

/** Moves the columns of one line's segments by what was replaced before them. */
const movedLine = (line: string, changes: readonly { readonly end: number; readonly by: number }[]): string => {
  if (line === '' || changes.length === 0) return line;
  let [column, before] = [0, 0];
  return line
    .split(',')
    .map((segment) => {
      const [delta, rest] = firstNumber(segment);
      column += delta;
      const now = column + changes.reduce((sum, { end, by }) => (column >= end ? sum + by : sum), 0);
      const moved = asDigits(now - before) + rest;
      before = now;
      return moved;
    })
    .join(',');
};

const movedMappings = (mappings: string, text: string, replacements: readonly Replacement[]): string => {
  const byLine = new Map<number, { end: number; by: number }[]>();
  let [line, start, next] = [0, 0, 0];
  for (const { at, length, text: other } of replacements) {
    while ((next = text.indexOf('\n', start)) !== -1 && next < at) [line, start] = [line + 1, next + 1];
    byLine.set(line, [...(byLine.get(line) ?? []), { end: at + length - start, by: other.length - length }]);
  }
  return mappings
    .split(';')
    .map((each, at) => movedLine(each, byLine.get(at) ?? []))
    .join(';');
};

/** The lines of a source map as esbuild writes it, one for each key, with two values replaced: so that nothing else of it changes. */
const movedMap = (map: string, toRoot: string, mappings: (before: string) => string): string =>
  map
    .replace(/(?<=^ {2}"sources": \[).*(?=\],?$)/m, (list) => {
      const sources = JSON.parse(`[${list}]`) as string[];
      return sources.map((source) => JSON.stringify(source.includes('node_modules/') ? `${toRoot}${portable(source)}` : source)).join(', ');
    })
    .replace(/(?<=^ {2}"mappings": ")[^"]*/m, mappings);

/**
 * A bundle in which no name hangs on where packages are installed: the same sources give the same bundle under every package manager that resolves the same
 * versions. Nothing changes for a package that lies in the `node_modules` of the workspace's root.
 * @param inputs the files that the bundle is made of, as the bundler names them
 * @param toRoot the way from the source map to the workspace's root, such as `../../../`
 */
export const withPortableNames = ({ text, map }: Mapped, inputs: ReadonlySet<string>, toRoot: string): Mapped => {
  const replacements = replacementsIn(text, inputs);
  let [result, done] = ['', 0];
  for (const { at, length, text: other } of replacements) {
    result += text.slice(done, at) + other;
    done = at + length;
  }
  const named = result + text.slice(done);
  return map === undefined ? { text: named } : { text: named, map: movedMap(map, toRoot, (mappings) => movedMappings(mappings, text, replacements)) };
};
