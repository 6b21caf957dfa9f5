import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openFactsCache } from '../inference/facts-cache.ts';
import { readSpecFacts } from '../inference/spec-facts.ts';
import { specFiles } from './spec-files.ts';

/** The names that processors of the workspace have for their secrets. A file that can't be read names none: whoever runs that processor is told. */
export const secretsOfWorkspace = (root: string): string[] => {
  const cache = openFactsCache(root);
  return specFiles(root).flatMap((file) => {
    try {
      const text = readFileSync(join(root, file), 'utf8');
      return cache.facts(text, () => readSpecFacts(file, text)).secrets;
    } catch {
      return [];
    }
  });
};
