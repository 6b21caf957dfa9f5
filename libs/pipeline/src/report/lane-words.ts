import { ARCHITECTURES, type Architecture, type LaneCell, type LanesReport, type ToldAcceptance, type ToldLane } from '@pinlane/contracts';

/** The digest of a pinned reference. */
export const digestIn = (reference: string): string => reference.slice(reference.indexOf('@') + 1);

/** The first digits of a digest, or of a commit. */
export const short = (text: string): string => text.replace(/^sha256:/, '').slice(0, 12);

/** The words about a platform; none where nobody told of it. */
export const wordsAbout = ({ accepted }: LaneCell, platform: Architecture): readonly ToldAcceptance[] => {
  const told = accepted[platform];
  return told?.known === true ? told.value : [];
};

/** Words of one verdict: `accepted in staging and main`. */
const spoken = (words: readonly ToldAcceptance[], verdict: ToldAcceptance['verdict']): string => {
  const lanes = words.filter((word) => word.verdict === verdict).map(({ lane }) => lane);
  return lanes.length === 0 ? '' : `${verdict} in ${lanes.join(', ')}`;
};

/** What acceptance said of a platform, in a few words; empty where nobody told. */
export const acceptedText = (cell: LaneCell, platform: Architecture): string => {
  const words = wordsAbout(cell, platform);
  return [spoken(words, 'rejected'), spoken(words, 'accepted')].filter((text) => text !== '').join(', ');
};

/** Who a commit is of, in short: a person, or whoever ran the pipeline. */
export const byOf = ({ since }: LaneCell): string | null => (since?.known === true ? since.value.by : null);

/** What is to be said of a cell besides its digests, one thing after the other. */
export const remarksOf = (cell: LaneCell): string[] => {
  const { unread, pins, since, writtenBy, deployed } = cell;
  if (unread !== null) return [`its pins can't be read: ${unread}`];
  if (Object.keys(pins).length === 0) return ['nothing is pinned'];
  const pinned = ARCHITECTURES.filter((each) => pins[each] !== undefined);
  const silent = pinned.filter((each) => wordsAbout(cell, each).length === 0);
  return [
    deployed?.known === true && deployed.value.digest === null ? `${deployed.value.environment} has no image configured` : '',
    silent.length > 0 && silent.length === pinned.length ? 'acceptance is not known here: no report' : '',
    deployed?.known === false ? `what is deployed is not known here: ${deployed.reason}` : '',
    since?.known === false ? `since when is not known: ${since.reason}` : '',
    writtenBy?.known === false ? writtenBy.reason : '',
  ].filter((text) => text !== '');
};

const many = (count: number, one: string, several: string): string => `${count} ${count === 1 ? one : several}`;

/** What waits for main, in one line. */
export const waitingText = ({ waiting }: Pick<LanesReport, 'waiting'>): string => {
  if (!waiting.known) return 'What waits for main is not known here';
  const { pins, commits, more } = waiting.value;
  const processors = new Set(pins.map(({ name }) => name)).size;
  if (processors === 0) return commits.length === 0 ? 'Nothing waits for main' : 'No pins wait for main';
  return `${many(processors, 'processor waits', 'processors wait')} for main, after ${many(commits.length + more, 'commit', 'commits')}`;
};

/** Where a lane's branch is, in a line. */
export const tipText = ({ ref, tip }: ToldLane): string => (tip.known ? `${ref} at ${short(tip.value.commit)}` : `not known here: ${tip.reason}`);
