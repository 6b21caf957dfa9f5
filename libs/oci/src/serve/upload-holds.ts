import { createHash, type Hash } from 'node:crypto';

/** What the request that holds an upload knows about it. */
export interface Held {
  /** The hash of the first `hashed` bytes; sha256, which nearly every blob has. */
  hash: Hash;
  hashed: number;
}

interface Session extends Held {
  /** Resolves when the present holder has let go. */
  over: Promise<void>;
  /** Makes the present holder let go. */
  cut: (() => void) | undefined;
}

/** Lets one request at a time hold an upload. */
export interface Holds {
  /** Runs `work` while it alone holds an upload. A client that sends another request has given up the one before, so that one is cut by its `cut`. */
  holding<T>(id: string, cut: (() => void) | undefined, work: (held: Held) => Promise<T>): Promise<T>;
  forget(id: string): void;
  ids(): Iterable<string>;
}

/** See {@link Holds}. */
export const createHolds = (): Holds => {
  const sessions = new Map<string, Session>();
  return {
    async holding(id, cut, work) {
      const session = sessions.get(id) ?? { hash: createHash('sha256'), hashed: 0, over: Promise.resolve(), cut: undefined };
      sessions.set(id, session);
      const before = session.over;
      session.cut?.();
      session.cut = cut;
      let letGo: () => void = () => undefined;
      session.over = new Promise((resolve) => (letGo = resolve));
      try {
        await before;
        return await work(session);
      } finally {
        letGo();
      }
    },
    forget: (id) => void sessions.delete(id),
    ids: () => sessions.keys(),
  };
};
