/**
 * Characters that do something to a terminal or to the order of what is read, or that nobody sees: control characters but line feed and tab, format
 * characters such as marks of direction, separators, and halves of surrogate pairs (with the flag u only those without their other half match).
 */
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\u{e0000}-\u{e007f}]/gu;

const escaped = (character: string): string => {
  const code = character.codePointAt(0) as number;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
};

/** Cuts a text off after so many characters, and says so by an ellipsis. */
export const cutOff = (text: string, atMost: number): string => (text.length > atMost ? `${text.slice(0, atMost)}…` : text);

/**
 * A text of somebody who is not trusted, such as a processor, for a terminal, a report or a log. What does something to a terminal is escaped visibly; lines
 * and tabs stay. What GitHub Actions and Azure Pipelines take for a command of theirs (`::` at the beginning of a line, `##[` and `##vso[` anywhere) is none
 * any more.
 */
export const plainText = (text: string): string =>
  text
    .replace(UNSEEN, escaped)
    .replace(/^([ \t]*):(?=:)/gm, '$1\\:')
    .replace(/##(?=\[|vso\[)/gi, '#\\#');

/** The same on one line. */
export const plainLine = (text: string): string => plainText(text.replaceAll('\n', '\\n').replaceAll('\t', '\\t'));
