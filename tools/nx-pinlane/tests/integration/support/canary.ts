import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The files below some folders that hold a text, by their paths; links are not followed. */
export const filesWith = (text: string, ...folders: readonly string[]): string[] =>
  folders.flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true }).flatMap((each) => {
      const path = join(folder, each.name);
      if (each.isDirectory()) return filesWith(text, path);
      return each.isFile() && existsSync(path) && readFileSync(path).includes(text) ? [path] : [];
    }),
  );

/** The command lines of all processes that hold a text. */
export const commandsWith = (text: string): string[] =>
  readdirSync('/proc').flatMap((pid) => {
    try {
      const line = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '';
      return line.includes(text) ? [line] : [];
    } catch {
      // It has ended.
      return [];
    }
  });

/** Looks again and again for a text in the command lines of all processes, while some work goes on. @returns those that were found */
export const watchCommands = async (text: string, work: () => Promise<void>): Promise<string[]> => {
  const found = new Set<string>();
  const timer = setInterval(() => commandsWith(text).forEach((line) => found.add(line)), 50);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return [...found];
};
