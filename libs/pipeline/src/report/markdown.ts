import { plainLine } from '@pinlane/contracts';

/** Whatever has a meaning to Markdown, GitHub's kind included, or to HTML. */
const SPECIAL = /[!-/:-@[-`{-~]/g;

/**
 * A text of somebody who is not trusted, on one line of Markdown: every character of punctuation is a reference by number, which can neither begin nor end
 * anything (CommonMark, "Entity and numeric character references").
 */
export const markdownText = (text: string): string => plainLine(text).replace(SPECIAL, (character) => `&#${character.charCodeAt(0)};`);

/** The same in the type of code, in which GitHub looks for no mentions, issues or addresses. */
export const markdownCode = (text: string): string => `<code>${markdownText(text)}</code>`;
