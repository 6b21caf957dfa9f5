import { describe, expect, it, jest } from '@jest/globals';
import { parsePinnedReference } from '@pinlane/contracts';
import { sha256 } from '@pinlane/oci';
import { lackOf, requirement, temporaryFolder, withWarmPython } from '@pinlane/testing';
import { runImages, startModalStandIn, trustTunnels } from '@pinlane/testing/modal';
import { hostRuntime, requestsTo } from '../../../src/index.ts';
import { hostingSuite } from '../../support/hosting-suite.ts';
import { unpackedImage } from '../../support/image.ts';
import { hostingOf, ioOf, planOf } from '../../support/modal.ts';
import { HEALTHY, IMAGE, makeRootfs } from '../../support/rootfs.ts';

// Each command of the Python client takes seconds on a busy machine, and a test has many.
jest.setTimeout(300_000);

requirement(
  'modal',
  lackOf('modal'),
  describe,
)('Modal', () => {
  const warm = withWarmPython();

  const open = async () => {
    const rootfs = makeRootfs(HEALTHY);
    const containers = runImages({
      runtime: hostRuntime,
      open: async (reference) => ({ ...(await unpackedImage(rootfs, { name: 'acme-echo', config: IMAGE })), digest: parsePinnedReference(reference).digest }),
      folder: temporaryFolder('containers', { forFile: true }),
    });
    const standIn = await startModalStandIn({ python: warm(), start: containers });
    trustTunnels(standIn);
    // What planOf sets, in the words of a plan.
    const expected = { port: 8000, minContainers: 0, maxContainers: 4, idleSeconds: 300, proxyAuth: true, cpu: 0.5, memoryGb: 0.3, gpu: null, concurrency: 4 };
    const plan = (image: 'one' | 'two') => planOf('00', { expected, image: { host: 'ghcr.io', path: 'acme/echo', digest: sha256(image) } });
    // The command of its image.
    const platform = hostingOf(standIn, temporaryFolder('markers', { forFile: true }), { commandOf: async () => [] });
    return { standIn, platform, plan, end: () => standIn.stop() };
  };

  hostingSuite('modal', open);

  it('starts the container at the first request, with the variables that were recorded and its secret, and ends it with the app', async () => {
    const { standIn, platform, plan, end } = await open();
    try {
      const one = plan('one');
      await platform.deploy(one, ioOf());
      const woken = () => [...standIn.account.apps.values()].flatMap(({ fronts }) => [...fronts.values()].map((front) => front.woken()));
      expect(woken()).toEqual([0]);
      const request = requestsTo(await platform.address(one.place, ioOf().signal));
      const healthz = async () => JSON.parse(Buffer.from((await request({ method: 'GET', path: '/healthz' })).body).toString()) as { pid: number };
      const first = await healthz();
      expect(first).toMatchObject({ ok: true, image_digest: one.image.digest });
      expect([await healthz(), woken()]).toEqual([first, [1]]);
      await platform.rollover(one.place, ioOf());
      const second = await healthz();
      expect([second.pid === first.pid, woken()]).toEqual([false, [2]]);
      await platform.stop(one.place, ioOf());
      expect((await request({ method: 'GET', path: '/healthz' })).status).toBe(404);
      await end();
      for (const { pid } of [first, second]) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    } finally {
      await end();
    }
  });
});
