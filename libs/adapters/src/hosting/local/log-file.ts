import { appendFileSync, renameSync } from 'node:fs';
import { redactText } from '@pinlane/contracts';
import { statIfThere } from '@pinlane/oci';

/** How large the log of an app gets before it becomes the old one, in bytes; there is one old one. */
export const APP_LOG_BYTES_AT_MOST = 1024 * 1024;
/** A line that is longer is written in pieces. */
const LINE_AT_MOST = 16 * 1024;

/** The log of an app: what its processor writes, without the values of its secrets, and what its supervisor does. */
export interface LogFile {
  readonly add: (chunk: Uint8Array) => void;
  readonly say: (line: string) => void;
}

/** See {@link LogFile}. A log that can't be written keeps nothing from running. */
export const openLogFile = (path: string, secrets: readonly string[]): LogFile => {
  let size = statIfThere(path)?.size ?? 0;
  let rest = '';
  const write = (text: string): void => {
    try {
      if (size > APP_LOG_BYTES_AT_MOST) {
        renameSync(path, `${path}.1`);
        size = 0;
      }
      const shown = redactText(text, secrets);
      appendFileSync(path, shown, { mode: 0o600 });
      size += Buffer.byteLength(shown);
    } catch {
      // A full disk, or a folder that is gone.
    }
  };
  return {
    add: (chunk) => {
      rest += Buffer.from(chunk).toString('utf8');
      const end = rest.lastIndexOf('\n') + 1;
      if (end > 0) write(rest.slice(0, end));
      rest = rest.slice(end);
      if (rest.length > LINE_AT_MOST) {
        write(`${rest}\n`);
        rest = '';
      }
    },
    say: (line) => write(`${JSON.stringify({ ts: new Date().toISOString(), level: 'info', event: 'supervisor', message: line })}\n`),
  };
};
