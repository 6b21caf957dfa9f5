import { describe, expect, it } from '@jest/globals';
import { errorOf } from '@pinlane/testing';
import { clientEnvironment } from '../../../src/hosting/modal/client-environment.ts';
import { serverDeployArguments, whyNotDeployable } from '../../../src/hosting/modal/deploy-arguments.ts';
import { failOfText, failureOf } from '../../../src/hosting/modal/failures.ts';
import { parsePublished, publishedName } from '../../../src/hosting/modal/names.ts';
import { parseTold, serverInfoOf } from '../../../src/hosting/modal/server-info.ts';
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
