/** A command of Nx, as a workflow or a page names it. */
export interface NxCommand {
  readonly kind: 'run' | 'run-many' | 'affected';
  /** Null where Nx picks the projects. */
  readonly project: string | null;
  readonly targets: readonly string[];
  readonly configuration: string | null;
  /** Other options by their name, with their value; `true` for one without. */
  readonly options: Readonly<Record<string, string | true>>;
}

/** The words of a line of shell that needs no shell: quotes are taken off. */
const wordsOf = (line: string): string[] => [...line.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replaceAll(/["']/g, ''));

const SHORT: Readonly<Record<string, string>> = { t: 'targets', target: 'targets', c: 'configuration', p: 'projects', project: 'projects' };
const nameOf = (dashed: string): string => SHORT[dashed] ?? dashed.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Options, and the words between them. `-t a b` has several values; of all other options those with `=` have one. */
const optionsOf = (words: readonly string[]): { readonly options: Record<string, string | true>; readonly rest: string[] } => {
  const options: Record<string, string | true> = {};
  const rest: string[] = [];
  let taking: string | null = null;
  for (const word of words) {
    const [, dashed, given] = /^--?([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (dashed !== undefined) {
      const name = nameOf(dashed);
      options[name] = given ?? true;
      taking = given === undefined && Object.values(SHORT).includes(name) ? name : null;
    } else if (taking === null) rest.push(word);
    else {
      const before = options[taking];
      options[taking] = typeof before === 'string' ? `${before},${word}` : word;
      if (taking === 'configuration') taking = null;
    }
  }
  return { options, rest };
};

/** Reads a line as a command of Nx; null if it is another one. */
export const nxCommand = (line: string): NxCommand | null => {
  const words = wordsOf(line);
  const [npx, nx, kind, ...more] = words.slice(
    Math.max(
      0,
      words.findIndex((word) => !/^[A-Z_][A-Z0-9_]*=/.test(word)),
    ),
  );
  if (npx !== 'npx' || nx !== 'nx' || (kind !== 'run' && kind !== 'run-many' && kind !== 'affected')) return null;
  const { options, rest } = optionsOf(more);
  const { targets, configuration, ...others } = options;
  const [project = null, target, typed] = kind === 'run' ? (rest[0] ?? '').split(':') : [];
  const named = typeof targets === 'string' ? targets.split(',') : [];
  return {
    kind,
    project,
    targets: target === undefined ? named : [target],
    configuration: typed ?? (typeof configuration === 'string' ? configuration : null),
    options: others,
  };
};
