/** One stanza of Debian's control files (policy 5.1): field names in lower case, folded lines joined by newlines. */
export type Stanza = ReadonlyMap<string, string>;

/** Parses stanzas divided by empty lines. A line that is neither a field nor a continuation is skipped. */
export const parseStanzas = (text: string): Stanza[] => {
  const stanzas: Map<string, string>[] = [];
  let fields = new Map<string, string>();
  let last: string | undefined;
  const close = () => {
    if (fields.size > 0) stanzas.push(fields);
    fields = new Map();
    last = undefined;
  };
  for (const line of text.split('\n').map((raw) => raw.replace(/\r$/, ''))) {
    if (line.trim() === '') close();
    else if (/^[ \t]/.test(line)) {
      if (last !== undefined) fields.set(last, `${fields.get(last) ?? ''}\n${line.trim()}`);
    } else {
      const field = /^([!-9;-~]+):[ \t]*(.*)$/.exec(line);
      last = field?.[1]?.toLowerCase();
      if (field && last !== undefined) fields.set(last, (field[2] ?? '').trim());
    }
  }
  close();
  return stanzas;
};

/** A package that apt would install, in the version that it would choose. */
export interface Choice {
  readonly name: string;
  readonly version: string;
}

/** Reads the `Inst name (version …)` lines of a simulated installation. */
export const parseSimulation = (output: string): Choice[] =>
  output.split('\n').flatMap((line) => {
    const found = /^Inst (\S+) (?:\[[^\]]*\] )?\(([^\s)]+)/.exec(line);
    return found?.[1] !== undefined && found[2] !== undefined ? [{ name: found[1].replace(/:[a-z0-9-]+$/, ''), version: found[2] }] : [];
  });

/**
 * The state of a machine on which the given packages are installed, as dpkg writes it: apt then resolves dependencies without them.
 * @param known what apt says of these packages, for the virtual names that they provide
 */
export const installedState = (names: readonly string[], known: readonly Stanza[]): string =>
  names
    .map((name) => {
      const provides = known.find((stanza) => stanza.get('package') === name)?.get('provides');
      const lines = [`Package: ${name}`, 'Status: install ok installed', 'Version: 99999', 'Architecture: all', 'Multi-Arch: foreign'];
      if (provides !== undefined) lines.push(`Provides: ${provides.replaceAll('\n', ' ')}`);
      return `${[...lines, 'Maintainer: nobody', 'Description: left out of the image'].join('\n')}\n\n`;
    })
    .join('');

/** apt's preferences that let nothing in but one Debian release with its updates and its security fixes (apt_preferences(5)). */
export const releasePreferences = (release: string): string =>
  [...['', '-updates', '-security'].map((suite) => ['release o=Debian, n=' + release + suite, 990] as const), ['release o=*', -1] as const]
    .map(([pin, priority]) => `Package: *\nPin: ${pin}\nPin-Priority: ${priority}\n`)
    .join('\n');
