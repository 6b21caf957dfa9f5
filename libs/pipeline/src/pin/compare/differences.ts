import { cutOff, plainLine, type ImageDifference, type Reproduction } from '@pinlane/contracts';

/** So many differences are told one by one; of more, how many there are. */
export const DIFFERENCES_AT_MOST = 200;

/** How many characters of a path, and of what is said about it, are told. */
const [LONGEST_PATH, LONGEST_MESSAGE] = [300, 500];

/** What a difference is about. */
export type DifferencePlace = Omit<ImageDifference, 'message'>;

/** Tells of one difference. */
export type Tell = (message: string) => void;

/** Gathers the differences of images. */
export interface Differences {
  add(place: DifferencePlace, message: string): void;
  /** How many were added. */
  count(): number;
  /** Whether those that come are counted only, so that a long search for more is worth nothing. */
  isFull(): boolean;
  gathered(): Reproduction;
}

/** Digests as people read them, 12 digits long. */
export const shortened = (text: string): string => text.replace(/sha256:([a-f0-9]{12})[a-f0-9]{52}/g, '$1');

/** See {@link Differences}. What images say of themselves, such as names of files, is made plain text: whoever made the image may be hostile. */
export const gatherDifferences = (atMost: number = DIFFERENCES_AT_MOST): Differences => {
  const differences: ImageDifference[] = [];
  let omitted = 0;
  return {
    add({ platform, layer, path }, message) {
      if (differences.length >= atMost) omitted += 1;
      else
        differences.push({
          platform,
          layer,
          path: path === null ? null : plainLine(cutOff(path, LONGEST_PATH)),
          message: plainLine(cutOff(shortened(message), LONGEST_MESSAGE)),
        });
    },
    count: () => differences.length + omitted,
    isFull: () => differences.length >= atMost,
    gathered: () => ({ differences, omitted }),
  };
};

const placeOf = ({ platform, layer, path }: DifferencePlace): string =>
  [platform ?? 'index', ...(layer === null ? [] : [`layer ${layer}`]), ...(path === null ? [] : [path])].join(', ');

/** One line for each difference. */
export const renderDifferences = ({ differences, omitted }: Reproduction): string[] => [
  ...differences.map(({ message, ...place }) => `${placeOf(place)}: ${message}`),
  ...(omitted > 0 ? [`and ${omitted} more`] : []),
];
