import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@pinlane/testing';
import type { VerbContext, VerbOutcome } from '../../../src/command/context.ts';
import { createOnce } from '../../../src/command/once.ts';
import type { Verb } from '../../../src/command/verb.ts';

/** What a flow knows of the world, in a test. */
export const contextOf = (root: string, more: Partial<VerbContext> = {}): VerbContext & { readonly notes: string[] } => {
  const notes: string[] = [];
  return {
    root,
    project: '',
    projectRoot: '.',
    rootOf: async () => null,
    afterBuild: false,
    env: {},
    progress: () => undefined,
    note: (line) => void notes.push(line),
    announce: () => undefined,
    waiting: (work) => work(),
    once: createOnce(),
    atEnd: () => undefined,
    signal: new AbortController().signal,
    notes,
    ...more,
  };
};

/** Parses options and carries a verb out, as a command does. */
export const run = async (verb: Verb, options: Readonly<Record<string, unknown>>, context: VerbContext): Promise<VerbOutcome> => {
  const { data, error } = verb.parse(options);
  if (error) throw error;
  const outcome = await verb.run(data, context);
  // Types allow keys that the schema of a document does not.
  if (outcome.document !== undefined && !verb.document.some((schema) => schema.safeParse(outcome.document).success))
    throw new Error(`${verb.name} made a document that is in none of the schemas of its definition`);
  return outcome;
};

/** Runs some work in a temporary folder with files in it. */
export const withFiles = async (files: Readonly<Record<string, string>>, work: (root: string) => Promise<void>): Promise<void> => {
  const root = temporaryFolder('flow');
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  await work(root);
};
