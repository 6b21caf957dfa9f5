import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { ExecutorContext, TaskGraph } from '@nx/devkit';
import { temporaryFolder } from '@pinlane/testing';
import * as z from 'zod';
import { defineVerb, type Verb } from '../../src/command/verb.ts';
import { batchExecutor } from '../../src/nx/executor.ts';

let root: string;
let told: string[];
beforeEach(() => {
  root = temporaryFolder('batch');
  told = [];
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => told.push(String(text)) > 0);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const verb: Verb = defineVerb({
  name: 'echo',
  title: 'Echoes its project.',
  subject: 'processor',
  options: { fails: z.boolean().optional(), waits: z.boolean().optional() },
  environment: [],
  document: [z.unknown()],
  run: async ({ fails = false, waits = true }, { project, env, note }) => {
    note(`${project} begins`);
    if (waits) await new Promise((done) => setTimeout(done, 50));
    if (fails) throw new Error(`${project} is broken`);
    return { document: { project }, lines: [`${project} in ${env['COLOUR'] ?? 'grey'}`], exitCode: 0 };
  },
});

type Edges = Record<string, readonly (string | { readonly id: string })[]>;

/** Runs a batch as Nx does. @param edges of each project the tasks that its task waits for */
const runBatch = async (edges: Edges, options: Record<string, Record<string, unknown>> = {}, onResult: () => void = () => undefined) => {
  const ids = Object.keys(edges).map((project) => `${project}:echo`);
  const tasks = Object.fromEntries(
    Object.keys(edges).map((project) => [`${project}:echo`, { id: `${project}:echo`, target: { project, target: 'echo' }, overrides: {}, outputs: [] }]),
  );
  const graph = { roots: [], tasks, dependencies: Object.fromEntries(ids.map((id) => [id, edges[id.split(':')[0]!]])) } as unknown as TaskGraph;
  const projects = Object.fromEntries(Object.keys(edges).map((project) => [project, { root: `processors/${project}` }]));
  const context = {
    root,
    isVerbose: false,
    projectsConfigurations: { version: 2, projects },
    nxJsonConfiguration: {},
    projectGraph: { nodes: {}, dependencies: {} },
    taskGraph: graph,
  } as unknown as ExecutorContext;
  const inputs = Object.fromEntries(ids.map((id) => [id, options[id.split(':')[0]!] ?? {}]));
  const results: Record<string, { success: boolean; terminalOutput: string; status?: string }> = {};
  for await (const { task, result } of batchExecutor(async () => verb)(graph, inputs, {}, context)) {
    results[task.split(':')[0]!] = result;
    onResult();
  }
  return results;
};

describe('many tasks in one process', () => {
  it('each say what is their own, and nothing of it is shown before Nx shows it', async () => {
    const results = await runBatch({ a: [], b: [], c: [], d: [] });
    for (const [project, { success, terminalOutput }] of Object.entries(results))
      expect([success, terminalOutput]).toEqual([true, `${project} begins\n${project} in grey\n`]);
    expect([Object.keys(results).sort(), told]).toEqual([['a', 'b', 'c', 'd'], []]);
  });

  it.each<[string, Edges]>([
    ['ids', { a: [], b: ['a:echo'], c: ['b:echo', 'elsewhere:echo'], d: [] }],
    ['objects, as Nx 24 has them', { a: [], b: [{ id: 'a:echo' }], c: [{ id: 'b:echo' }], d: [] }],
  ])('go on when one fails, but for those that wait for it, whose edges are %s', async (_, edges) => {
    const results = await runBatch(edges, { a: { fails: true } });
    expect(Object.fromEntries(Object.entries(results).map(([project, { success, status }]) => [project, [success, status]]))).toEqual({
      a: [false, undefined],
      b: [false, 'skipped'],
      c: [false, 'skipped'],
      d: [true, undefined],
    });
    expect(results['a']?.terminalOutput).toContain('a is broken');
  });

  it('print the one document each, where that is asked for, and tell the rest elsewhere', async () => {
    const { a } = await runBatch({ a: [] }, { a: { json: true } });
    expect([a?.terminalOutput, told.join('')]).toEqual(['{"project":"a"}\n', 'a begins\na in grey\n']);
  });

  it('stop together, and what has not begun does not begin', async () => {
    const running = runBatch({ a: [], b: [], c: [], d: [] });
    await new Promise((done) => setTimeout(done));
    process.emit('SIGINT');
    const results = await running;
    expect([results['d']?.status, results['d']?.terminalOutput]).toEqual(['skipped', '']);
    expect(results['a']?.terminalOutput).toContain('a begins');
    expect(process.listenerCount('SIGINT')).toBe(0);
  });

  it('stop also where none of them waits for anything', async () => {
    const projects = Array.from({ length: 200 }, (_, at) => `p${at}`);
    const each = <T>(value: T): Record<string, T> => Object.fromEntries(projects.map((project) => [project, value]));
    let interrupted = false;
    const results = await runBatch(each([]), each({ waits: false }), () => {
      if (!interrupted) setImmediate(() => process.emit('SIGINT'));
      interrupted = true;
    });
    const statuses = Object.values(results).map(({ status }) => status);
    expect([statuses[0], statuses.at(-1), statuses.length]).toEqual([undefined, 'skipped', 200]);
  });
});
