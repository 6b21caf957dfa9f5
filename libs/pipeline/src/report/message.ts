import type { DriftEntry } from '@pinlane/contracts';

/** The message of an entry without since when and by whom at its end, which stand beside it. */
export const messageOf = ({ message, since, by }: Pick<DriftEntry, 'message' | 'since' | 'by'>): string => {
  const told = [since === null ? '' : ` since ${since}`, by === null ? '' : ` by ${by}`].join('');
  return told !== '' && message.endsWith(told) ? message.slice(0, -told.length) : message;
};
