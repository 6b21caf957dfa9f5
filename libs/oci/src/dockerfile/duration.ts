const UNITS: Readonly<Record<string, number>> = { h: 3.6e12, m: 6e10, s: 1e9, ms: 1e6, us: 1e3, µs: 1e3, ns: 1 };

/** A duration such as `1m30s` in nanoseconds; undefined where it is none, or shorter than the millisecond that Docker wants, 0 aside. */
export const parseDuration = (text: string): number | undefined => {
  if (text === '0') return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g)];
  const total = Math.round(parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit!]!, 0));
  return Number.isSafeInteger(total) && (total === 0 || total >= 1e6) ? total : undefined;
};
