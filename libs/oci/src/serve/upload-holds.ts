import { createHash, type Hash } from 'node:crypto';

/** What is known of an upload by the request that has it. */
export interface Held {
  /** Of the first `hashed` bytes that came; sha256, which nearly every blob goes by. */
  hash: Hash;
  hashed: number;
}

interface Session extends Held {
  /** Resolves when whoever has it now has let go. */
  over: Promise<void>;
  /** Makes whoever has it now let go. */
  cut: (() => void) | undefined;
}

/** Sees to it that one request at a time has an upload. */
export interface Holds {
  /** Runs `work` alone with an upload. A client that comes again has given up its last request, so the last one wins: the one before is cut. */
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
