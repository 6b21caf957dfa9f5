import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { processesWith, textIfThere } from '@pinlane/testing';

/** The files below some folders that hold a text, by their paths; links are not followed. */
export const filesWith = (text: string, ...folders: readonly string[]): string[] =>
  folders.flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true }).flatMap((each) => {
      const path = join(folder, each.name);
      if (each.isDirectory()) return filesWith(text, path);
      return each.isFile() && textIfThere(path).includes(text) ? [path] : [];
    }),
  );

/** Looks again and again for a text in the command lines of all processes, while some work goes on. @returns those that were found */
export const watchCommands = async (text: string, work: () => Promise<void>): Promise<string[]> => {
  const found = new Set<string>();
  const timer = setInterval(() => processesWith(text).forEach((line) => found.add(line)), 50);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return [...found];
};
