import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { deployToModal, putSecret, rollOver, secretKeys } from '@pinlane/adapters';
import { errorOf, lackOf, modalPython, requirement, temporaryFolder } from '@pinlane/testing';
import { startModalStandIn, type ModalStandIn } from '@pinlane/testing/modal';
import { clientOf, deploymentOf, startEcho, watchedPython } from '../../support/modal.ts';

const CANARY = 'canary-"\\-\u00e9\n-value';

requirement(
  'modal',
  lackOf('modal'),
  describe,
)('a secret on Modal', () => {
  let standIn: ModalStandIn;

  beforeAll(() => {
    process.env['MODAL_CONFIG_PATH'] = '/dev/null/modal.toml';
  });
  afterEach(async () => {
    await standIn.stop();
  });

  it('reaches containers with any text in it, and only those that are started after it was written', async () => {
    standIn = await startModalStandIn({ python: modalPython(), start: startEcho });
    const client = clientOf(standIn);
    await putSecret(client, 'acme-echo', new Map([['API_KEY', CANARY]]));
    const { server } = await deployToModal(client, deploymentOf('a1', { secrets: new Map([['acme-echo', ['API_KEY']]]) }), () => {});
    const keyNow = async () => {
      const { key, secret } = standIn.proxyToken;
      return ((await (await fetch(server.url, { headers: { 'Modal-Key': key, 'Modal-Secret': secret } })).json()) as any).environment.API_KEY;
    };
    expect(await keyNow()).toBe(CANARY);
    await putSecret(client, 'acme-echo', new Map([['API_KEY', 'rotated']]));
    expect(await keyNow()).toBe(CANARY);
    await rollOver(client, 'acme-echo-v1');
    expect(await keyNow()).toBe('rotated');
  });

  it('tells its keys and no value, and holds after a write what was written alone', async () => {
    standIn = await startModalStandIn({ python: modalPython() });
    const client = clientOf(standIn);
    expect(await secretKeys(client, 'acme-echo', ['A'])).toBeNull();
    await putSecret(client, 'acme-echo', new Map(Object.entries({ A: 'one', B: 'two' })));
    expect(await secretKeys(client, 'acme-echo', ['C', 'B', 'A'])).toEqual(['B', 'A']);
    await putSecret(client, 'acme-echo', new Map([['C', 'three']]));
    expect(await secretKeys(client, 'acme-echo', ['A', 'B', 'C'])).toEqual(['C']);
    expect(await secretKeys({ ...client, environment: 'main' }, 'acme-echo', ['C'])).toBeNull();
  });

  it('is in no argument, no file, no variable and no message, whether it is taken or refused', async () => {
    standIn = await startModalStandIn({ python: modalPython() });
    const python = watchedPython(temporaryFolder(), 'env >"$0.values"');
    const client = clientOf(standIn, python.program);
    const before = new Set(readdirSync(tmpdir()));
    await putSecret(client, 'acme-echo', new Map([['API_KEY', CANARY]]));
    standIn.faults.push({
      method: 'SecretGetOrCreate',
      fault: { kind: 'refuse', code: 'INVALID_ARGUMENT', details: `bad value ${CANARY} of ${JSON.stringify(CANARY)}` },
    });
    const error = await errorOf(() => putSecret(client, 'acme-echo', new Map([['API_KEY', CANARY]])));
    expect(error).toMatchObject({ code: 'ERR_HOSTING_REFUSED' });
    expect(error.message).toContain('[redacted]');
    expect(`${error.message}${error.stack}${JSON.stringify(error)}${python.seen()}${readFileSync(`${python.program}.values`, 'utf8')}`).not.toContain(
      'canary-',
    );
    expect(readdirSync(tmpdir()).filter((name) => !before.has(name) && !name.startsWith('pinlane-'))).toEqual([]);
  });

  it('is not written with nothing in it', async () => {
    standIn = await startModalStandIn({ python: modalPython() });
    expect(await errorOf(() => putSecret(clientOf(standIn), 'acme-echo', new Map()))).toMatchObject({ code: 'ERR_OPTION_INVALID' });
    expect(standIn.calls).toEqual([]);
  });
});
