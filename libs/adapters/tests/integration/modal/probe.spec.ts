import { request } from 'node:https';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { HostingPlatform } from '@pinlane/pipeline';
import { errorOf, lackOf, requirement, temporaryFolder, withWarmPython } from '@pinlane/testing';
import { startModalStandIn, type ModalStandIn } from '@pinlane/testing/modal';
import { digestOf, hostingOf, ioOf, planOf, startEcho } from '../../support/modal.ts';

// Each command of the Python client takes seconds on a busy machine, and a test has many.
jest.setTimeout(300_000);

requirement(
  'modal',
  lackOf('modal'),
  describe,
)('a Sandbox beside a deployment', () => {
  let standIn: ModalStandIn;
  const warm = withWarmPython();
  let modal: HostingPlatform;

  const ask = (url: string): Promise<any> =>
    new Promise((resolve, reject) => {
      const out = request(url, { ca: standIn.certificate }, (response) => {
        response.toArray().then((chunks) => resolve(JSON.parse(Buffer.concat(chunks as Buffer[]).toString())), reject);
      });
      out.on('error', reject);
      out.end();
    });
  const probe = (signal?: AbortSignal) => modal.probe(planOf('a1', { secret: 'acme-echo' }), 60_000, ioOf(signal));
  const running = () => [...standIn.account.sandboxes.values()].filter((sandbox) => sandbox.running).length;

  beforeAll(() => {
    process.env['MODAL_CONFIG_PATH'] = '/dev/null/modal.toml';
  });
  beforeEach(async () => {
    standIn = await startModalStandIn({ python: warm(), start: startEcho });
    modal = hostingOf(standIn, temporaryFolder());
    await modal.secrets.put('staging', 'acme-echo', new Map([['API_KEY', 'value']]), ioOf());
    await modal.deploy(planOf('a1', { secret: 'acme-echo' }), ioOf());
  });
  afterEach(async () => {
    await standIn.stop();
  });

  it('runs the very image that runs, with a command and no secret, until it is ended', async () => {
    const sandbox = await probe();
    expect(await ask(sandbox.url)).toEqual({
      reference: `ghcr.io/acme/echo@${digestOf('a1')}`,
      environment: { IMAGE_DIGEST: digestOf('a1') },
      command: ['serve', '--now'],
    });
    expect([...standIn.account.sandboxes.values()]).toMatchObject([{ imageId: [...standIn.account.published.values()][0], secretIds: [], timeoutSecs: 60 }]);
    await sandbox.remove();
    expect(running()).toBe(0);
  });

  it('is ended though the command was interrupted, and though that is refused twice', async () => {
    const controller = new AbortController();
    const sandbox = await probe(controller.signal);
    controller.abort();
    standIn.faults.push({ method: 'SandboxTerminateV2', times: 2, fault: { kind: 'refuse', code: 'FAILED_PRECONDITION' } });
    await sandbox.remove();
    expect(running()).toBe(0);
  });

  it('is ended though the command was interrupted before it was told which one it is', async () => {
    const controller = new AbortController();
    standIn.faults.push({ method: 'SandboxCreateV2', times: 1, fault: { kind: 'before', happen: () => controller.abort() } });
    const error = await errorOf(() => probe(controller.signal));
    expect(error.code).toBe('ERR_CANCELLED');
    expect(standIn.account.sandboxes.size).toBe(1);
    expect(running()).toBe(0);
  });

  it('is named, with the end that it has in any case, if it can not be ended', async () => {
    const sandbox = await probe();
    standIn.faults.push({ method: 'SandboxTerminateV2', fault: { kind: 'refuse', code: 'FAILED_PRECONDITION' } });
    const error = await errorOf(() => sandbox.remove());
    expect(error.code).toBe('ERR_DEPLOY_CLEANUP');
    expect(error.message).toContain([...standIn.account.sandboxes.keys()][0]);
    expect(error.message).toContain('60 s after its start');
  });

  it('is ended if its tunnel does not come', async () => {
    standIn.faults.push({ method: 'SandboxGetTunnelsV2', fault: { kind: 'refuse', code: 'FAILED_PRECONDITION' } });
    expect(await errorOf(() => probe())).toMatchObject({ code: 'ERR_HOSTING_REFUSED' });
    expect([standIn.account.sandboxes.size, running()]).toEqual([1, 0]);
  });
});
