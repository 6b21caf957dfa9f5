/** Begins the name of an entry that takes away what lower layers have under the rest of the name (OCI image specification, layer.md, "Whiteouts"). */
export const WHITEOUT = '.wh.';

/** The name of an entry that takes away what lower layers have in its folder ("Opaque Whiteout"). */
export const OPAQUE = '.wh..wh..opq';
