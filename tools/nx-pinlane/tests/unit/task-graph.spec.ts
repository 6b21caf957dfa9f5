import { describe, expect, it } from '@jest/globals';
import { buildsSource } from '../../src/cli/builds-source.ts';
import { isAfterBuild, isBuildWanted, isOnlyBefore, pinsWhatItTests, tasksOfRun, type TasksOfRun } from '../../src/nx/task-graph.ts';

const EXECUTORS: Record<string, string> = {
  buildx: 'buildx',
  pin: 'pin',
  acceptance: 'acceptance',
  image: 'buildx',
  'modal-deploy': 'modal-deploy',
  smoke: 'smoke',
  drift: 'drift',
};

/** `a:pin>a:buildx` reads: a:pin depends on a:buildx. */
const run = (edges: readonly string[], overrides: Record<string, Record<string, unknown>> = {}): TasksOfRun => {
  const ids = [...new Set(edges.flatMap((edge) => edge.split('>')))];
  const tasks = Object.fromEntries(
    ids.map((id) => {
      const [project, target, configuration] = id.split(':') as [string, string, string?];
      return [id, { target: { project, target, ...(configuration === undefined ? {} : { configuration }) }, overrides: overrides[id] ?? {} }];
    }),
  );
  const dependencies = Object.fromEntries(ids.map((id) => [id, edges.filter((edge) => edge.startsWith(`${id}>`)).map((edge) => edge.split('>')[1] as string)]));
  return tasksOfRun({ tasks, dependencies }, (_, target) => (target in EXECUTORS ? `@pinlane/nx:${EXECUTORS[target]}` : 'nx:run-commands'));
};

const ACCEPTANCE = ['a:acceptance>a:buildx', 'a:buildx>base:buildx'];
const WITH_PIN = [...ACCEPTANCE, 'a:pin>a:buildx'];
const lane = (name: string) => ({ PINLANE_LANE: name });

describe('what comes before a deployment', () => {
  const deploying = run(['a:smoke>a:modal-deploy', 'a:modal-deploy>a:pin', 'a:modal-deploy>a:acceptance', 'a:acceptance>a:buildx']);
  const idle = (asked: string, of = deploying) =>
    ['a:buildx', 'a:pin', 'a:acceptance', 'a:modal-deploy', 'a:smoke'].filter((id) => isOnlyBefore(of, id, { NX_PINLANE_ASKED: asked }));

  it('does nothing unless it was asked for, and builds nothing for what does nothing', () => {
    expect(idle('run a:smoke a smoke')).toEqual(['a:pin', 'a:acceptance', 'a:modal-deploy']);
    expect(idle('run a modal-deploy')).toEqual(['a:pin', 'a:acceptance']);
    expect(idle('run-many -t pin acceptance modal-deploy smoke')).toEqual([]);
    expect(isBuildWanted(deploying, 'a:buildx', { NX_PINLANE_ASKED: 'run a modal-deploy' })).toBe(false);
    expect(isBuildWanted(deploying, 'a:buildx', { NX_PINLANE_ASKED: 'run-many acceptance modal-deploy' })).toBe(true);
  });

  it('does nothing before a look at what runs, which brings no deployment into a run and comes after one that was asked for', () => {
    const looking = run(['a:drift>a:modal-deploy', 'a:modal-deploy>a:pin']);
    expect(idle('run a drift', looking)).toEqual(['a:pin', 'a:modal-deploy']);
    expect(idle('run-many -t modal-deploy drift', looking)).toEqual(['a:pin']);
  });

  it('does its work if another target of the workspace waits for it, too', () => {
    const shipped = run(['a:ship>a:pin', 'a:ship>a:modal-deploy', 'a:modal-deploy>a:pin', 'a:modal-deploy>a:acceptance']);
    expect(idle('run a ship', shipped)).toEqual(['a:acceptance']);
  });
});

