import { redactText } from '@pinlane/contracts';

export { redactText };

const HIDDEN = '[redacted]';

const SECRET_OPTION = /^(--?(?:password|passwd|token|secret|api-?key|auth)[\w-]*)(=.*)?$/i;

/** A command line for a message: quoted as far as that helps to read it, with the values of secret options and variables hidden. */
export const describeCommand = (command: string, args: readonly string[], secrets: readonly string[] = []): string => {
  const shown = args.map((arg, at) => {
    const option = SECRET_OPTION.exec(arg);
    if (option?.[2] !== undefined) return `${option[1]}=${HIDDEN}`;
    const previous = args[at - 1];
    return previous !== undefined && SECRET_OPTION.exec(previous)?.[2] === undefined && SECRET_OPTION.test(previous) ? HIDDEN : arg;
  });
  const words = [command, ...shown].map((word) => (/^[\w@%+=:,./[\]-]+$/.test(word) ? word : JSON.stringify(word)));
  return redactText(words.join(' '), secrets);
};
