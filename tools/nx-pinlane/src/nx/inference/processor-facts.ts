import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readSmallFile } from '@pinlane/oci';
import { storeBases } from './dockerfile-facts.ts';
import type { FactsCache } from '../../workspace/facts-cache.ts';
import { readSpecBytes } from '../../workspace/spec-bytes.ts';
import { readSpecFacts } from '../../workspace/spec-facts.ts';
import type { ProcessorFacts } from './targets.ts';

const isAbsent = (thrown: unknown): boolean => ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(String((thrown as NodeJS.ErrnoException).code));

/** The largest Dockerfile or .dockerignore that is looked into, in bytes. */
const LIMIT = 1024 * 1024;

/** The text of a file; null if there is none. What is no file, or is too large, is for the build to refuse. */
const readIfThere = (path: string): string | null => {
  try {
    const file = readSmallFile(path, LIMIT);
    return file.kind === 'file' ? Buffer.from(file.bytes).toString('utf8') : null;
  } catch (thrown) {
    if (isAbsent(thrown)) return null;
    throw thrown;
  }
};

const namesIn = (folder: string): ReadonlySet<string> => {
  try {
    return new Set(readdirSync(folder));
  } catch (thrown) {
    if (isAbsent(thrown)) return new Set();
    throw thrown;
  }
};

/** A processor as inference sees it, and the projects whose images it builds on. @throws as {@link readSpecFacts} */
export const readProcessor = (workspaceRoot: string, file: string, cache: FactsCache): { facts: ProcessorFacts; bases: string[] } => {
  const root = dirname(file);
  const folder = join(workspaceRoot, root);
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(readSpecBytes(join(workspaceRoot, file), file));
  const facts = cache.facts(text, () => readSpecFacts(file, text));
  // One look into the folder in place of one for each file: a workspace may have a thousand processors.
  const names = namesIn(folder);
  const contextFolder = join(folder, facts.context);
  return {
    facts: {
      ...facts,
      root,
      hasMain: names.has('src') && existsSync(join(folder, 'src/main.ts')),
      tests: names.has('tests') ? (['unit', 'integration'] as const).filter((kind) => existsSync(join(folder, 'tests', kind))) : [],
    },
    bases: storeBases(readIfThere(join(contextFolder, facts.dockerfile)) ?? ''),
  };
};
