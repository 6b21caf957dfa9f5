/** The host under which the local store's images are named; RFC 6761 keeps `.localhost` on this machine. Free of imports, because each Nx command reads it. */
export const STORE_HOST = 'store.localhost';
