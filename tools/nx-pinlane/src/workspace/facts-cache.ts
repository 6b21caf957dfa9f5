import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { hideFromGit, laneFolderBy } from './own-folder.ts';
import { readSealed, writeSealed } from './sealed-file.ts';
import type { SpecFacts } from './spec-facts.ts';

// Counts up when facts of the same text are read differently.
const FORMAT = 'facts 5';

/** Facts of registry.yaml files, by their content: parsing a thousand files would delay every Nx command by half a second. */
export interface FactsCache {
  /** The facts of a text; `read` reads them if they are not known. Nothing is kept if it throws. */
  facts(text: string, read: () => SpecFacts): SpecFacts;
  /** Keeps the facts that were asked for since the cache was opened, if any of them are new. If the folder can't be written to, only time is lost. */
  save(): Promise<void>;
}

const keyOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 32);

/** Opens the cache of a workspace, in the lane of an environment. */
export const openFactsCache = (
  workspaceRoot: string,
  env: Readonly<Record<string, string | undefined>>,
  note: (line: string) => void = () => undefined,
): FactsCache => {
  const path = join(laneFolderBy(workspaceRoot, env), 'cache/inference.json');
  const known = readSealed<SpecFacts>(path, FORMAT, 'every registry.yaml is read anew', note);
  const used: Record<string, SpecFacts> = {};
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
      hideFromGit(workspaceRoot);
      await writeSealed(path, FORMAT, used);
    },
  };
};
