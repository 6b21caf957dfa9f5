import type { Digest, DriftEntry, DriftReport, DriftVerdict } from '@pinlane/contracts';

/** What a report told of one app, as far as its history takes it. */
export interface ToldInShort {
  /** What it is of, in every report of an environment. */
  readonly key: string;
  readonly verdict: DriftVerdict;
  /** Empty if it was in sync. */
  readonly message: string;
  /** The digest that was configured; null if there was none, or if it was not known. */
  readonly image: Digest | null;
  readonly version: number | null;
}

/** An earlier report, as far as the history of apps takes it: a tenth of the report. */
export interface DriftInShort extends Pick<DriftReport, 'at' | 'adapter' | 'environment'> {
  readonly told: readonly ToldInShort[];
}

/** What entries are of, in every report of an environment: a processor is known by its ref, whatever its app is called, and what has none by its app. */
export const keysOf = (entries: readonly DriftEntry[]): string[] => {
  const seen = new Map<string, number>();
  return entries.map(({ ref, app }) => {
    const key = ref === null ? `app ${app}` : `ref ${ref}`;
    const nth = seen.get(key) ?? 0;
    seen.set(key, nth + 1);
    return nth === 0 ? key : `${key} ${nth}`;
  });
};

/** A report as far as the history of apps takes it. */
export const driftInShort = ({ at, adapter, environment, entries }: DriftReport): DriftInShort => {
  const keys = keysOf(entries);
  const told = entries.map(({ verdict, message, observed }, nth): ToldInShort => ({
    ...{ key: keys[nth] as string, verdict, message: verdict === 'in-sync' ? '' : message },
    image: observed?.image.known ? observed.image.value : null,
    version: observed?.version.known ? observed.version.value : null,
  }));
  return { at, adapter, environment, told };
};
