/** The host in the names of images of the local store; RFC 6761 keeps `.localhost` on this machine. This file imports nothing, because each Nx command loads it. */
export const STORE_HOST = 'store.localhost';
