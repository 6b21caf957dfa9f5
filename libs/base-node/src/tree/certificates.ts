import { fail } from '@pinlane/contracts';
import { maker, type TreeEntry, type TreeFile } from './entry.ts';

const { file, symlink } = maker('the certificate bundle of the base');
const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** Where packages put certificates that are to be trusted. */
export const CERTIFICATES_FOLDER = 'usr/share/ca-certificates';

const readText = async (source: TreeFile): Promise<string> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.open()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8').replaceAll('\r', '');
};

/**
 * What update-ca-certificates would make of these files: one bundle in the order of their names, a link to each, and the list of those that are trusted.
 * Nothing if there are no certificates.
 * @throws ERR_BASE_CONFLICT for a file that holds no certificate
 */
export const certificateEntries = async (files: readonly TreeFile[]): Promise<TreeEntry[]> => {
  const sources = files.filter(({ path }) => path.endsWith('.crt'));
  if (sources.length === 0) return [];
  const blocks: string[] = [];
  for (const source of sources) {
    const found = (await readText(source)).match(BLOCK) ?? fail('ERR_BASE_CONFLICT', `/${source.path} of ${source.producer} holds no certificate`);
    blocks.push(...found);
  }
  const links = sources.map(({ path }) => symlink(`etc/ssl/certs/${path.slice(path.lastIndexOf('/') + 1, -'.crt'.length)}.pem`, `/${path}`));
  const trusted = sources.map(({ path }) => `${path.slice(CERTIFICATES_FOLDER.length + 1)}\n`).join('');
  return [file('etc/ssl/certs/ca-certificates.crt', `${blocks.join('\n')}\n`), file('etc/ca-certificates.conf', trusted), ...links];
};
