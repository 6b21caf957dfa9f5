import { locationOf } from '../redirect.ts';
import type { RegistryRequest } from '../transport.ts';

/** How far an upload has come. */
export interface UploadStatus {
  readonly location: URL;
  /** How many bytes the registry has. */
  readonly offset: number;
}

/** Of `0-<last byte>`. Docker's registry says `0-0` where it has nothing; that it may have one byte instead comes out with the next chunk. */
const offsetIn = (range: string | null): number | undefined => {
  const last = /^(?:bytes[= ])?0-(\d{1,15})$/.exec(range ?? '')?.[1];
  return last === undefined ? undefined : last === '0' ? 0 : Number(last) + 1;
};

/** Asks how far an upload has come; undefined where the registry does not know, or not any more ("Pushing a blob in chunks"). */
export const uploadStatus = (location: URL): RegistryRequest<UploadStatus | undefined> => ({
  method: 'GET',
  target: location,
  access: 'push',
  statuses: [200, 202, 204, 400, 404, 405, 416, 501],
  read: async (answer) => {
    await answer.discard();
    const offset = offsetIn(answer.header('range'));
    if (answer.status >= 300 || offset === undefined) return undefined;
    const next = answer.header('location');
    return { offset, location: next === null ? location : locationOf(next, answer.url) };
  },
});
