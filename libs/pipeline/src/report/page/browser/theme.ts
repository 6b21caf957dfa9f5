import { byId } from './dom.ts';

const THEMES = ['auto', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];
const KEY = 'pinlane-theme';
const LABELS: Readonly<Record<Theme, string>> = { auto: '◐ Auto', light: '○ Light', dark: '● Dark' };

/** A page that is opened as a file may have no storage. */
const stored = (): Theme => {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? 'auto';
  } catch {
    return 'auto';
  }
};
const store = (theme: Theme): void => {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Then it lasts as long as the page.
  }
};

/** Lets the button `theme` go through what the system has, light and dark. */
export const switchTheme = (): void => {
  const button = byId('theme');
  let theme = stored();
  const show = (): void => {
    if (theme === 'auto') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
    button.textContent = LABELS[theme];
    button.setAttribute('aria-label', `Colours: ${theme}`);
  };
  button.addEventListener('click', () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] as Theme;
    store(theme);
    show();
  });
  show();
};
