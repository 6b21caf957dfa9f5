export * from './bubblewrap.ts';
export * from './choose.ts';
export * from './egress.ts';
export * from './find-program.ts';
export * from './host.ts';
export * from './unshare.ts';
