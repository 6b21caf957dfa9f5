import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { lackOf, requirement, withWarmPython } from '@pinlane/testing';
import { standInEnvironment, startModalStandIn, type ContainerPlan, type ModalStandIn, type StandInOptions } from '@pinlane/testing/modal';

const HEX = 'a1'.repeat(32);
const OTHER = 'b2'.repeat(32);
const APP = 'acme-echo-v1';

/** A container that tells what it was started from. */
const startEcho = async ({ reference, environment, arguments: command }: ContainerPlan) => {
  const told = JSON.stringify({ reference, digest: environment.get('IMAGE_DIGEST'), key: environment.get('API_KEY'), command });
  const server = createServer((_, response) => response.end(told));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => server.close() };
};

// Each command of the Python client takes seconds on a busy machine, and a test has many.
jest.setTimeout(300_000);

requirement(
  'modal',
  lackOf('modal'),
  describe,
)("the stand-in of Modal's control plane, driven by the real clients", () => {
  let standIn: ModalStandIn;
  const warm = withWarmPython();

  const start = async (options: Partial<StandInOptions> = {}): Promise<ModalStandIn> => {
    standIn = await startModalStandIn({ python: warm(), start: startEcho, ...options });
    Object.assign(process.env, standInEnvironment(standIn));
    return standIn;
  };
  const python = (...args: string[]) => pythonWith({}, ...args);
  const pythonWith = (env: Record<string, string>, ...args: string[]) =>
    new Promise<{ readonly code: number; readonly text: string; readonly stdout: string }>((resolve) =>
      execFile(
        warm(),
        ['-m', 'modal', ...args],
        { env: { PATH: process.env['PATH'], ...standInEnvironment(standIn), ...env }, timeout: 60_000 },
        (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? 1) : 0, text: stdout + stderr, stdout }),
      ),
    );
  const js = async () => new (await import('modal')).ModalClient({ environment: 'staging', tokenId: standIn.token.id, tokenSecret: standIn.token.secret });
  const build = async (hex = HEX) => {
    const client = await js();
    const helper = await client.apps.fromName('helper', { environment: 'staging', createIfMissing: true });
    const image = await client.images
      .fromRegistry(`ghcr.io/acme/echo@sha256:${hex}`)
      .dockerfileCommands([`ENV IMAGE_DIGEST=sha256:${hex}`])
      .build(helper);
    await image.publish(`acme-echo:${hex}`, { environment: 'staging' });
    return image.imageId;
  };
  const deploy = (hex = HEX, ...more: string[]) =>
    python('server', 'deploy', '--yes', '--image', `acme-echo:${hex}`, '--port', '8000', '--app-name', APP, '--env', 'staging', ...more);
  const info = async () => JSON.parse((await python('server', 'info', `${APP}/Server`, '--env', 'staging', '--json')).stdout) as Record<string, any>;
  const ask = async (url: string, headers = { 'Modal-Key': standIn.proxyToken.key, 'Modal-Secret': standIn.proxyToken.secret }) => {
    const response = await fetch(url, { headers });
    return { status: response.status, text: await response.text() };
  };

  beforeAll(() => {
    // Read once, when the SDK is loaded.
    process.env['MODAL_CONFIG_PATH'] = '/dev/null/modal.toml';
  });
  afterEach(async () => {
    await standIn.stop();
  });

  it('takes a deploy of an image that one client built and the other deploys, and runs it with the ENV of its commands', async () => {
    await start();
    const imageId = await build();
    expect(await deploy(HEX, '--cpu', '0.5', '--memory', '512', '--max-containers', '3')).toMatchObject({ code: 0 });
    const told = await info();
    expect(told).toMatchObject({ image_info: { image_id: imageId }, cpu: 0.5, memory_mib: 512, max_containers: 3, port: 8000 });
    expect((await ask(told['server_url'], {} as never)).status).toBe(401);
    expect(JSON.parse((await ask(told['server_url'])).text)).toMatchObject({
      reference: `ghcr.io/acme/echo@sha256:${HEX}`,
      digest: `sha256:${HEX}`,
      command: [],
    });
  });

  it('takes the same deploy twice as no change, another image and a rollover as versions, and a rollback as one more', async () => {
    await start();
    await build();
    await deploy();
    expect((await deploy()).text).toContain('no changes detected');
    const other = await build(OTHER);
    await deploy(OTHER);
    expect((await info())['image_info'].image_id).toBe(other);
    await python('app', 'rollover', APP, '--env', 'staging');
    await python('app', 'rollback', APP, 'v1', '--env', 'staging');
    expect((await info())['image_info'].image_id).not.toBe(other);
    expect(JSON.parse((await python('app', 'info', APP, '--env', 'staging', '--json')).stdout).lifecycle).toMatchObject({ state: 'deployed', version: 4 });
  });

  it('runs a rotated secret only in containers that a rollover started', async () => {
    await start();
    await build();
    await pythonWith({}, 'secret', 'create', 'keys', 'API_KEY=one', '--env', 'staging');
    await deploy(HEX, '--secret', 'keys');
    const url = (await info())['server_url'];
    expect(JSON.parse((await ask(url)).text).key).toBe('one');
    await pythonWith({}, 'secret', 'create', 'keys', 'API_KEY=two', '--force', '--env', 'staging');
    expect(JSON.parse((await ask(url)).text).key).toBe('one');
    await python('app', 'rollover', APP, '--env', 'staging');
    expect(JSON.parse((await ask(url)).text).key).toBe('two');
  });

  it('tells a stopped app from one that never was', async () => {
    await start();
    await build();
    await deploy();
    await python('app', 'stop', APP, '--yes', '--env', 'staging');
    expect(JSON.parse((await python('app', 'info', APP, '--env', 'staging', '--json')).stdout).lifecycle.state).toBe('stopped');
    expect((await python('app', 'info', 'nobody', '--env', 'staging', '--json')).text).toContain("No App with name 'nobody'");
  });

  it('keeps the version that runs where an image does not build, and where a newer one is only staged', async () => {
    await start({ pull: (reference) => (reference.includes(OTHER) ? 'manifest unknown' : null) });
    const imageId = await build();
    await deploy();
    await expect(build(OTHER)).rejects.toThrow('manifest unknown');
    expect((await deploy(OTHER)).text).toContain('is not a published Modal Image');
    standIn.stage('staging', APP, `ghcr.io/acme/echo@sha256:${OTHER}`);
    expect((await info())['image_info'].image_id).toBe(imageId);
    expect(JSON.parse((await python('app', 'history', APP, '--env', 'staging', '--json')).stdout)[0].version).toBe('v2');
    expect(JSON.parse((await python('app', 'info', APP, '--env', 'staging', '--json')).stdout).lifecycle.version).toBe(1);
  });

  it('refuses a wrong token and an environment that is not there, to both clients', async () => {
    await start();
    expect((await pythonWith({ MODAL_TOKEN_SECRET: 'wrong' }, 'app', 'list', '--env', 'staging', '--json')).text).toContain('Token ID is malformed');
    expect((await python('app', 'list', '--env', 'nowhere', '--json')).text).toContain("Environment 'nowhere' not found");
    const client = await js();
    await expect(client.environments.fromName('nowhere')).rejects.toThrow("Environment 'nowhere' not found");
  });

  it('runs a Sandbox behind an HTTPS tunnel until it is ended', async () => {
    await start();
    const imageId = await build();
    const client = await js();
    const helper = await client.apps.fromName('helper', { environment: 'staging' });
    const sandbox = await client.sandboxes.create(helper, await client.images.fromId(imageId), {
      command: ['serve'],
      encryptedPorts: [8000],
      timeoutMs: 60_000,
    });
    expect((await sandbox.tunnels())[8000]!.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    await sandbox.terminate();
    expect([...standIn.account.sandboxes.values()].map(({ running }) => running)).toEqual([false]);
  });

  it('answers some requests with the version before, as a deploy that rolls does', async () => {
    await start();
    await build();
    await deploy();
    const url = (await info())['server_url'];
    await ask(url);
    await build(OTHER);
    standIn.keepServing(APP, 2);
    await deploy(OTHER);
    const digests = [];
    for (let at = 0; at < 4; at++) digests.push(JSON.parse((await ask(url)).text).digest.slice(7, 9));
    expect(digests).toEqual(['a1', 'a1', 'b2', 'b2']);
  });

  it('does a call once whose answer was lost, though the client tries again', async () => {
    await start();
    await build();
    standIn.faults.push({ method: 'AppPublish', times: 1, fault: { kind: 'lose' } });
    expect(await deploy()).toMatchObject({ code: 0 });
    expect([...standIn.account.apps.values()].find(({ name }) => name === APP)!.versions).toHaveLength(1);
    expect(standIn.calls.filter(({ method }) => method === 'AppPublish')).toHaveLength(2);
  });

  it('fails a test by the name of a call that it does not know', async () => {
    await start();
    expect((await python('volume', 'list', '--env', 'staging')).code).not.toBe(0);
    await expect(standIn.stop()).rejects.toThrow('VolumeList');
  });

  it('keeps of the metadata of a call the names alone', async () => {
    await start();
    await python('app', 'list', '--env', 'staging', '--json');
    expect(standIn.calls.at(-1)).toMatchObject({ client: 'python', method: 'AppList', environment: 'staging' });
    expect(standIn.calls.at(-1)!.metadata).toContain('x-modal-token-secret');
    expect(JSON.stringify(standIn.calls)).not.toContain(standIn.token.secret);
  });
});
