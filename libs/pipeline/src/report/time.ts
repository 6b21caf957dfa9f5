const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * How long before a moment another was, in one unit: `5 min`, `3 h`, `12 d`, `4 mo`. Null for what lies more than a minute ahead of it, as where clocks are
 * apart: no age is made up.
 * @param at @param now ISO 8601
 */
export const ageOf = (at: string, now: string): string | null => {
  const passed = Date.parse(now) - Date.parse(at);
  if (Number.isNaN(passed) || passed < -MINUTE) return null;
  if (passed < MINUTE) return 'now';
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min`;
  if (passed < 2 * DAY) return `${Math.floor(passed / HOUR)} h`;
  if (passed < 90 * DAY) return `${Math.floor(passed / DAY)} d`;
  return `${Math.floor(passed / (30 * DAY))} mo`;
};

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A moment for a person, the same on every machine: `28 Nov 2026, 06:20 UTC`. */
export const momentOf = (at: string): string => {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}, ${date.toISOString().slice(11, 16)} UTC`;
};
