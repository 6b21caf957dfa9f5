import { ageOf } from '../../time.ts';
import { copy, copyInFull } from './copy.ts';
import { byId, isTyping } from './dom.ts';
import { filterRows } from './find.ts';
import { gridOf, moveOf } from './grid.ts';
import { switchTheme } from './theme.ts';

/** Tells that a page is old, which it can't know when it is made. */
const tellAge = (): void => {
  const age = ageOf(byId('made').getAttribute('datetime') as string, new Date().toISOString());
  if (age === null || !/ (d|mo)$/.test(age)) return;
  byId('stale').textContent = `made ${age} ago`;
  byId('stale').hidden = false;
};

/**
 * Brings a page with a table to life: the filter, keys, colours, copying, and the panel with the details of a cell.
 * @param table its id
 * @param panelOf what the panel shows of a row and a column
 */
export const tablePage = <Data>(table: string, panelOf: (data: Data, row: number, column: number) => HTMLElement): void => {
  const grids = byId<HTMLTableElement>(table);
  const dialog = byId<HTMLDialogElement>('details');
  const rows = [...grids.tBodies[0]!.rows];

  // A page of many processors is megabytes of details, and nobody has asked for any yet.
  let read: Data | undefined;
  const data = (): Data => (read ??= JSON.parse(byId('data').textContent) as Data);

  /** The cell whose details are shown, or were last. */
  let shown: HTMLElement | undefined;
  const show = (cell: HTMLElement): void => {
    shown = cell;
    const row = Number(cell.closest('tr')!.dataset['row']);
    dialog.replaceChildren(panelOf(data(), row, Number(cell.dataset['column'])));
    dialog.scrollTop = 0;
    if (!dialog.open) dialog.showModal();
  };
  const grid = gridOf(grids, show);
  const find = filterRows(rows, { noun: rows.length === 1 ? 'row' : 'rows', changed: grid.refresh });

  document.addEventListener('click', ({ target }) => {
    const holder = (target as HTMLElement).closest<HTMLElement>('[data-copy]');
    if (holder && getSelection()?.isCollapsed !== false) void copy(holder.dataset['copy'] as string);
  });
  byId('find').addEventListener('keydown', (event) => {
    if (event.key === 'Escape') find.clear();
    else if (event.key !== 'Enter' && event.key !== 'ArrowDown') return;
    event.preventDefault();
    grid.focus();
  });
  document.addEventListener('keydown', (event) => {
    if (isTyping(event)) return;
    if (dialog.open) {
      // The next row without leaving the panel; the arrows scroll it.
      const move = /^[jkhl]$/.test(event.key) ? moveOf(event.key) : undefined;
      const cell = move ? grid.go(...move) : null;
      if (cell) show(cell);
    } else if (event.key === '/') {
      event.preventDefault();
      find.focus();
    } else if (/^[jkhl]$/.test(event.key) || (event.key.startsWith('Arrow') && event.target === document.body)) {
      event.preventDefault();
      grid.focus();
    }
  });
  dialog.addEventListener('click', (event) => {
    // What is beside the panel is its backdrop.
    if (event.target === dialog && event.clientX < dialog.getBoundingClientRect().left) dialog.close();
  });
  dialog.addEventListener('close', () => {
    document.body.append(byId('said'));
    // The browser gives the focus back to the cell that was left for the panel, and keys may have gone on from there.
    grid.focus(shown);
  });

  switchTheme();
  copyInFull();
  tellAge();
  for (const hidden of document.querySelectorAll<HTMLElement>('.toolbar, .keys')) hidden.hidden = false;
};