describe('what a run builds', () => {
  it.each([
    ['local', true],
    ['pr', true],
    ['dev', false],
    ['staging', false],
    ['main', false],
  ])('for an acceptance in lane %s: %s, base included', (name, wanted) => {
    expect(isBuildWanted(run(ACCEPTANCE), 'a:buildx', lane(name))).toBe(wanted);
    expect(isBuildWanted(run(ACCEPTANCE), 'base:buildx', lane(name))).toBe(wanted);
  });

  it.each([
    ['local', 'buildx pin acceptance'],
    ['pr', 'buildx pin acceptance'],
    ['dev', ''],
    ['staging', 'buildx pin'],
    ['main', ''],
  ])('by a command of its own in lane %s: %j', (name, expected) => {
    const builds = (options: Record<string, unknown>, env: Record<string, string>) =>
      ['buildx', 'pin', 'acceptance', 'verify-pins'].filter((verb) => buildsSource(verb, options, env)).join(' ');
    expect([builds({}, lane(name)), builds({ lane: name }, lane('local'))]).toEqual([expected, expected]);
    expect(buildsSource('acceptance', { pinned: true }, lane(name))).toBe(false);
    for (const option of ['check', 'reproduce']) expect(buildsSource('pin', { [option]: true }, lane(name))).toBe(true);
  });

  it('is what pin needs in staging, and nothing in lanes that build nothing', () => {
    expect(isBuildWanted(run(WITH_PIN), 'base:buildx', lane('staging'))).toBe(true);
    expect(isBuildWanted(run(WITH_PIN), 'base:buildx', lane('main'))).toBe(false);
  });

  it('is what was asked for by name, which in a lane that builds nothing the flow refuses', () => {
    expect(isBuildWanted(run(['a:buildx>base:buildx']), 'a:buildx', lane('main'))).toBe(true);
  });

  it('is nothing for the pinned image, however that was asked for', () => {
    expect(isBuildWanted(run(['a:acceptance:pinned>a:buildx:pinned']), 'a:buildx:pinned', {})).toBe(false);
    expect(isBuildWanted(run(ACCEPTANCE, { 'a:acceptance': { pinned: true } }), 'base:buildx', {})).toBe(false);
    expect(isBuildWanted(run(ACCEPTANCE, { 'a:acceptance': { lane: 'main' } }), 'base:buildx', {})).toBe(false);
    expect(isBuildWanted(run(ACCEPTANCE, { 'a:acceptance': { lane: 'pr' } }), 'base:buildx', {})).toBe(true);
  });

  it('is nothing for a pin that is reproduced, which believes no build', () => {
    const reproduced = { 'a:pin': { reproduce: true } };
    expect(isBuildWanted(run(['a:pin>a:buildx', 'a:buildx>base:buildx'], reproduced), 'a:buildx', {})).toBe(false);
    expect(isBuildWanted(run(['a:pin>a:buildx', 'a:buildx>base:buildx'], reproduced), 'base:buildx', {})).toBe(false);
    expect(isBuildWanted(run(WITH_PIN, reproduced), 'a:buildx', {})).toBe(true);
  });

  it('is what anything else needs, whatever its targets are called', () => {
    expect(isBuildWanted(run([...ACCEPTANCE, 'a:scan>a:buildx']), 'a:buildx', lane('staging'))).toBe(true);
    expect(isBuildWanted(run(['a:image>base:buildx', 'a:acceptance>a:image']), 'base:buildx', lane('staging'))).toBe(false);
  });
});

describe('a run that pins and tests', () => {
  it('is in no order where the pinned image is tested, unless acceptance was made to wait for pin', () => {
    expect(pinsWhatItTests(run(WITH_PIN), 'a:acceptance', lane('staging'))).toBe(true);
    expect(pinsWhatItTests(run([...WITH_PIN, 'a:acceptance>a:pin']), 'a:acceptance', lane('staging'))).toBe(false);
    expect(pinsWhatItTests(run(WITH_PIN), 'a:acceptance', lane('local'))).toBe(false);
    expect(pinsWhatItTests(run([...ACCEPTANCE, 'b:pin>base:buildx']), 'a:acceptance', lane('staging'))).toBe(false);
  });
});

describe("Nx's task graph", () => {
  const { tasks, dependencies, executorOf } = run(WITH_PIN);

  it.each([
    ['ids, as Nx 22 and 23 have them', dependencies],
    ['objects, as Nx 24 has them', Object.fromEntries(Object.entries(dependencies).map(([id, edges]) => [id, edges.map((edge) => ({ id: edge }))]))],
  ])('is understood with edges that are %s', (_, edges) => {
    const understood = tasksOfRun({ tasks, dependencies: edges }, executorOf);
    expect(understood.dependencies).toEqual(dependencies);
    expect(isAfterBuild(understood, 'a:pin', 'a')).toBe(true);
  });

  it('is empty where Nx hands none over', () => {
    expect(tasksOfRun(undefined, executorOf)).toMatchObject({ tasks: {}, dependencies: {} });
  });
});
