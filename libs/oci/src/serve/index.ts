export { serveStore, type ServeOptions, type StoreServer } from './serve.ts';
