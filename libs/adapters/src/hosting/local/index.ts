export { createLocalHosting, type LocalHostingOptions } from './platform.ts';
export { APP_LOG_BYTES_AT_MOST } from './log-file.ts';
export { backoffAfter, supervise, type SupervisorOrder } from './supervise.ts';
