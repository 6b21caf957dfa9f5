// The program that keeps an app of this machine running. It is started by `modal-deploy`, and outlives it.
import { text } from 'node:stream/consumers';
import { supervise, type SupervisorOrder } from '@pinlane/adapters';
import { openImage, type ImageOrder } from './open-image.ts';

const order = JSON.parse(await text(process.stdin)) as SupervisorOrder;
await supervise(order, ({ image }, signal) => openImage(image as ImageOrder, signal));
// Whatever is still open, the app is over, and those who wait for its end look for this process.
// eslint-disable-next-line no-restricted-properties
process.exit(0);
