/** A tree that layers are applied to. Paths are relative to its root, free of links, and that of the root is empty. */
export interface TreeOfLayers {
  /** The names in a folder; undefined if there is no folder at the path. */
  namesIn(path: string): Iterable<string> | undefined;
  /** Removes what is at a path, if anything is; a folder with all that is in it. */
  remove(path: string): void;
}

/** Tells what a layer put in place from what lower layers have, because a whiteout takes away only that (OCI image specification, layer.md, "Whiteouts"). */
export interface LowerLayers {
  /** Notes what the layer puts at a path, and that it needs the folders that this is in. */
  written(path: string): void;
  /** Takes away what lower layers have at a path. */
  takeAway(path: string): void;
  /** Takes away what lower layers have in a folder. */
  empty(folder: string): void;
}

/** A path below a folder. */
export const inFolder = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

/** For one layer. */
export const createLowerLayers = ({ namesIn, remove }: TreeOfLayers): LowerLayers => {
  const own = new Set<string>();
  // Folders in which lower layers have nothing any more; none is gone through twice, however many marks a layer has.
  const emptied = new Set<string>();

  const takeAway = (path: string): void => {
    if (own.has(path)) empty(path);
    else remove(path);
  };

  const empty = (folder: string): void => {
    if (emptied.has(folder)) return;
    const names = namesIn(folder);
    if (names === undefined) return;
    emptied.add(folder);
    for (const name of [...names]) takeAway(inFolder(folder, name));
  };

  return {
    written: (path) => {
      for (let at = path; at !== '' && !own.has(at); at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) own.add(at);
    },
    takeAway,
    empty,
  };
};
