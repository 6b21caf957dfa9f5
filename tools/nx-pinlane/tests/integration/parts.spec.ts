import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { PinCommit, PinReport, Since } from '@pinlane/contracts';
import { startRegistry, type TestRegistry } from '@pinlane/testing';
import { verb as commitPins } from '../../src/verbs/commit-pins/verb.ts';
import { verb as pin } from '../../src/verbs/pin/verb.ts';
import { verb as since } from '../../src/verbs/since/verb.ts';
import { partOf } from '../../src/workspace/part.ts';
import { makeSmall, of, openLanes, type LanesWorld } from './support/lanes-world.ts';
import type { TestWorkspace } from './support/workspace.ts';

jest.setTimeout(300_000);

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.close());

const NAMES = ['one', 'two', 'three', 'four', 'five', 'six'];

/** The names of the repositories to which a manifest or a blob was put since the last look. */
const pushed = (): string[] => {
  const found = registry.requests.flatMap(({ method, url }) => (method === 'PUT' || method === 'POST' ? (/\/acme\/acme-(\w+)\//.exec(url)?.[1] ?? []) : []));
  registry.requests.length = 0;
  return [...new Set(found)].sort();
};

describe('Processors that several runners build in parts', () => {
  const affected = async (world: LanesWorld, job: TestWorkspace, part?: string) => {
    const { base } = (await world.carryOut(job.root, since, 'staging')).document as Since;
    registry.requests.length = 0;
    const variables = { ...world.env('staging'), NX_BASE: base, ...(part === undefined ? {} : { PINLANE_PART: part }) };
    const ran = await job.nxWith(variables, 'affected', '-t', 'pin', '--outputStyle=static');
    return { exitCode: ran.exitCode, output: ran.output, pushed: pushed() };
  };

  it('are built once each, and pinned by one more that finds them all, in one commit', async () => {
    const world = await openLanes(await makeSmall(NAMES), `${registry.host}/parts`);
    const shareOf = (part: number) => NAMES.filter((name) => partOf(`acme-${name}`, 2) === part).sort();
    expect([shareOf(1).length, shareOf(2).length]).not.toContain(0);
    for (const part of [1, 2]) {
      const ran = await affected(world, await world.clone(), `${part}/2`);
      expect([ran.exitCode, ran.pushed, ran.output]).toEqual([
        0,
        shareOf(part),
        expect.stringContaining(`left to part ${3 - part} of 2; this is part ${part}`),
      ]);
    }
    const job = await world.clone();
    const gathered = await affected(world, job);
    expect([gathered.exitCode, gathered.pushed]).toEqual([0, []]);
    expect(gathered.output.match(/^acme\/\w+@1 {2}pinned/gm)).toHaveLength(NAMES.length);
    const { document } = await world.carryOut(job.root, commitPins, 'staging');
    expect(new Set((document as PinCommit).changes.map(({ file }) => file)).size).toBe(NAMES.length);
    expect(world.pinCommits()).toHaveLength(1);
  });

  it('are looked at whole where nothing is written, and committed by no runner that has a part', async () => {
    const world = await openLanes(await makeSmall(['one']), `${registry.host}/whole`);
    const job = await world.clone();
    const theirs = `${3 - partOf('acme-one', 2)}/2`;
    const carried = (verb: typeof pin, options: object, PINLANE_PART: string) =>
      world.carryOut(job.root, verb, 'staging', { ...of('one'), options: { ...options }, variables: { PINLANE_PART } });
    const left = await carried(pin, {}, theirs);
    expect([left.exitCode, (left.document as PinReport).outcome, pushed()]).toEqual([0, 'unchanged', []]);
    // Nothing is pinned, whoever was to do it.
    expect((await carried(pin, { check: true }, theirs)).exitCode).toBe(2);
    expect(await carried(commitPins, {}, '1/1')).toMatchObject({ exitCode: 1, code: 'ERR_PIN_COMMIT_UNFINISHED' });
    expect(await carried(pin, {}, '2/1')).toMatchObject({ exitCode: 1, code: 'ERR_OPTION_INVALID' });
    expect(world.pinCommits()).toEqual([]);
  });
});
