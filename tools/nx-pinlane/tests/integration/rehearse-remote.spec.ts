import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { errorOf, temporaryFolder } from '@pinlane/testing';
import { openRemote } from '../../src/verbs/rehearse/remote.ts';
import { contextOf } from './support/verb-context.ts';

const git = (folder: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@localhost', ...args], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();

/** A workspace of one commit, and a remote for it. */
const make = async () => {
  const [root, state] = [temporaryFolder('root'), temporaryFolder('state')];
  git(root, 'init', '--quiet');
  writeFileSync(join(root, 'a'), 'a');
  git(root, 'add', '.');
  git(root, 'commit', '--quiet', '-m', 'one');
  const folder = join(state, 'remote');
  const open = () => openRemote(folder, root, contextOf(root, { env: process.env }));
  return { root, folder, open, ...(await open()) };
};

describe('the remote of a rehearsal', () => {
  it('has branches without files, to which a change is brought by merges', async () => {
    const { folder, remote, head } = await make();
    const first = (await remote.branches())['dev']!;
    const opened = await remote.bring('pr', head);
    expect(git(folder, 'log', '-1', '--format=%P', opened.after)).toBe(`${first} ${head}`);
    expect([opened.ref, (await remote.branches())['dev']]).toEqual(['refs/pull/1/merge', first]);
    const pushed = await remote.bring('dev', head);
    expect(pushed).toMatchObject({ ref: 'refs/heads/dev', before: first, payload: { before: first, after: pushed.after, deleted: false } });
    expect(await remote.branches()).toMatchObject({ dev: pushed.after, staging: first, main: first });
  });

  it('sets the same push off again, whatever was pushed on top of it', async () => {
    const { folder, remote, head, open } = await make();
    const pushed = await remote.bring('staging', head);
    const pins = git(folder, 'commit-tree', `${pushed.after}^{tree}`, '-p', pushed.after, '-m', 'pins');
    git(folder, 'update-ref', 'refs/heads/staging', pins);
    const again = await (await open()).remote.bring('staging', head);
    expect([again.before, again.after]).toEqual([pushed.before, pushed.after]);
    expect((await remote.branches())['staging']).toBe(pins);
  });

  it('has nothing for main before staging was rehearsed', async () => {
    const { remote, head } = await make();
    expect(await errorOf(() => remote.bring('main', 'refs/heads/staging'))).toMatchObject({ code: 'ERR_OPTION_INVALID' });
    const { after } = await remote.bring('staging', head);
    expect(git(remote.url.replace('file://', ''), 'log', '-1', '--format=%P', (await remote.bring('main', 'refs/heads/staging')).after)).toContain(after);
  });
});
