import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { errorOf } from '@pinlane/testing';
import { clientEnvironment } from '../../../src/hosting/modal/client-environment.ts';
import { serverDeployArguments, whyNotDeployable } from '../../../src/hosting/modal/deploy-arguments.ts';
import { failOfText, failureOf } from '../../../src/hosting/modal/failures.ts';
import { parsePublished, publishedName } from '../../../src/hosting/modal/names.ts';
import { requireSdk, SDK_VERSION } from '../../../src/hosting/modal/sdk.ts';
import { parseTold, serverInfoOf, serverOf } from '../../../src/hosting/modal/server-info.ts';
import { planOf } from '../../support/modal.ts';

const HEX = 'a1'.repeat(32);

/** As `modal server info --json` of the client 1.6.4 tells one. */
const told = {
  name: 'Server',
  object_id: 'fu-1',
  server_url: 'https://acme--echo.example',
  port: 8000,
  unauthenticated: false,
  routing_region: 'us-east',
  image_info: { image_name: null, image_id: 'im-1' },
  cpu: 1,
  memory_mib: [2048, 4096],
  gpus: [['H100', 2]],
  secrets: ['st-1'],
  target_concurrency: null,
  min_containers: null,
  max_containers: null,
  scaledown_window: null,
};

describe('what the client of Modal tells of a Server', () => {
  it('is read with its requests, not its limits, and with defaults where nothing is set', () => {
    expect(serverInfoOf(told)).toMatchObject({
      imageId: 'im-1',
      cpu: 1,
      memoryMib: 2048,
      gpu: 'H100:2',
      proxyAuth: true,
      scaling: { min: 0, max: null, idleSeconds: null },
    });
  });

  it.each([
    ['nothing', null],
    ['no object', 'Server'],
    ['no image', { ...told, image_info: { image_id: null } }],
    ['an image of another kind', { ...told, image_info: { image_id: 7 } }],
    ['no id', { ...told, object_id: '' }],
    ['no address', { ...told, server_url: undefined }],
    ['resources of another kind', { ...told, cpu: 'many' }],
  ])('is refused if it is %s, and never guessed', async (_, given) => {
    expect(await errorOf(() => serverInfoOf(given))).toMatchObject({ code: 'ERR_HOSTING_REFUSED' });
  });

  it.each(['', 'Traceback (most recent call last)', '{"a":', '[1]]'])('is refused if it is no JSON: %j', async (text) => {
    expect(await errorOf(() => parseTold(text, 'reading'))).toMatchObject({ code: 'ERR_HOSTING_REFUSED' });
  });
});

describe('the published name of a pin', () => {
  it.each([publishedName('acme-echo', `sha256:${HEX}`), `staging/acme-echo:${HEX}`])('tells the digest: %s', (name) => {
    expect(parsePublished(name)).toEqual({ slug: 'acme-echo', digest: `sha256:${HEX}` });
  });

  it.each([
    '',
    'acme-echo',
    'acme-echo:latest',
    `acme-echo:${HEX.slice(1)}`,
    `acme-echo:${HEX}0`,
    `acme-echo:${HEX.toUpperCase()}`,
    `a/b/acme-echo:${HEX}`,
    `Acme:${HEX}`,
    `acme-echo:${HEX}\n`,
  ])('is none of ours: %j', (name) => {
    expect(parsePublished(name)).toBeNull();
  });
});

describe('what is deployed', () => {
  const { settings } = planOf('a1');
  const more = (changes: object) => ({ app: 'acme-echo-v1', image: 'i', secrets: [], env: {}, settings: { ...settings, ...changes } });

  it('is told in arguments that can not be taken for options, whatever registry.yaml says', () => {
    const args = serverDeployArguments({ ...more({ region: '--yes', proxyAuth: false, concurrency: undefined }), app: '-x', secrets: ['-s'] });
    expect(args.slice(2).filter((arg) => !/^--[a-z-]+(?:=|$)/.test(arg))).toEqual([]);
    expect(args).toEqual(expect.arrayContaining(['--region=--yes', '--app-name=-x', '--secret=-s', '--unauthenticated', '--memory=307', '--cpu=0.5']));
    expect(args.filter((arg) => arg.startsWith('--target-concurrency'))).toEqual([]);
  });

  it.each([
    ['the name', { app: 'ap-abcdefghijklmnopqrstuv' }, 1],
    ['a name with a slash', { app: 'a/b' }, 1],
    ['a long name', { app: 'a'.repeat(65) }, 1],
    ['no name', { app: '' }, 1],
    ['the GPU', more({ resources: { ...settings.resources, gpu: 'H100 --yes' } }), 1],
    ['nothing of several GPUs', more({ resources: { ...settings.resources, gpu: 'H100:8,A100' } }), 0],
    ['a short patience', more({ scaling: { ...settings.scaling, idleSeconds: 1 } }), 1],
    ['nothing', {}, 0],
  ])('is refused before anything is asked of Modal for %s', (_, changes, count) => {
    expect(whyNotDeployable({ ...more({}), ...changes })).toHaveLength(count);
  });
});

