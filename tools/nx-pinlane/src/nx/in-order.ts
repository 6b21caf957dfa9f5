/** How many pieces of work run at once, and what becomes of those that wait for one that failed. */
export interface Order<Result> {
  readonly atOnce: number;
  readonly isGood: (result: Result) => boolean;
  readonly skip: () => Result;
}

/**
 * Works on pieces in the order of their dependencies, several at once, and yields each result as it comes. What depends on a piece that was not good is
 * skipped. Dependencies on anything else than these pieces are not looked at.
 * @param dependencies the pieces, and for each those that come before it; without circles
 * @throws what `work` throws
 */
export async function* inOrder<Result>(
  dependencies: Readonly<Record<string, readonly string[]>>,
  work: (piece: string) => Promise<Result>,
  { atOnce, isGood, skip }: Order<Result>,
): AsyncGenerator<readonly [piece: string, result: Result]> {
  const pieces = Object.keys(dependencies);
  const known = new Set(pieces);
  const before = new Map(pieces.map((piece) => [piece, new Set(dependencies[piece]?.filter((each) => known.has(each)))]));
  const after = new Map<string, string[]>(pieces.map((piece) => [piece, []]));
  for (const [piece, needed] of before) for (const each of needed) after.get(each)!.push(piece);
  const ready = pieces.filter((piece) => before.get(piece)!.size === 0);
  const skipped = new Set<string>();
  const running = new Map<string, Promise<readonly [string, Result]>>();

  while (ready.length > 0 || running.size > 0) {
    while (ready.length > 0 && running.size < atOnce) {
      const piece = ready.shift()!;
      running.set(
        piece,
        (skipped.has(piece) ? Promise.resolve(skip()) : work(piece)).then((result) => [piece, result] as const),
      );
    }
    const [piece, result] = await Promise.race(running.values());
    running.delete(piece);
    for (const next of after.get(piece)!) {
      if (!isGood(result)) skipped.add(next);
      before.get(next)!.delete(piece);
      if (before.get(next)!.size === 0) ready.push(next);
    }
    yield [piece, result];
  }
}
