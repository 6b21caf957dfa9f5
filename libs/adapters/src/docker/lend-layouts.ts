import { serveStore, type Store } from '@pinlane/oci';

/** The name under which a lent image is served, by which a builder's message about one is recognised. */
export const LENT = 'pinlane-store';

const LAYOUT = /^oci-layout:\/\/.*@(sha256:[a-f0-9]{64})$/;

/** Bases for a builder that reads registries and no OCI layouts. */
export interface LentBases {
  readonly bases: Readonly<Record<string, string>>;
  takeBack(): Promise<void>;
}

/**
 * Lends bases in the store to a builder that reads no OCI layouts, as that of a Docker that keeps no images in containerd: serves the store as a registry on
 * the loopback until `takeBack` is called, and names the bases by it. If no base is in the store, nothing is served.
 */
export const lendLayouts = async (bases: Readonly<Record<string, string>>, store: Store): Promise<LentBases> => {
  if (!Object.values(bases).some((base) => LAYOUT.test(base))) return { bases, takeBack: async () => undefined };
  const { port, close } = await serveStore({ root: store.root, readOnly: true, logRequests: false });
  const lent = Object.entries(bases).map(([name, base]) => [name, base.replace(LAYOUT, `docker-image://127.0.0.1:${port}/${LENT}@$1`)]);
  return { bases: Object.fromEntries(lent) as Record<string, string>, takeBack: close };
};
