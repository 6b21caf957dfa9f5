import { serveStore, type Store } from '@pinlane/oci';

/** By this name an image of the store is seen to be meant, also in what a builder says of it. */
export const LENT = 'pinlane-store';

const LAYOUT = /^oci-layout:\/\/.*@(sha256:[a-f0-9]{64})$/;

/** Bases as a builder takes them that reads no OCI layout: from a registry. */
export interface LentBases {
  readonly bases: Readonly<Record<string, string>>;
  takeBack(): Promise<void>;
}

/**
 * Serves a store on the loopback for as long as a build takes, and names the bases that are in it so: the builder of a Docker that keeps no images in
 * containerd reads them from registries alone. Where there is none in it, nothing is served.
 */
export const lendLayouts = async (bases: Readonly<Record<string, string>>, store: Store): Promise<LentBases> => {
  if (!Object.values(bases).some((base) => LAYOUT.test(base))) return { bases, takeBack: async () => undefined };
  const { port, close } = await serveStore({ root: store.root, readOnly: true, logRequests: false });
  const lent = Object.entries(bases).map(([name, base]) => [name, base.replace(LAYOUT, `docker-image://127.0.0.1:${port}/${LENT}@$1`)]);
  return { bases: Object.fromEntries(lent) as Record<string, string>, takeBack: close };
};
