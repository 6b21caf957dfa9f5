export { createModalHosting, type ModalHostingOptions } from './hosting.ts';
export { PYTHON_CLIENT } from './python.ts';
