import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { hideFromGit, OWN_FOLDER } from './own-folder.ts';
import { readSmallFile } from './small-file.ts';
import type { SpecFacts } from './spec-facts.ts';

// Counts up when facts of the same text are read differently.
const FORMAT = 5;

type Entries = Record<string, SpecFacts>;

/** Facts of registry.yaml files, by their content: parsing a thousand files would delay every Nx command by half a second. */
export interface FactsCache {
  /** The facts of a text; `read` reads them if they are not known. Nothing is kept if it throws. */
  facts(text: string, read: () => SpecFacts): SpecFacts;
  /** Keeps the facts that were asked for since the cache was opened, if any of them are new. If the folder can't be written to, only time is lost. */
  save(): Promise<void>;
}

const keyOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 32);

/** The largest cache that is read, in bytes; the facts of a thousand processors have half a mebibyte. */
const LIMIT = 32 * 1024 * 1024;

/** Facts are believed without a second look, so a hash over them tells when somebody has edited them. */
const sealOf = (entries: string): string => createHash('sha256').update(entries).digest('hex');

/** The entries in a cache's text; null if they are not what was written there. A cache of another version is an empty one. */
const entriesIn = (text: string): Entries | null => {
  try {
    const end = text.indexOf('\n');
    const { format, seal } = JSON.parse(text.slice(0, end === -1 ? text.length : end)) as { format?: unknown; seal?: unknown };
    if (format !== FORMAT) return typeof format === 'number' ? {} : null;
    const entries = text.slice(end + 1);
    return seal === sealOf(entries) ? (JSON.parse(entries) as Entries) : null;
  } catch {
    return null;
  }
};

const load = (path: string, note: (line: string) => void): Entries => {
  try {
    const file = readSmallFile(path, LIMIT, { links: false });
    const entries = file.kind === 'file' ? entriesIn(Buffer.from(file.bytes).toString('utf8')) : null;
    if (entries === null) note(`WARNING ${path} is ignored, because Pinlane did not write it as it is: every registry.yaml is read anew`);
    return entries ?? {};
  } catch {
    // There is none, or it can't be read: only time is lost.
    return {};
  }
};

/** Opens the cache of a workspace. */
export const openFactsCache = (workspaceRoot: string, note: (line: string) => void = () => undefined): FactsCache => {
  const path = join(workspaceRoot, OWN_FOLDER, 'cache/inference.json');
  const known = load(path, note);
  const used: Entries = {};
  let fresh = false;
  return {
    facts: (text, read) => {
      const key = keyOf(text);
      const found = Object.hasOwn(known, key) ? known[key] : undefined;
      fresh ||= found === undefined;
      return (used[key] = found ?? read());
    },
    save: async () => {
      if (!fresh) return;
      // Loaded only now: every Nx command waits for the modules of inference.
      hideFromGit(workspaceRoot);
      const { replaceOwnFile } = await import('./own-file.ts');
      const entries = JSON.stringify(used);
      await replaceOwnFile(path, `${JSON.stringify({ format: FORMAT, seal: sealOf(entries) })}\n${entries}`).catch(() => undefined);
    },
  };
};
