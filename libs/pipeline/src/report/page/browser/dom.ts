/** What an element is made of besides its name. */
export type Attributes = Readonly<Record<string, string | null>>;
export type Child = Node | string | null;

/** An element with its content; a text stays a text, whatever is in it. An attribute that is null is left out. */
export const element = <K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
};

/** The same for a drawing. */
export const drawing = (name: string, attributes: Attributes = {}, ...children: readonly Node[]): SVGElement => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

/** An element that the page has. */
export const byId = <T extends HTMLElement = HTMLElement>(id: string): T => document.getElementById(id) as T;

/** Whether a key is for what has the focus, as in a field of text, or with a modifier for the browser. */
export const isTyping = ({ target, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean =>
  ctrlKey || metaKey || altKey || (target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]'));
