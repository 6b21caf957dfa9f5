import { refuseEntry } from './read-layer.ts';

/** How many folders that no entry names a layer may need: so many for each of its entries, and some more. Tools that name none need two or three. */
const [FOR_EACH_ENTRY, MORE] = [8, 256];

/** Bounds the work that a layer of a few deep names makes. */
export interface FolderLimit {
  /** Counts an entry. */
  entry(): void;
  /** Counts a folder that was made because something lies in it. @throws EntryError */
  made(): void;
}

/** For one layer. */
export const createFolderLimit = (): FolderLimit => {
  let [entries, made] = [0, 0];
  return {
    entry: () => void (entries += 1),
    made: () => {
      made += 1;
      if (made > FOR_EACH_ENTRY * entries + MORE)
        refuseEntry(`needs folders that no entry names, of which the layer has more than ${FOR_EACH_ENTRY} for each entry`);
    },
  };
};
