import { fail } from '@pinlane/contracts';
import { matchPaths } from './glob.ts';
import type { FileNode, FileTree } from './tree.ts';

/** The first bytes of a file, 512 where there are so many. */
export type ReadHead = (file: FileNode) => Promise<Uint8Array>;

/** Whether a file begins as one of those that Docker's ADD unpacks: gzip, bzip2, xz, zstd, tar. */
export const isArchive = (head: Uint8Array): boolean => {
  const begins = (...magic: number[]) => magic.every((byte, at) => head[at] === byte);
  const ustar = Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar';
  return begins(0x1f, 0x8b) || begins(0x42, 0x5a, 0x68) || begins(0xfd, 0x37, 0x7a, 0x58, 0x5a) || begins(0x28, 0xb5, 0x2f, 0xfd) || ustar;
};

/** Refuses archives among the sources of ADD, which Docker would unpack. @throws ERR_DOCKERFILE_UNSUPPORTED */
export const refuseArchives = async (context: FileTree, sources: readonly string[], readHead: ReadHead): Promise<void> => {
  for (const source of sources) {
    for (const path of matchPaths(context, source) ?? []) {
      const node = context.find(path);
      if (node?.type === 'file' && isArchive(await readHead(node)))
        fail('ERR_DOCKERFILE_UNSUPPORTED', `ADD ${source}: Docker would unpack ${path}, which the embedded engine does not`, {
          fix: 'Use COPY to take the archive as it is, or build with Docker: --engine=docker.',
        });
    }
  }
};
