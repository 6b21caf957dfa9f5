import { readdirSync, readFileSync } from 'node:fs';

const read = (path: string, unless: readonly string[]): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (unless.includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
};

/** The text of a file that others may remove while it is read; empty when it is gone. */
export const textIfThere = (path: string): string => read(path, ['ENOENT']);

/**
 * What the processes of this machine have in a file of theirs, by process id, where it holds a text; one that ends meanwhile, or that
 * belongs to another user who does not show it, is not among them.
 * @param file which file of proc(5)
 */
export const processesWith = (holds: string | ((text: string) => boolean), file: 'cmdline' | 'environ' | 'stat' = 'cmdline'): Map<string, string> =>
  new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => [pid, read(`/proc/${pid}/${file}`, ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'])] as const)
      .filter(([, text]) => text !== '' && (typeof holds === 'string' ? text.includes(holds) : holds(text))),
  );
