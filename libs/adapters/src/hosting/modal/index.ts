export { createModalHosting, type ModalHostingOptions } from './hosting.ts';
export { listApps, requireEnvironment } from './observe.ts';
export * from './prove/index.ts';
export { clientFault, INSTALL, PYTHON_CLIENT, type PythonClient } from './python.ts';
export { sdkVersion } from './sdk.ts';
export { keysOfSecrets } from './secrets.ts';
