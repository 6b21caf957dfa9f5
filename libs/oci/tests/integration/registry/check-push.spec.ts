import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { errorOf, lackOf, requirement, startDockerRegistry, startRegistry, temporaryFolder, type FaultRule } from '@pinlane/testing';
import { openRepository, type RepositoryOptions } from '../../../src/index.ts';

const LOGIN = { scheme: 'bearer', username: 'alice', password: 'of-alice' } as const;
const alice = async () => ({ kind: 'basic', username: LOGIN.username, password: LOGIN.password }) as const;
const nobody = async () => undefined;

const answers = (method: string, status: number, body = '', times?: number): FaultRule => ({
  when: (request) => request.method === method && request.url.includes('/blobs/uploads/'),
  ...(times === undefined ? {} : { times }),
  fault: { kind: 'answer', status, body },
});
const hangs = (method: string): FaultRule => ({ when: (request) => request.method === method, fault: { kind: 'hang' } });

const check = async (registry: Awaited<ReturnType<typeof startRegistry>>, options: RepositoryOptions) => {
  try {
    return await openRepository({ host: registry.host, path: 'acme/echo' }, { auth: nobody, retry: { attempts: 1 }, idleMs: 300, ...options }).checkPush();
  } finally {
    await registry.close();
  }
};

describe('Whether images may be pushed', () => {
  it('is found out by an upload that is begun and given up: nothing else is asked, and nothing is left', async () => {
    const registry = await startRegistry({ auth: LOGIN });
    expect(await check(registry, { auth: alice })).toEqual({ clean: true });
    const asked = registry.requests.filter(({ url }) => url.startsWith('/v2/')).map(({ method, url }) => `${method} ${url.replace(/[0-9a-f-]{36}.*/, '<id>')}`);
    expect(new Set(asked)).toEqual(new Set(['POST /v2/acme/echo/blobs/uploads/', 'DELETE /v2/acme/echo/blobs/uploads/<id>']));
    expect([registry.blobs.size, registry.manifests.size]).toEqual([0, 0]);
  });

  it.each([
    ['nobody is logged in', { auth: LOGIN }, nobody, 'ERR_REGISTRY_AUTH'],
    ['the registry says 401 whoever asks', { faults: [answers('POST', 401)] }, alice, 'ERR_REGISTRY_AUTH'],
    ['the registry says 403', { faults: [answers('POST', 403, '{"errors":[{"code":"DENIED"}]}')] }, alice, 'ERR_REGISTRY_DENIED'],
    ['there is no such repository, and pushing makes none', { faults: [answers('POST', 404)] }, alice, 'ERR_REGISTRY_DENIED'],
    ['a rate limit says 403', { faults: [answers('POST', 403, 'rate limit exceeded')] }, alice, 'ERR_REGISTRY_UNAVAILABLE'],
    ['it is down', { faults: [answers('POST', 503)] }, alice, 'ERR_REGISTRY_UNAVAILABLE'],
    ['it hangs', { faults: [hangs('POST')] }, alice, 'ERR_REGISTRY_UNAVAILABLE'],
  ])('is refused, or not known, if %s', async (_, options, auth, code) => {
    const registry = await startRegistry(options);
    expect(await errorOf(() => check(registry, { auth }))).toMatchObject({ code });
    expect(registry.requests.filter(({ method }) => method === 'DELETE')).toEqual([]);
  });

  it.each([
    ['refuses to', answers('DELETE', 405)],
    ['fails to', answers('DELETE', 500)],
    ['does not answer, to', hangs('DELETE')],
  ])('is so also if the registry %s give an upload up, and that is told', async (_, fault) => {
    expect(await check(await startRegistry({ faults: [fault] }), {})).toEqual({ clean: false });
  });

  it('gives an upload up also if the work was broken off as soon as it had begun', async () => {
    const stop = new AbortController();
    const registry = await startRegistry({
      faults: [{ when: ({ method }) => (method === 'DELETE' && stop.abort(), false), fault: { kind: 'hang' } }],
    });
    expect(await check(registry, { signal: stop.signal })).toEqual({ clean: true });
  });
});

requirement(
  'registry',
  lackOf('registry'),
  describe,
)('Whether images may be pushed, by a real registry', () => {
  it('leaves no upload and no manifest', async () => {
    const folder = temporaryFolder('registry');
    const data = join(folder, 'data');
    const configuration = { version: 0.1, log: { level: 'info' }, storage: { filesystem: { rootdirectory: data } }, http: { addr: '127.0.0.1:0' } };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(configuration));
    const { host, process } = await startDockerRegistry(join(folder, 'config.json'));
    try {
      expect(await openRepository({ host, path: 'acme/echo' }, { auth: nobody }).checkPush()).toEqual({ clean: true });
      const left = readdirSync(data, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
      // It writes the state of a hash when an upload is closed, after it has removed the upload: what it does not know any more, it purges.
      expect(left.filter(({ parentPath }) => !parentPath.includes('/hashstates/'))).toEqual([]);
      expect(await openRepository({ host, path: 'acme/echo' }, { auth: nobody }).tags()).toEqual([]);
    } finally {
      if (process.exitCode === null && process.kill()) await once(process, 'exit');
    }
  });
});
