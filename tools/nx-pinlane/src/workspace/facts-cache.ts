import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hideFromGit, OWN_FOLDER } from './own-folder.ts';
import type { SpecFacts } from './spec-facts.ts';

// Counts up when facts of the same text are read differently.
const FORMAT = 3;

type Entries = Record<string, SpecFacts>;

/** Facts of registry.yaml files, by their content: parsing a thousand files would delay every Nx command by half a second. */
export interface FactsCache {
  /** The facts of a text; `read` reads them if they are not known. Nothing is kept if it throws. */
  facts(text: string, read: () => SpecFacts): SpecFacts;
  /** Keeps the facts that were asked for since the cache was opened, if any of them are new. If the folder can't be written to, only time is lost. */
  save(): Promise<void>;
}

const keyOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 32);

const load = (path: string): Entries => {
  try {
    const { format, entries } = JSON.parse(readFileSync(path, 'utf8')) as { format: unknown; entries: Entries };
    return format === FORMAT && typeof entries === 'object' && entries !== null ? entries : {};
  } catch {
    return {};
  }
};

/** Opens the cache of a workspace. */
export const openFactsCache = (workspaceRoot: string): FactsCache => {
  const path = join(workspaceRoot, OWN_FOLDER, 'cache/inference.json');
  const known = load(path);
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
      const { writeFileAtomic } = await import('./write-file-atomic.ts');
      await writeFileAtomic(path, JSON.stringify({ format: FORMAT, entries: used })).catch(() => undefined);
    },
  };
};
