/** A table whose cells can be gone through by keys. */
export interface Grid {
  /** Puts the focus on a cell; on that which had it last, or the first that is shown, if none is given. */
  readonly focus: (cell?: HTMLElement) => void;
  /** Goes so many rows and columns on, as far as there are any, and tells the cell there. */
  readonly go: (rows: number, columns: number) => HTMLElement | null;
  /** Finds a cell again after rows were hidden. */
  readonly refresh: () => void;
}

const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  ...{ ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] },
  ...{ j: [1, 0], k: [-1, 0], h: [0, -1], l: [0, 1] },
  ...{ PageDown: [10, 0], PageUp: [-10, 0], Home: [-Infinity, 0], End: [Infinity, 0] },
};
/** The way of a key; undefined if it has none. */
export const moveOf = (key: string): readonly [number, number] | undefined => (Object.hasOwn(MOVES, key) ? MOVES[key] : undefined);

const between = (low: number, value: number, high: number): number => Math.max(low, Math.min(high, value));

/**
 * Makes a grid of a table (ARIA Authoring Practices, "Grid Pattern"): one cell is reached by Tab, the others from there.
 * @param open what Enter and a click do
 */
export const gridOf = (table: HTMLTableElement, open: (cell: HTMLElement) => void): Grid => {
  const rows = [...table.tBodies[0]!.rows];
  const cellsOf = (row: HTMLTableRowElement): HTMLElement[] => [...row.querySelectorAll<HTMLElement>('td')];
  let current: HTMLElement | null = null;
  const take = (cell: HTMLElement | null): HTMLElement | null => {
    if (current) current.tabIndex = -1;
    current = cell;
    if (current) current.tabIndex = 0;
    return current;
  };
  const rowOf = (cell: HTMLElement): HTMLTableRowElement => cell.closest('tr') as HTMLTableRowElement;
  const first = (): HTMLElement | null => {
    const row = rows.find(({ hidden }) => !hidden);
    return row ? (cellsOf(row)[0] ?? null) : null;
  };
  const refresh = (): void => {
    if (current === null || rowOf(current).hidden) take(first());
  };
  const go = (down: number, across: number): HTMLElement | null => {
    if (current === null) return null;
    const shown = rows.filter(({ hidden }) => !hidden);
    const row = shown[between(0, shown.indexOf(rowOf(current)) + down, shown.length - 1)];
    if (!row) return null;
    const cells = cellsOf(row);
    return take(cells[between(0, cellsOf(rowOf(current)).indexOf(current) + across, cells.length - 1)] ?? null);
  };
  const show = (cell: HTMLElement | null): void => {
    cell?.focus({ preventScroll: true });
    cell?.scrollIntoView({ block: 'nearest' });
  };
  table.setAttribute('role', 'grid');
  for (const row of rows) for (const cell of cellsOf(row)) cell.tabIndex = -1;
  table.addEventListener('focusin', ({ target }) => {
    const cell = (target as HTMLElement).closest<HTMLElement>('tbody td');
    if (cell) take(cell);
  });
  table.addEventListener('keydown', (event) => {
    const cell = (event.target as HTMLElement).closest<HTMLElement>('tbody td');
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const move = moveOf(event.key);
    if (move) show(go(...move));
    else if (event.key === 'Enter' || event.key === ' ') open(cell);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  table.addEventListener('click', ({ target }) => {
    const cell = (target as HTMLElement).closest<HTMLElement>('tbody td');
    if (cell && !(target as HTMLElement).closest('[data-copy]') && getSelection()?.isCollapsed !== false) {
      show(take(cell));
      open(cell);
    }
  });
  take(first());
  const focus = (cell?: HTMLElement): void => {
    if (cell) take(cell);
    refresh();
    show(current);
  };
  return { focus, go, refresh };
};
