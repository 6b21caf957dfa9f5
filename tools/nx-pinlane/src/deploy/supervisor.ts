// The program that keeps an app of this machine running. It is started by `modal-deploy`, and outlives it.
import { text } from 'node:stream/consumers';
import { supervise, type SupervisorOrder } from '@pinlane/adapters';
import { openImage, type ImageOrder } from './open-image.ts';

const order = JSON.parse(await text(process.stdin)) as SupervisorOrder;
await supervise(order, ({ image }, signal) => openImage(image as ImageOrder, signal));
process.exit(0);
