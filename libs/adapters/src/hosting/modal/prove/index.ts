export { madeAt, proveOnModal, type Proven, type ProvingIo, type ProvingOrder } from './prove.ts';
export { removeLeftover, type Made } from './removal.ts';
