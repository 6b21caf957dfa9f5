/**
 * The entries of --ssh, `default` or `id=path,path`. The command line splits values at commas; a part that is a path alone belongs to the entry before it.
 */
export const groupPaths = (given: readonly string[]): string[] =>
  given.reduce<string[]>((entries, text) => {
    const continues = !text.includes('=') && text.includes('/') && entries.length > 0;
    return continues ? [...entries.slice(0, -1), `${entries.at(-1)},${text}`] : [...entries, text];
  }, []);

/**
 * Joins fields again that the command line split at commas: `type=registry` and `ref=r` are one entry. A new entry begins with a field that the entry has
 * already, and with one without `=`.
 */
export const groupFields = (given: readonly string[]): string[] => {
  const entries: string[][] = [];
  const keyOf = (field: string): string | undefined => (field.includes('=') ? field.slice(0, field.indexOf('=')).trim() : undefined);
  for (const text of given) {
    const fields = text.split(',');
    const key = keyOf(text);
    const last = entries.at(-1);
    const continues =
      fields.length === 1 && key !== undefined && last !== undefined && last.every((field) => keyOf(field) !== undefined && keyOf(field) !== key);
    if (continues) last.push(text);
    else entries.push(fields);
  }
  return entries.map((fields) => fields.join(','));
};
