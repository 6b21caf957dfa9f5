import type { HeadNames } from '@pinlane/adapters';
import { fail, quoted } from '@pinlane/contracts';

const PLACEHOLDER = /\{([^{}]*)\}/g;

/** A name as a tag can hold it (distribution specification, "Pulling manifests"): characters that a tag can't have become a dash. */
const asTag = (name: string): string =>
  name
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 100);

/**
 * Tags with git's own names in place of `{sha}`, `{branch}` and `{tag}`. A tag for which git has no name is left out, and `note` tells of it.
 * @throws ERR_OPTION_INVALID for anything else in braces
 */
export const fillTagNames = (tags: readonly string[], names: HeadNames, note: (line: string) => void): string[] =>
  tags.flatMap((text) => {
    let lacking: string | undefined;
    const filled = text.replace(PLACEHOLDER, (_, key: string) => {
      if (key !== 'sha' && key !== 'branch' && key !== 'tag')
        return fail('ERR_OPTION_INVALID', `--tags: ${quoted(text, 200)}: there is no {${key}}`, {
          fix: 'There are {sha}, {branch} and {tag}.',
        });
      const name = asTag(names[key] ?? '');
      if (name === '') lacking = key;
      return name;
    });
    if (lacking === undefined) return [filled];
    note(`--tags: ${text} is left out, because git names no ${lacking === 'sha' ? 'commit' : `${lacking} for this commit`}`);
    return [];
  });