describe('the SDK', () => {
  it('is the version that the packages depend on, and no other is spoken with', async () => {
    for (const file of ['libs/adapters/package.json', 'tools/nx-pinlane/package.json'])
      expect(JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../../..', file), 'utf8'))).toMatchObject({ dependencies: { modal: SDK_VERSION } });
    expect(() => requireSdk(SDK_VERSION)).not.toThrow();
    for (const version of ['', '0.11.10', '0.12.0', '1.0.0'])
      expect(await errorOf(() => requireSdk(version))).toMatchObject({ code: 'ERR_TOOL_MISSING', message: expect.stringContaining(SDK_VERSION) });
  });

  it('tells a Server with its requests, not its limits, and nothing of what is none', async () => {
    const run = {
      imageId: 'im-1',
      secretIds: ['st-1'],
      resources: { milliCpu: 500, memoryMb: 2048, memoryMbMax: 4096, gpuConfig: { gpuType: 'H100', count: 2 } },
    };
    const data = { httpConfig: { port: 8000, unauthenticated: true, proxyRegions: ['eu'] }, rankedFunctions: [{ function: run }], flashServiceUrls: [] };
    const settings = { minContainers: 1, maxContainers: 0, scaledownWindow: 60, targetConcurrency: 3 };
    const read = (more: object, scaling: object | null = settings) => serverOf('fu-1', { ...data, ...more } as never, scaling as never);
    expect(read({})).toEqual({
      ...{ id: 'fu-1', url: '', imageId: 'im-1', secretIds: ['st-1'], port: 8000, proxyAuth: false, region: 'eu', cpu: 0.5, memoryMib: 2048, gpu: 'H100:2' },
      ...{ scaling: { min: 1, max: null, idleSeconds: 60 }, concurrency: 3 },
    });
    expect(read({}, null)).toMatchObject({ scaling: { min: 0, max: null, idleSeconds: null } });
    for (const none of [{ httpConfig: undefined }, { rankedFunctions: [] }, { rankedFunctions: [{ function: { ...run, imageId: '' } }] }])
      expect(await errorOf(() => read(none))).toMatchObject({ code: 'ERR_HOSTING_REFUSED' });
    expect(await errorOf(() => serverOf('fu-1', undefined, undefined))).toMatchObject({ code: 'ERR_HOSTING_REFUSED' });
  });
});

describe('the environment of the client', () => {
  it('holds the environment that was asked for, whatever the caller has, and keeps loopback from proxies', () => {
    const env = clientEnvironment(
      { MODAL_ENVIRONMENT: 'main', MODAL_SERVER_URL: 'http://127.0.0.1:1', HTTPS_PROXY: 'p', NO_PROXY: 'a', PYTHONPATH: 'x', SECRET: 'y' },
      'staging',
    );
    expect(env).toMatchObject({ MODAL_ENVIRONMENT: 'staging', NO_PROXY: 'a,127.0.0.1,localhost', MODAL_DISABLE_API_PROXY: '1' });
    expect(Object.keys(env)).not.toEqual(expect.arrayContaining(['PYTHONPATH']));
    expect(Object.keys(env)).not.toEqual(expect.arrayContaining(['SECRET']));
    expect(clientEnvironment({ MODAL_SERVER_URL: 'https://api.example', NO_PROXY: 'a' }, 'dev')).toEqual({
      MODAL_SERVER_URL: 'https://api.example',
      NO_PROXY: 'a',
      MODAL_ENVIRONMENT: 'dev',
    });
  });
});

describe('what went wrong at Modal', () => {
  it.each([
    [{ code: 16, details: 'bad' }, 'ERR_HOSTING_AUTH'],
    [{ code: 7, details: 'bad' }, 'ERR_HOSTING_AUTH'],
    [{ code: 14, details: 'bad' }, 'ERR_HOSTING_UNAVAILABLE'],
    [{ code: 9, details: 'bad' }, 'ERR_HOSTING_REFUSED'],
    [{ name: 'AbortError' }, 'ERR_HOSTING_UNAVAILABLE'],
    [new Error('Profile is missing credentials.'), 'ERR_HOSTING_AUTH'],
    [null, 'ERR_HOSTING_REFUSED'],
  ])('has a code of ours: %j', (thrown, code) => {
    expect(failureOf(thrown, 'reading', [])).toMatchObject({ code });
  });

  it('is told without the frame around it and without the values given', async () => {
    const text = "╭─ Error ─────╮\n│ Environment 'x' not found, said as-secret │\n╰────╯\n";
    const error = await errorOf(() => failOfText(text, 'reading', ['as-secret']));
    expect(error).toMatchObject({ code: 'ERR_HOSTING_ENVIRONMENT' });
    expect(error.problems[0]!.message).toBe("Modal, while reading: Environment 'x' not found, said [redacted]");
  });
});
