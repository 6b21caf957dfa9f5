import { sha256, type LayerEntry } from '@pinlane/oci';

/** An entry of the base's root file system, and who put it there, for the message about a conflict. */
export type TreeEntry = LayerEntry & { readonly producer: string };
export type TreeFile = TreeEntry & { readonly type: 'file' };

const ROOT = { uid: 0, gid: 0 };

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}

/** Makes the entries of one producer, root's unless an owner is given. */
export const maker = (producer: string) => ({
  file: (path: string, data: string | Uint8Array, mode = 0o644, owner = ROOT): TreeEntry => {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
    return { producer, path, mode, ...owner, type: 'file', size: bytes.length, sha256: sha256(bytes), open: () => once(bytes) };
  },
  directory: (path: string, mode = 0o755, owner = ROOT): TreeEntry => ({ producer, path, mode, ...owner, type: 'directory' }),
  symlink: (path: string, target: string): TreeEntry => ({ producer, path, mode: 0o777, ...ROOT, type: 'symlink', target }),
});
