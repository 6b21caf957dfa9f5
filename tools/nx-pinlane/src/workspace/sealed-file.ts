import { createHash } from 'node:crypto';
import { readSmallFile } from '@pinlane/oci';

/** The largest such file that is read, in bytes; what is known of a thousand processors has half a mebibyte. */
const LIMIT = 32 * 1024 * 1024;

/** What it holds is believed without a second look, so a hash over it tells when somebody has edited it. */
const sealOf = (entries: string): string => createHash('sha256').update(entries).digest('hex');

/** The entries in a text; null if they are not what was written there. Those of another format are none. */
const entriesIn = <Entry>(text: string, format: string): Record<string, Entry> | null => {
  try {
    const end = text.indexOf('\n');
    const head = JSON.parse(text.slice(0, end === -1 ? text.length : end)) as { format?: unknown; seal?: unknown };
    if (head.format !== format) return typeof head.format === 'string' || typeof head.format === 'number' ? {} : null;
    const entries = text.slice(end + 1);
    return head.seal === sealOf(entries) ? (JSON.parse(entries) as Record<string, Entry>) : null;
  } catch {
    return null;
  }
};

/**
 * Reads what Pinlane found out about a workspace and keeps, so that not every Nx command finds it out anew. If there is none, or it can't be read, only time
 * is lost. @param loss what follows where somebody else wrote into it, for the note
 */
export const readSealed = <Entry>(path: string, format: string, loss: string, note: (line: string) => void): Readonly<Record<string, Entry>> => {
  try {
    const file = readSmallFile(path, LIMIT, { links: false });
    const entries = file.kind === 'file' ? entriesIn<Entry>(Buffer.from(file.bytes).toString('utf8'), format) : null;
    if (entries === null) note(`WARNING ${path} is ignored, because Pinlane did not write it as it is: ${loss}`);
    return entries ?? {};
  } catch {
    return {};
  }
};

/** Keeps it. If the folder can't be written to, only time is lost. */
export const writeSealed = async (path: string, format: string, entries: object): Promise<void> => {
  // Loaded only now: every Nx command waits for the modules of inference.
  const { replaceOwnFile } = await import('./own-file.ts');
  const text = JSON.stringify(entries);
  await replaceOwnFile(path, `${JSON.stringify({ format, seal: sealOf(text) })}\n${text}`).catch(() => undefined);
};
