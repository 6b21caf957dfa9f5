import type { Problem } from '@pinlane/contracts';

const inData = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const inProperty = (text: string): string => inData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

/**
 * A problem as a command of GitHub Actions, which shows it at its line in the pull request (docs.github.com, "Workflow commands", `error`). No text of it ends
 * the command or begins another.
 */
export const annotationOf = ({ code, message, file, line, column, fix }: Problem & { readonly fix: string }): string => {
  const place = Object.entries({ file, line, col: column }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${inProperty(String(value))}`]));
  return `::error ${[...place, `title=${code}`].join(',')}::${inData(`${message}\nfix: ${fix}`)}`;
};
