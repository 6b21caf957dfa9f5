import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { openRepository } from '@pinlane/oci';
import { withWorkspace, type TestWorkspace } from './support/workspace.ts';

/** Builds an image that can be pulled. */
const build = async ({ pinlane }: TestWorkspace): Promise<string> => {
  const { stdout } = await pinlane('buildx', 'acme-base', '--json');
  return (JSON.parse(stdout) as { index: string }).index;
};

const resolved = async (host: string, path: string) => (await openRepository({ host, path }).resolve('latest')).digest;

describe('store-serve', () => {
  it('serves what was built from the moment it says so, and ends well when it is stopped', async () => {
    await withWorkspace(async (workspace) => {
      const index = await build(workspace);
      const served = workspace.start('nx', 'run', 'pinlane:store-serve', '--port=0', '--outputStyle=stream');
      try {
        const [, folder, host] = await served.says(/(\S+) is served at http:\/\/(127\.0\.0\.1:\d+);/);
        expect(folder).toBe(join(workspace.root, '.pinlane/store'));
        expect(await resolved(host as string, 'acme-base')).toBe(index);
        await served.says(/GET \/v2\/acme-base\/manifests\/latest 200 \d+ \d+ms/);
        await served.end('SIGTERM');
        await expect(fetch(`http://${host}/v2/`)).rejects.toThrow();
      } finally {
        await served.end('SIGKILL');
      }
    });
  }, 120_000);

  it('is a command too: --json prints one document, and a signal is a good end', async () => {
    await withWorkspace(async (workspace) => {
      const index = await build(workspace);
      const served = workspace.start('pinlane', 'serve', '--port=0', '--json', '--readonly', '--quiet');
      try {
        const [, port] = await served.says(/"origin":"http:\/\/127\.0\.0\.1:(\d+)"/);
        expect(await resolved(`127.0.0.1:${port}`, 'acme-base')).toBe(index);
        expect((await fetch(`http://127.0.0.1:${port}/v2/app/blobs/uploads/`, { method: 'POST' })).status).toBe(405);

        const second = await workspace.pinlane('serve', `--port=${port}`);
        expect([second.exitCode, second.stderr]).toEqual([1, expect.stringContaining(`ERR_STORE_LISTEN: 127.0.0.1:${port} is taken`)]);
        const file = await workspace.pinlane('serve', '--port=0', '--store=nx.json');
        expect([file.exitCode, file.stderr]).toEqual([1, expect.stringContaining('ERR_OPTION_INVALID: --store: nx.json is no folder')]);

        const { exitCode, stdout } = await served.end('SIGINT');
        const document = {
          kind: 'StoreServer',
          schemaVersion: 1,
          origin: `http://127.0.0.1:${port}`,
          root: join(workspace.root, '.pinlane/store'),
          readOnly: true,
        };
        expect([
          exitCode,
          stdout
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as unknown),
        ]).toEqual([0, [document]]);
      } finally {
        await served.end('SIGKILL');
      }
    });
  }, 120_000);
});
