import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { errorOf, lackOf, requirement, temporaryFolder, withWarmPython } from '@pinlane/testing';
import { startModalStandIn, type ModalStandIn } from '@pinlane/testing/modal';
import { hostingOf, ioOf, PLACE, planOf, startEcho, watchedPython } from '../../support/modal.ts';

const CANARY = 'canary-"\\-\u00e9\n-value';

const known = <T>(value: T) => ({ known: true, value });
const mapOf = (values: Record<string, string>) => new Map(Object.entries(values));

// Each command of the Python client takes seconds on a busy machine, and a test has many.
jest.setTimeout(300_000);

requirement(
  'modal',
  lackOf('modal'),
  describe,
)('a secret on Modal', () => {
  let standIn: ModalStandIn;
  const warm = withWarmPython();
  const { signal } = ioOf();

  beforeAll(() => {
    process.env['MODAL_CONFIG_PATH'] = '/dev/null/modal.toml';
  });
  beforeEach(async () => {
    standIn = await startModalStandIn({ python: warm(), start: startEcho });
  });
  afterEach(async () => {
    await standIn.stop();
  });

  it('reaches containers with any text in it, and after a rotation those alone that a rollover started', async () => {
    const modal = hostingOf(standIn, temporaryFolder());
    const plan = planOf('a1', { secret: 'acme-echo' });
    await modal.secrets.put('staging', 'acme-echo', mapOf({ API_KEY: CANARY }), ioOf());
    await modal.deploy(plan, ioOf());
    const { url, headers } = await modal.address(PLACE, signal);
    const keyNow = async () => ((await (await fetch(url, { headers })).json()) as any).environment.API_KEY;
    expect(await keyNow()).toBe(CANARY);
    expect(await modal.describe(PLACE, signal)).toMatchObject({ secrets: known([{ name: 'acme-echo', keys: ['API_KEY'] }]), secretsCurrent: known(true) });

    await modal.secrets.put('staging', 'acme-echo', mapOf({ API_KEY: 'rotated' }), ioOf());
    // Nothing changed that a deployment knows of, so that it starts no container.
    await modal.deploy(plan, ioOf());
    expect(await keyNow()).toBe(CANARY);
    expect(await modal.describe(PLACE, signal)).toMatchObject({ secretsCurrent: known(false) });
    await modal.rollover(PLACE, ioOf());
    expect(await keyNow()).toBe('rotated');
    expect(await modal.describe(PLACE, signal)).toMatchObject({ secretsCurrent: known(true) });
    expect(await hostingOf(standIn, temporaryFolder()).describe(PLACE, signal)).toMatchObject({ secretsCurrent: { known: false } });
  });

  it('tells its keys and no value, holds what was written alone, and knows on this machine what would change', async () => {
    const modal = hostingOf(standIn, temporaryFolder());
    expect(await modal.secrets.describe('staging', 'acme-echo', signal)).toEqual(known(null));
    expect(await modal.secrets.changed('staging', 'acme-echo', mapOf({ A: 'one' }), signal)).toMatchObject({ known: false });
    const put = await modal.secrets.put('staging', 'acme-echo', mapOf({ A: 'one', B: 'two' }), ioOf());
    expect(await modal.secrets.describe('staging', 'acme-echo', signal)).toEqual(known(put));
    expect(await modal.secrets.changed('staging', 'acme-echo', mapOf({ A: 'one', B: 'other', C: 'three' }), signal)).toEqual(known(['B', 'C']));
    await modal.secrets.put('staging', 'acme-echo', mapOf({ C: 'three' }), ioOf());
    expect(await modal.secrets.describe('staging', 'acme-echo', signal)).toMatchObject({ value: { keys: [{ name: 'C' }] } });
    expect(await modal.secrets.describe('main', 'acme-echo', signal)).toEqual(known(null));
    expect(await hostingOf(standIn, temporaryFolder()).secrets.describe('staging', 'acme-echo', signal)).toMatchObject({
      value: { keys: [{ name: 'C', marker: null }] },
    });
  });

  it('has markers that differ by machine, place and key, in files of this user alone', async () => {
    const folders = [temporaryFolder(), temporaryFolder()];
    const markers = [];
    for (const folder of folders)
      for (const environment of ['staging', 'main'] as const)
        markers.push(...(await hostingOf(standIn, folder).secrets.put(environment, 'acme-echo', mapOf({ A: 'same', B: 'same' }), ioOf())).keys);
    expect(new Set(markers.map(({ marker }) => marker)).size).toBe(8);
    for (const file of ['key', 'secrets/staging/acme-echo.json']) expect(statSync(join(folders[0]!, file)).mode & 0o777).toBe(0o600);
  });

  it('is in no argument, no file, no variable and no message, whether it is taken or refused', async () => {
    const folder = temporaryFolder();
    const python = watchedPython(temporaryFolder(), { more: 'env >"$0.values"' });
    const temporary = temporaryFolder();
    const { secrets } = hostingOf(standIn, folder, { python: python.program, env: { TMPDIR: temporary } });
    await secrets.put('staging', 'acme-echo', mapOf({ API_KEY: CANARY }), ioOf());
    const details = `bad value ${CANARY} of ${JSON.stringify(CANARY)}`;
    standIn.faults.push({ method: 'SecretGetOrCreate', fault: { kind: 'refuse', code: 'INVALID_ARGUMENT', details } });
    const error = await errorOf(() => secrets.put('staging', 'acme-echo', mapOf({ API_KEY: CANARY }), ioOf()));
    expect(error).toMatchObject({ code: 'ERR_HOSTING_REFUSED' });
    expect(error.message).toContain('[redacted]');
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((each) => each.isFile())
      .map((each) => readFileSync(join(each.parentPath, each.name), 'utf8'));
    const seen = [error.message, error.stack, JSON.stringify(error), python.seen(), readFileSync(`${python.program}.values`, 'utf8'), ...files];
    expect(seen.filter((text) => text?.includes('canary-'))).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('is not written with nothing in it', async () => {
    const { secrets } = hostingOf(standIn, temporaryFolder());
    expect(await errorOf(() => secrets.put('staging', 'acme-echo', new Map(), ioOf()))).toMatchObject({ code: 'ERR_OPTION_INVALID' });
    expect(standIn.calls).toEqual([]);
  });
});
