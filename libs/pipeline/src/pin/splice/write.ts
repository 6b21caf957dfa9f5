import { isScalar, parse, type Node } from 'yaml';

/** Whether a value can stand without quotes anywhere, also in braces. */
const isPlainSafe = (value: string): boolean => {
  try {
    return !/^[[{]/.test(value) && parse(`{a: ${value}}`, { logLevel: 'silent' })?.a === value;
  } catch {
    return false;
  }
};

/** A value without quotes if it can do without. */
export const plainOrQuoted = (value: string | null): string => (value === null ? 'null' : isPlainSafe(value) ? value : JSON.stringify(value));

/** A value in the quotes that the old one had. */
export const inStyleOf = (node: Node, value: string | null): string => {
  const style = isScalar(node) ? node.type : undefined;
  if (value === null || (style !== 'QUOTE_DOUBLE' && style !== 'QUOTE_SINGLE')) return plainOrQuoted(value);
  return style === 'QUOTE_DOUBLE' ? JSON.stringify(value) : `'${value}'`;
};

/** A key with its value as it is written, or with the keys below it. */
export type Branch = readonly [key: string, value: string | readonly Branch[]];

/** Lines for keys that are nested in each other. */
export const blockLines = (branches: readonly Branch[], indent: number, step: number): string[] =>
  branches.flatMap(([key, value]) => {
    const head = `${' '.repeat(indent)}${key}:`;
    return typeof value === 'string' ? [`${head} ${value}`] : [head, ...blockLines(value, indent + step, step)];
  });

/** The same on one line: `a: { b: value }`. */
export const flowText = (branches: readonly Branch[]): string =>
  branches.map(([key, value]) => `${key}: ${typeof value === 'string' ? value : `{ ${flowText(value)} }`}`).join(', ');
