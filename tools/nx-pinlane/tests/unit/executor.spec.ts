import { describe, expect, it } from '@jest/globals';
import type { ExecutorContext } from '@nx/devkit';
import * as z from 'zod';
import { defineVerb, type Verb } from '../../src/command/verb.ts';
import { executor } from '../../src/nx/executor.ts';

const seen: unknown[] = [];
const verb: Verb = defineVerb({
  name: 'echo',
  title: 'Echoes its options.',
  subject: 'processor',
  options: { secret: z.union([z.string(), z.array(z.string())]).optional(), cacheFrom: z.union([z.string(), z.array(z.string())]).optional() },
  environment: [],
  document: [z.unknown()],
  run: async (options) => {
    seen.push(options);
    return { document: undefined, lines: [], exitCode: 0 };
  },
});

/** Runs the verb as Nx does a task: `options` as it made them of `overrides`, which were typed. */
const runTask = async (options: Record<string, unknown>, overrides: Record<string, unknown>): Promise<boolean> => {
  const id = 'acme-one:echo';
  const context = {
    root: '/nowhere',
    cwd: '/nowhere',
    isVerbose: false,
    projectName: 'acme-one',
    targetName: 'echo',
    projectsConfigurations: { version: 2, projects: { 'acme-one': { root: 'processors/acme-one' } } },
    nxJsonConfiguration: {},
    projectGraph: { nodes: {}, dependencies: {} },
    taskGraph: { roots: [id], tasks: { [id]: { id, target: { project: 'acme-one', target: 'echo' }, overrides, outputs: [] } }, dependencies: { [id]: [] } },
  } as unknown as ExecutorContext;
  return (await executor(async () => verb)(options, context)).success;
};

describe('an executor', () => {
  it('takes the value that was typed, at whose commas Nx split it, and leaves lists as they were given', async () => {
    expect(await runTask({ secret: ['id=a', 'env=B'], cacheFrom: ['type=gha', 'mode=max'] }, { secret: 'id=a,env=B', 'cache-from': 'type=gha,mode=max' })).toBe(
      true,
    );
    expect(seen.at(-1)).toEqual({ secret: 'id=a,env=B', cacheFrom: 'type=gha,mode=max' });
    expect(await runTask({ secret: ['id=a,env=A', 'id=b,env=B'] }, { secret: ['id=a,env=A', 'id=b,env=B'] })).toBe(true);
    expect(seen.at(-1)).toEqual({ secret: ['id=a,env=A', 'id=b,env=B'] });
  });

  it('fails for an option that the verb does not have, and runs nothing', async () => {
    const before = seen.length;
    expect(await runTask({ nonsense: true }, {})).toBe(false);
    expect(seen.length).toBe(before);
  });
});
