/** One entry of a layer: all that is written about it, each fact by its name. */
export interface ComparedEntry {
  /** Relative to the image's root. */
  readonly path: string;
  readonly facts: Readonly<Record<string, string>>;
}

/** Compares the entries of a layer that was built with those of the pinned one. */
export interface FileComparison {
  /** Takes in what was built, before anything that is pinned. */
  built(entry: ComparedEntry): void;
  /** Compares an entry of the pinned layer, which is not kept. */
  pinned(entry: ComparedEntry): void;
  /** Tells what was built and is not pinned. @returns whether no entry differs; and if so, whether they came in the same order */
  end(): { readonly same: boolean; readonly ordered: boolean };
}

interface Kept {
  readonly position: number;
  readonly facts: ComparedEntry['facts'];
}

const described = (facts: ComparedEntry['facts']): string =>
  Object.entries(facts)
    .map(([name, value]) => (name === 'type' ? value : `${name} ${value}`))
    .join(', ');

const differing = (pinned: ComparedEntry['facts'], built: ComparedEntry['facts']): string =>
  [...new Set([...Object.keys(built), ...Object.keys(pinned)])]
    .filter((name) => pinned[name] !== built[name])
    .map((name) => `${name}: pinned ${pinned[name] ?? 'none'}, built ${built[name] ?? 'none'}`)
    .join('; ');

/**
 * See {@link FileComparison}. A path that a layer has several times is compared in the order in which it comes. What is kept is what was built: a pinned layer
 * may be as large as somebody wants it to be.
 */
export const compareFiles = (tell: (path: string, message: string) => void): FileComparison => {
  const kept = new Map<string, Kept[]>();
  let [count, last, same, ordered] = [0, -1, true, true];
  const differs = (path: string, message: string): void => {
    same = false;
    tell(path, message);
  };
  return {
    built({ path, facts }) {
      const here = kept.get(path);
      const entry = { position: count, facts };
      count += 1;
      if (here === undefined) kept.set(path, [entry]);
      else here.push(entry);
    },
    pinned({ path, facts }) {
      const here = kept.get(path);
      const match = here?.shift();
      if (here?.length === 0) kept.delete(path);
      if (match === undefined) return differs(path, `is in the pinned image alone: ${described(facts)}`);
      ordered &&= match.position > last;
      last = match.position;
      const message = differing(facts, match.facts);
      if (message !== '') differs(path, message);
    },
    end() {
      for (const [path, entries] of kept) for (const { facts } of entries) differs(path, `is missing in the pinned image: ${described(facts)}`);
      return { same, ordered };
    },
  };
};
