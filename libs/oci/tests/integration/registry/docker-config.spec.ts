import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { fail } from '@pinlane/contracts';
import { codeOf, errorOf, temporaryFolder } from '@pinlane/testing';
import { dockerCredentials } from '../../../src/index.ts';
import { runHelper } from '../../support/credential-helper.ts';

const basic = (username: string, password: string) => ({ kind: 'basic', username, password });
const base64 = (text: string) => Buffer.from(text).toString('base64');

const configured = async (config: unknown, helpers: Record<string, string> = {}) => {
  const path = temporaryFolder('oci');
  await writeFile(join(path, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
  for (const [name, script] of Object.entries(helpers)) {
    await writeFile(join(path, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`);
    await chmod(join(path, `docker-credential-${name}`), 0o755);
  }
  return dockerCredentials(runHelper, { DOCKER_CONFIG: path, PATH: `${path}:/usr/bin:/bin` });
};

/** A helper that answers for one server, and writes the action and the server it was asked for into the name. */
const helper = (server: string) =>
  `read -r server; [ "$server" = "${server}" ] || { echo "credentials not found in native keychain"; exit 1; }; echo '{"ServerURL":"x","Username":"'"$1"'","Secret":"word"}'`;

describe('Credentials from the Docker configuration', () => {
  it('are none where there is no file', async () => {
    expect(await dockerCredentials(runHelper, { HOME: temporaryFolder('oci') })('ghcr.io', 'x')).toBeUndefined();
  });

  it.each(['', '{"auths":null,"credHelpers":null,"credsStore":null}', '{"auths":{"ghcr.io":null}}', '{"auths":{"ghcr.io":{"auth":"","identitytoken":null}}}'])(
    'are none in a file that holds nothing but %j',
    async (text) => {
      expect(await (await configured(text))('ghcr.io', 'x')).toBeUndefined();
    },
  );

  it('are found in ~/.docker where DOCKER_CONFIG is not set', async () => {
    const find = dockerCredentials(runHelper, { HOME: join(temporaryFolder('oci'), 'nowhere') });
    expect(await find('ghcr.io', 'x')).toBeUndefined();
  });

  it('come from `auths`, with colons in the password', async () => {
    const find = await configured({ auths: { 'ghcr.io': { auth: base64('me:a:b') }, 'https://quay.io/v2/': { username: 'you', password: 'p' } } });
    expect(await find('ghcr.io', 'x')).toEqual(basic('me', 'a:b'));
    expect(await find('quay.io', 'x')).toEqual(basic('you', 'p'));
    expect(await find('hcr.io', 'x')).toBeUndefined();
    expect(await find('ghcr.io.evil', 'x')).toBeUndefined();
    expect(await find('ghcr.io:5000', 'x')).toBeUndefined();
  });

  it('for Docker Hub are found under the name it has had since its first version', async () => {
    const find = await configured({ auths: { 'https://index.docker.io/v1/': { auth: base64('me:word') } } });
    expect(await find('docker.io', 'library/node')).toEqual(basic('me', 'word'));
  });

  it('of a namespace go before those of its host', async () => {
    const find = await configured({ auths: { 'ghcr.io': { auth: base64('a:1') }, 'ghcr.io/owner': { auth: base64('b:2') } } });
    expect(await find('ghcr.io', 'owner/image')).toEqual(basic('b', '2'));
    expect(await find('ghcr.io', 'owners/image')).toEqual(basic('a', '1'));
  });

  it('may be an identity token or a registry token', async () => {
    const find = await configured({ auths: { a: { auth: base64('x:'), identitytoken: 'refresh' }, b: { registrytoken: 'bearer' } } });
    expect(await find('a', 'x')).toEqual({ kind: 'identity', token: 'refresh' });
    expect(await find('b', 'x')).toEqual({ kind: 'bearer', token: 'bearer' });
  });

  it('come from a credential helper, asked with `get` and the server on its input', async () => {
    const find = await configured(
      { credHelpers: { 'ghcr.io': 'own' }, credsStore: 'all' },
      { own: helper('ghcr.io'), all: helper('https://index.docker.io/v1/') },
    );
    expect(await find('ghcr.io', 'x')).toEqual(basic('get', 'word'));
    expect(await find('docker.io', 'x')).toEqual(basic('get', 'word'));
    expect(await find('quay.io', 'x')).toBeUndefined();
  });

  it('are none where the helper has none, whatever `auths` holds, but for a registry token', async () => {
    const auths = { 'quay.io': { auth: base64('me:word'), identitytoken: 'refresh' }, 'other.io': { auth: base64('me:word'), registrytoken: 'bearer' } };
    const find = await configured({ credsStore: 'all', auths }, { all: helper('ghcr.io') });
    expect(await find('quay.io', 'x')).toBeUndefined();
    expect(await find('other.io', 'x')).toEqual({ kind: 'bearer', token: 'bearer' });
  });

  it.each(['', null])('come from `auths` if the helper of the host is %j, though there is a `credsStore`', async (name) => {
    const auths = { 'ghcr.io': { auth: base64('me:word') }, 'https://index.docker.io/v1/': { auth: base64('hub:word') } };
    const credHelpers = { 'ghcr.io': name, 'https://index.docker.io/v1/': name };
    const find = await configured({ credHelpers, credsStore: 'all', auths }, { all: 'cat >/dev/null; exit 3' });
    expect(await find('ghcr.io', 'x')).toEqual(basic('me', 'word'));
    expect(await find('docker.io', 'x')).toEqual(basic('hub', 'word'));
    expect((await errorOf(() => find('quay.io', 'x'))).code).toBe('ERR_REGISTRY_AUTH');
  });

  it.each<[string, Record<string, unknown>, unknown]>([
    ['`auth` goes before a user name and a password', { auth: base64('a:1'), username: 'b', password: '2' }, basic('a', '1')],
    ['an empty `auth` is none', { auth: '', username: 'b', password: '2' }, basic('b', '2')],
    ['a null is none', { auth: null, username: 'b', password: '2', identitytoken: null, registrytoken: null }, basic('b', '2')],
    ['names are in any case', { AUTH: base64('a:1'), Username: 'b' }, basic('a', '1')],
    ['the zeros around a password are no part of it', { auth: base64('a:\0\u00001\0') }, basic('a', '1')],
    ['a password may be of several lines', { auth: base64('a:1\n:2') }, basic('a', '1\n:2')],
    ['a user name without a password is no login', { auth: base64('a:') }, undefined],
    ['a password without a user name is no login', { password: '2' }, undefined],
    ['a token goes before a login', { auth: base64('a:1'), identitytoken: 't' }, { kind: 'identity', token: 't' }],
    ['a registry token goes before all', { auth: base64('a:1'), identitytoken: 't', registrytoken: 'r' }, { kind: 'bearer', token: 'r' }],
  ])('of one entry: %s', async (_, entry, expected) => {
    expect(await (await configured({ auths: { 'ghcr.io': entry } }))('ghcr.io', 'x')).toEqual(expected);
  });

  it.each<[string, string, unknown]>([
    ['the host goes before an address of it', '{"auths":{"https://r.io/v2/":{"auth":"YToy"},"r.io":{"auth":"YTox"}}}', basic('a', '1')],
    ['an address with a scheme and any path', '{"auths":{"http://r.io/any/path":{"auth":"YTox"}}}', basic('a', '1')],
    ['an address without a scheme', '{"auths":{"r.io/v1/":{"auth":"YTox"}}}', basic('a', '1')],
    ['another port is another host', '{"auths":{"https://r.io:443/":{"auth":"YTox"}}}', undefined],
    ['of a key that is there twice the last counts', '{"auths":{"r.io":{"auth":"YToy"},"r.io":{"auth":"YTox"}}}', basic('a', '1')],
    ['maps whose names differ in case are one', '{"auths":{"r.io":{"auth":"YTox"}},"Auths":{"s.io":{"auth":"YToy"}}}', basic('a', '1')],
    ['a null adds nothing to the map before it', '{"auths":{"r.io":{"auth":"YTox"}},"AUTHS":null}', basic('a', '1')],
    ['what Docker has no name for does not matter', '{"auths":{"r.io":{"auth":"YTox","email":5}},"experimental":"enabled","proxies":{"a":1}}', basic('a', '1')],
    ['a helper by an address is asked for no host', '{"credHelpers":{"https://r.io":"none"},"auths":{"r.io":{"auth":"YTox"}}}', basic('a', '1')],
    ['a null is an empty file', 'null', undefined],
  ])('of one file: %s', async (_, text, expected) => {
    expect(await (await configured(text))('r.io', 'x')).toEqual(expected);
  });

  it('of a helper are none without a user name or a secret, and its answer may have names in any case', async () => {
    const answers: [string, unknown][] = [
      ['{"Username":"","Secret":""}', undefined],
      ['{"Username":"me"}', undefined],
      ['{"username":"me","SECRET":"word"}', basic('me', 'word')],
    ];
    for (const [answer, expected] of answers) {
      const find = await configured({ credsStore: 'all' }, { all: `cat >/dev/null; echo '${answer}'` });
      expect([answer, await find('r.io', 'x')]).toEqual([answer, expected]);
    }
  });

  it('hand the signal of the run on to the helper', async () => {
    const path = temporaryFolder('oci');
    await writeFile(join(path, 'config.json'), JSON.stringify({ credsStore: 'own' }));
    const stop = new AbortController();
    const seen: unknown[] = [];
    const run = async (_program: string, _input: string, { signal }: { readonly signal?: AbortSignal | undefined }) => {
      seen.push(signal);
      return { exitCode: 0, stdout: '{}' };
    };
    await dockerCredentials(run, { DOCKER_CONFIG: path }, stop.signal)('x', 'y');
    expect(seen).toEqual([stop.signal]);
  });

  it('from a helper may be a token', async () => {
    const find = await configured({ credsStore: 'all' }, { all: `cat >/dev/null; echo '{"Username":"<token>","Secret":"refresh"}'` });
    expect(await find('quay.io', 'x')).toEqual({ kind: 'identity', token: 'refresh' });
  });

  it('that cannot be had are an error that says why and shows no secret', async () => {
    const broken: [unknown, Record<string, string>, string][] = [
      ['{"auths": {"x": "hunter2"', {}, 'ERR_REGISTRY_AUTH'],
      [{ auths: { x: { auth: base64('hunter2') } } }, {}, 'ERR_REGISTRY_AUTH'],
      ['\uFEFF{"auths":{"x":{"password":"hunter2"}}}', {}, 'ERR_REGISTRY_AUTH'],
      [{ auths: { x: { password: ['hunter2'] } } }, {}, 'ERR_REGISTRY_AUTH'],
      [{ auths: 'hunter2' }, {}, 'ERR_REGISTRY_AUTH'],
      ['[{"auths":"hunter2"}]', {}, 'ERR_REGISTRY_AUTH'],
      [{ credsStore: '../evil' }, {}, 'ERR_REGISTRY_AUTH'],
      [{ credsStore: 'bad' }, { bad: 'echo hunter2' }, 'ERR_REGISTRY_AUTH'],
      [{ credsStore: 'bad' }, { bad: 'echo hunter2; exit 3' }, 'ERR_REGISTRY_AUTH'],
      [{ credsStore: 'bad' }, { bad: 'echo hunter2; kill -9 $$' }, 'ERR_REGISTRY_AUTH'],
    ];
    for (const [config, helpers, code] of broken) {
      const find = await configured(config, helpers);
      const error = await errorOf(() => find('x', 'y'));
      expect([config, error.code]).toEqual([config, code]);
      expect(`${error.message} ${String(error.cause)}`).not.toMatch('hunter2');
    }
  });

  it('need a way to start the helper that is named, and pass on why it could not be started', async () => {
    const path = temporaryFolder('oci');
    await writeFile(join(path, 'config.json'), JSON.stringify({ credsStore: 'own' }));
    const env = { DOCKER_CONFIG: path };
    const without = await errorOf(() => dockerCredentials(undefined, env)('x', 'y'));
    expect([without.code, without.message]).toEqual(['ERR_REGISTRY_AUTH', expect.stringContaining('docker-credential-own')]);
    const missing = async () => fail('ERR_TOOL_MISSING', 'not installed');
    expect(await codeOf(() => dockerCredentials(missing, env)('x', 'y'))).toBe('ERR_TOOL_MISSING');
  });

  it('that are in a file which can not be read are not none', async () => {
    const path = temporaryFolder('oci');
    await mkdir(join(path, 'a', 'config.json'), { recursive: true });
    await writeFile(join(path, 'config.json'), '{}');
    for (const wrong of [join(path, 'a'), join(path, 'config.json')]) {
      const error = await errorOf(() => dockerCredentials(runHelper, { DOCKER_CONFIG: wrong })('x', 'y'));
      expect(error.code).toBe('ERR_REGISTRY_AUTH');
      expect(error.message).toContain('DOCKER_CONFIG');
    }
  });

  it('are asked for again by each source, and the file is not needed before', async () => {
    expect(await codeOf(async () => (await configured('{'))('x', 'y'))).toBe('ERR_REGISTRY_AUTH');
  });
});
