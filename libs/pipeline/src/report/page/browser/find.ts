import { byId } from './dom.ts';

/** A filter of the rows of a table. */
export interface Find {
  /** Puts the focus into the field. */
  readonly focus: () => void;
  readonly clear: () => void;
}

const number = new Intl.NumberFormat('en');

/** All that a row can be found by, short texts in full, too. */
const textOf = (row: HTMLElement): string =>
  [row.textContent ?? '', ...[...row.querySelectorAll<HTMLElement>('[data-copy]')].map(({ dataset }) => dataset['copy'])].join(' ').toLowerCase();

/**
 * Filters rows by the field `find`, whose words must all be in them, and by the pressed chips, one of whose verdicts they must have.
 * @param changed is called after each change
 */
export const filterRows = (rows: readonly HTMLElement[], { noun, changed }: { readonly noun: string; readonly changed: () => void }): Find => {
  const field = byId<HTMLInputElement>('find');
  const chips = [...document.querySelectorAll<HTMLButtonElement>('.chip')];
  // Read once, and only by who filters.
  let texts: string[] | undefined;
  const apply = (): void => {
    texts ??= rows.map(textOf);
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdicts = chips.filter((chip) => chip.ariaPressed === 'true').map(({ dataset }) => dataset['verdict']);
    let shown = 0;
    rows.forEach((row, at) => {
      const fits =
        words.every((word) => texts![at]!.includes(word)) &&
        (verdicts.length === 0 || verdicts.some((verdict) => row.querySelector(`td[data-verdict="${verdict}"]`)));
      row.hidden = !fits;
      if (fits) shown += 1;
    });
    byId('nothing').hidden = shown > 0 || rows.length === 0;
    tell(shown);
    changed();
  };
  const tell = (shown: number): void => {
    byId('shown').textContent = `${shown === rows.length ? '' : `${number.format(shown)} of `}${number.format(rows.length)} ${noun}`;
  };
  const clear = (): void => {
    field.value = '';
    for (const chip of chips) chip.ariaPressed = 'false';
    apply();
  };
  for (const chip of chips) {
    chip.disabled = chip.dataset['count'] === '0';
    chip.addEventListener('click', () => {
      chip.ariaPressed = String(chip.ariaPressed !== 'true');
      apply();
    });
  }
  field.addEventListener('input', apply);
  byId('clear').addEventListener('click', () => {
    clear();
    field.focus();
  });
  tell(rows.length);
  return { focus: () => (field.focus(), field.select()), clear };
};
