// The supervisor of tests: its images are unpacked folders. It runs without Jest, so it imports nothing that needs it.
import { text } from 'node:stream/consumers';
import { supervise, type SupervisorOrder } from '../../src/index.ts';

const order = JSON.parse(await text(process.stdin)) as SupervisorOrder;
await supervise(order, async ({ plan, image }) => ({
  name: plan.slug,
  platform: plan.platform,
  digest: plan.image.digest,
  configDigest: plan.image.digest,
  config: { Entrypoint: ['node', '/app/main.cjs'], WorkingDir: '/app', User: '1000:1000' },
  rootfs: async () => image as string,
  archive: () => {
    throw new Error('this image is not archived');
  },
}));
process.exit(0);
