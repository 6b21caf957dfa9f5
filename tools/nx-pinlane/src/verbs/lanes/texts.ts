import type { Log } from '@pinlane/adapters';
import { readLanePins, SPEC_LIMIT, type LanePins } from '@pinlane/pipeline';

/** The pins in blobs of registry.yaml, each fetched and read once. */
export interface PinTexts {
  /** Fetches blobs in one question. */
  readonly load: (blobs: readonly (string | null)[]) => Promise<void>;
  /** The pins in a blob that was fetched, or why they can't be told. @param file for messages */
  readonly pinsIn: (blob: string, file: string) => LanePins | { readonly reason: string };
  /** The text of a blob that was fetched; null if it is none. */
  readonly textOf: (blob: string) => string | null;
}

/** See {@link PinTexts}. */
export const openPinTexts = (log: Log): PinTexts => {
  const texts = new Map<string, string | null>();
  const read = new Map<string, LanePins | { readonly reason: string }>();
  const textOf = (blob: string): string | null => texts.get(blob) ?? null;
  return {
    textOf,
    load: async (blobs) => {
      const wanted = [...new Set(blobs)].filter((blob) => blob !== null && !texts.has(blob)) as string[];
      const found = await log.texts(wanted, SPEC_LIMIT);
      for (const blob of wanted) texts.set(blob, found.get(blob) ?? null);
    },
    pinsIn: (blob, file) => {
      const before = read.get(blob);
      if (before !== undefined) return before;
      const text = textOf(blob);
      const pins = text === null ? { reason: 'this clone lacks it, or it is no text of at most 1 MiB' } : readLanePins(text, file);
      read.set(blob, pins);
      return pins;
    },
  };
};

/** Something that is looked for in a list, by the text of each item. */
export interface Search<T> {
  readonly items: readonly T[];
  readonly blobOf: (item: T) => string | null;
  /** Whether it is the one; its blob was fetched. */
  readonly fits: (item: T) => boolean;
}

/**
 * Finds the first item that fits in each of many lists. Texts are fetched for all lists at once, twice as far ahead each time: what is looked for is near the
 * beginning most of the time, and git is asked a few times however many lists there are.
 */
export const findFirst = async <T>(searches: readonly Search<T>[], texts: PinTexts): Promise<(T | null)[]> => {
  const found: (T | null)[] = searches.map(() => null);
  let open = searches.map((_, at) => at);
  for (let [from, count] = [0, 1]; open.length > 0; [from, count] = [from + count, count * 2]) {
    const ahead = (at: number): readonly T[] => searches[at]!.items.slice(from, from + count);
    await texts.load(open.flatMap((at) => ahead(at).map(searches[at]!.blobOf)));
    open = open.filter((at) => {
      found[at] = ahead(at).find(searches[at]!.fits) ?? null;
      return found[at] === null && from + count < searches[at]!.items.length;
    });
  }
  return found;
};
