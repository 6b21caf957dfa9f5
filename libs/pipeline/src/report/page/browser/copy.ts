import { byId } from './dom.ts';

const MESSAGE_MS = 1600;
let clearing: ReturnType<typeof setTimeout> | undefined;

/** Tells something in passing; a modal panel hides what is outside of it, so it is told in there. */
export const say = (text: string): void => {
  const said = byId('said');
  const panel = document.querySelector('dialog[open]');
  (panel ?? document.body).append(said);
  said.textContent = text;
  clearTimeout(clearing);
  clearing = setTimeout(() => (said.textContent = ''), MESSAGE_MS);
};

/** Copies a text. Where a page may not write the clipboard, it says so. */
export const copy = async (text: string): Promise<void> => {
  try {
    await navigator.clipboard.writeText(text);
    say('Copied in full');
  } catch {
    say('This browser lets the page copy nothing');
  }
};

/** What is short on the page is copied in full, when it is clicked and when it is selected for itself. */
export const copyInFull = (): void => {
  document.addEventListener('copy', (event) => {
    const selection = getSelection();
    const anchor = selection?.anchorNode;
    const holder = (anchor instanceof Element ? anchor : anchor?.parentElement)?.closest<HTMLElement>('[data-copy]');
    if (!holder || !event.clipboardData || selection?.toString().trim() !== holder.textContent?.trim()) return;
    event.clipboardData.setData('text/plain', holder.dataset['copy'] as string);
    event.preventDefault();
  });
};
