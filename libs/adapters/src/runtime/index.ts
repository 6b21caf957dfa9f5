export * from './bubblewrap.ts';
export * from './choose.ts';
export * from './egress.ts';
export * from './find-program.ts';
export * from './host.ts';
export * from './http-client.ts';
export { resolveUser } from './image-config.ts';
export { observeNetwork } from './observe-network.ts';
export * from './unshare.ts';
