import { fail } from '@pinlane/contracts';
import { maker, type TreeEntry } from './entry.ts';
import type { Tree } from './tree.ts';

const PRODUCER = 'the certificate bundle of the base';
const { file, symlink } = maker(PRODUCER);
const FOLDER = 'usr/share/ca-certificates';
const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/**
 * What update-ca-certificates would have made of the certificates in the tree: one bundle in the order of their names, a link to each, and the
 * list of those that are trusted. Nothing where no package brings certificates.
 * @throws ERR_BASE_CONFLICT for a file that holds no certificate
 */
export const certificateEntries = async (tree: Tree, read: (entry: TreeEntry & { type: 'file' }) => Promise<Uint8Array>): Promise<TreeEntry[]> => {
  const sources = tree.filesIn(FOLDER).filter(({ path }) => path.endsWith('.crt'));
  if (sources.length === 0) return [];
  const blocks: string[] = [];
  for (const source of sources) {
    const found = Buffer.from(await read(source))
      .toString('utf8')
      .replaceAll('\r', '')
      .match(BLOCK);
    if (found === null) fail('ERR_BASE_CONFLICT', `/${source.path} of ${source.producer} holds no certificate`);
    else blocks.push(...found);
  }
  const links = sources.map(({ path }) => symlink(`etc/ssl/certs/${path.slice(path.lastIndexOf('/') + 1, -'.crt'.length)}.pem`, `/${path}`));
  const trusted = sources.map(({ path }) => `${path.slice(FOLDER.length + 1)}\n`).join('');
  return [file('etc/ssl/certs/ca-certificates.crt', `${blocks.join('\n')}\n`), file('etc/ca-certificates.conf', trusted), ...links];
};
