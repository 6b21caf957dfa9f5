export { serverDeployArguments, whyNotDeployable, type ServerDeploy } from './deploy-arguments.ts';
export { publishedImage } from './image.ts';
export { describeServers, findStopped, listApps, publishedDigests, type LiveApp, type ServerAnswer, type StoppedApp } from './observe.ts';
export { digestOfName, HELPER_APP, publishedName, SERVER } from './names.ts';
export {
  deployToModal,
  nameIsTrue,
  observeModalApp,
  readServer,
  rollOver,
  stopModalApp,
  whyModalWouldNot,
  type ModalDeployed,
  type ModalDeployment,
  type ObservedModalApp,
} from './platform.ts';
export { startSandbox, type RunningSandbox, type WantedSandbox } from './probe.ts';
export { PYTHON_CLIENT, type PythonClient } from './python.ts';
export { putSecret, secretKeys } from './secrets.ts';
export type { ServerInfo } from './server-info.ts';
