import { readFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { contextInputs } from './context-inputs.ts';
import { storeBases } from './dockerfile-facts.ts';
import { readRegistryFacts, type RegistryFacts } from './registry-facts.ts';
import type { ProcessorFacts } from './targets.ts';

// The daemon keeps this process; a registry.yaml whose bytes have not changed is not parsed again.
const parsed = new Map<string, { readonly text: string; readonly facts: RegistryFacts }>();

const readIfThere = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return null;
    throw thrown;
  }
};

const registryFacts = (file: string, text: string): RegistryFacts => {
  const known = parsed.get(file);
  if (known?.text === text) return known.facts;
  const facts = readRegistryFacts(file, text);
  parsed.set(file, { text, facts });
  return facts;
};

/** A processor as inference sees it, and the projects whose images it builds on. @throws as {@link readRegistryFacts} */
export const readProcessor = (workspaceRoot: string, file: string): { facts: ProcessorFacts; bases: string[] } => {
  const root = dirname(file);
  const folder = join(workspaceRoot, root);
  const facts = registryFacts(file, readFileSync(join(workspaceRoot, file), 'utf8'));
  const dockerfile = join(folder, facts.context, facts.dockerfile);
  // Docker prefers <Dockerfile>.dockerignore beside the Dockerfile to the one at the context's root.
  const dockerignore = readIfThere(`${dockerfile}.dockerignore`) ?? readIfThere(join(folder, facts.context, '.dockerignore'));
  return {
    facts: {
      ...facts,
      root,
      hasMain: existsSync(join(folder, 'src/main.ts')),
      tests: (['unit', 'integration'] as const).filter((kind) => existsSync(join(folder, 'tests', kind))),
      contextInputs: contextInputs({ ...facts, dockerignore }),
    },
    bases: storeBases(readIfThere(dockerfile) ?? ''),
  };
};
