import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { groupFields, groupPaths } from '../../../src/docker/grouping.ts';
import { parseSecrets, secretValues } from '../../../src/docker/secrets.ts';

describe('entries that a command line took apart', () => {
  it.each([
    [['type=registry', 'ref=r'], ['type=registry,ref=r']],
    [
      ['type=registry', 'ref=r', 'type=gha'],
      ['type=registry,ref=r', 'type=gha'],
    ],
    [
      ['id=a', 'env=A', 'id=b', 'src=B'],
      ['id=a,env=A', 'id=b,src=B'],
    ],
    [
      ['user/app:cache', 'type=gha'],
      ['user/app:cache', 'type=gha'],
    ],
    [
      ['type=registry,ref=r', 'type=gha'],
      ['type=registry,ref=r', 'type=gha'],
    ],
  ])('are put together again: %p', (given, expected) => {
    expect(groupFields(given)).toEqual(expected);
  });
});

describe('agents and keys of SSH', () => {
  it.each([
    [['default'], ['default']],
    [
      ['github=/keys/a', 'gitlab=/keys/b'],
      ['github=/keys/a', 'gitlab=/keys/b'],
    ],
    [['both=/keys/a,/keys/b'], ['both=/keys/a,/keys/b']],
    [
      ['default', 'both=/keys/a', 'keys/b', 'other'],
      ['default', 'both=/keys/a,keys/b', 'other'],
    ],
  ])('are each an entry of their own, with all of their paths: %p', (given, expected) => {
    expect(groupPaths(given)).toEqual(expected);
  });
});

describe('secrets of a build', () => {
  it('are named by variable or by file', () => {
    expect(parseSecrets(['id=npm,env=NPM_TOKEN', 'id=key,src=a/b', 'type=env,id=SET', 'id=SET', 'id=file.txt'], { SET: 'x' })).toEqual([
      { id: 'npm', from: { kind: 'env', name: 'NPM_TOKEN' } },
      { id: 'key', from: { kind: 'file', path: 'a/b' } },
      { id: 'SET', from: { kind: 'env', name: 'SET' } },
      { id: 'SET', from: { kind: 'env', name: 'SET' } },
      { id: 'file.txt', from: { kind: 'file', path: 'file.txt' } },
    ]);
  });

  it('are hidden whole and line by line, as a log shows them', async () => {
    const [folder, env] = [temporaryFolder('secrets'), { NPM_TOKEN: 'of-a-variable' }];
    await writeFile(join(folder, 'key'), 'first line\n  second line\n\n');
    const values = await secretValues(parseSecrets(['id=key,src=key', 'id=npm,env=NPM_TOKEN'], env), folder, env);
    expect(values).toEqual(['first line\n  second line', 'first line', 'second line', 'of-a-variable']);
  });

  it.each(['NPM_TOKEN=hunter2canary', 'hunter2canary', 'id=npm,value=hunter2canary', 'id=,env=A', 'id=a,type=hunter2canary', 'id=a,env=hunter2canary!'])(
    'are refused where they may hold a value, which is never repeated: %p',
    (entry) => {
      const attempt = () => parseSecrets([entry], {});
      expect(attempt).toThrow('ERR_OPTION_INVALID');
      expect(attempt).not.toThrow('hunter2canary');
    },
  );
});
