export type { Account, ModalApp, ModalFunction, ModalImage, ModalSandbox, ModalSecret, ModalVersion } from './account.ts';
export type { ModalFault, ModalFaultRule, SeenCall, StatusName } from './calls.ts';
export { containersOf, type Ways } from './containers.ts';
export type { Container, ContainerPlan, Front, ProxyToken, StartContainer } from './fronts.ts';
export type { Pull } from './images.ts';
export { runImages, type ImageHosting } from './run-images.ts';
export { standInEnvironment, startModalStandIn, trustTunnels, type ModalStandIn, type StandInOptions } from './stand-in.ts';
