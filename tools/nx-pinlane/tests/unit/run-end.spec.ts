import { describe, expect, it } from '@jest/globals';
import { explainFailedBuilds } from '../../src/nx/run-end.ts';

const run = (statuses: Record<string, string>, argv: string[]): void => {
  const taskResults = Object.fromEntries(
    Object.entries(statuses).map(([id, status]) => {
      const [project, target] = id.split(':');
      return [id, { task: { id, target: { project, target } }, status }];
    }),
  );
  explainFailedBuilds(undefined, { taskResults, argv } as never);
};
const affected = ['node', 'nx', 'affected', '-t', 'pin'];

describe('The end of a run', () => {
  it('names the builds that failed', () => {
    expect(() => run({ 'a:buildx': 'failure', 'b:buildx': 'failure', 'c:pin': 'success' }, affected)).toThrow(/^a:buildx, b:buildx failed.*\n.*again/);
    expect(() => run({ 'a:base-for-pins': 'failure' }, affected)).toThrow(/^a:base-for-pins failed/);
  });

  it('says nothing of a run that went well, of a failure that nobody waited for, and of the one build that was asked for', () => {
    run({ 'a:buildx': 'success', 'a:pin': 'local-cache' }, affected);
    run({ 'a:buildx': 'success', 'a:pin': 'failure' }, affected);
    run({ 'a:buildx': 'failure' }, ['node', 'nx', 'run', 'a:buildx']);
  });

  it('leaves an interrupted run what it is', () => {
    run({ 'a:buildx': 'failure', 'b:buildx': 'stopped' }, affected);
  });
});
