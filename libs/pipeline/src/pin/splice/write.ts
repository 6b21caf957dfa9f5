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

/** Lines for keys that are nested in each other, with the value behind the last. */
export const blockLines = (keys: readonly string[], value: string, indent: number, step: number): string[] =>
  keys.map((key, depth) => `${' '.repeat(indent + depth * step)}${key}:${depth === keys.length - 1 ? ` ${value}` : ''}`);

/** The same on one line: `a: { b: value }`. */
export const flowText = (keys: readonly string[], value: string): string =>
  keys.reduceRight((inner, key, at) => (at === keys.length - 1 ? `${key}: ${inner}` : `${key}: { ${inner} }`), value);
