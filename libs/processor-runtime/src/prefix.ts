import { isAbsolute, normalize, relative } from 'node:path/posix';
import { escapePattern } from './escape.ts';
import { inputsError } from './errors.ts';

const PLACEHOLDER = '{execution_id}';

/** Where a run writes. */
export interface Prefix {
  /** The prefix as the caller wrote it, expanded and without a final slash; index_path begins with it. */
  readonly shown: string;
  /** The path below the artifacts root, without `.` or `..`. */
  readonly path: string;
}

/**
 * Expands a write_prefix, and proves by its text that it stays below the artifacts root; links on the disk are checked when folders are made.
 * Percent-encoding is refused altogether, because a program that decodes it later would see another path.
 * @throws ERR_INPUTS
 */
export const expandPrefix = (prefix: string, executionId: string, root: string): Prefix => {
  const refuse = (why: string): never => {
    throw inputsError(`write_prefix ${why}`);
  };
  if (!prefix.includes(PLACEHOLDER)) refuse(`must contain ${PLACEHOLDER}`);
  if (/[\p{Cc}\u2028\u2029]/u.test(prefix)) refuse('contains a control character');
  if (prefix.includes('\\')) refuse('contains a backslash');
  if (/%[0-9a-f]{2}/i.test(prefix)) refuse('contains an encoded character');
  const expanded = prefix.replaceAll(PLACEHOLDER, executionId);
  if (expanded.split('/').some((part) => part === '..' || part === '.')) refuse('contains . or .. as a folder');
  const shown = normalize(expanded).replace(/\/+$/, '');
  const path = isAbsolute(shown) ? relative(normalize(root), shown) : shown;
  if (path === '' || path === '..' || path.startsWith('../')) refuse('leaves the artifacts root');
  return { shown, path };
};

/** What is wrong with the path of an output, which is relative to `<prefix>/outputs/`; null if nothing is. */
export const outputPathProblem = (path: string): string | null => {
  if (path === '' || path.length > 512) return 'is empty or longer than 512 characters';
  if (/[\p{Cc}\u2028\u2029]/u.test(path)) return 'contains a control character';
  if (path.includes('\\')) return 'contains a backslash';
  if (path.startsWith('-')) return 'starts with -';
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) return 'has an empty part, or . or ..';
  return null;
};

/** Whether a pattern of the `outputs` in registry.yaml allows a path; `*` stands for any characters but `/`. */
export const matchesOutput = (pattern: string, path: string): boolean => new RegExp(`^${pattern.split('*').map(escapePattern).join('[^/]*')}$`, 'u').test(path);
