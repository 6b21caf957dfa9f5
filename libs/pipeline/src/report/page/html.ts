/** Markup that is safe to put on a page: what `html` made, and nothing else. */
export interface Html {
  readonly [MARKUP]: string;
}
const MARKUP: unique symbol = Symbol('markup');

/** What a template takes: text is escaped, markup is not, absence is nothing, and a list is its parts one after the other. */
export type HtmlValue = string | number | null | undefined | false | Html | readonly HtmlValue[];

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Escapes a text for an element's content and for a quoted attribute. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string);

const isHtml = (value: object): value is Html => MARKUP in value;

const rendered = (value: HtmlValue): string => {
  if (value === null || value === undefined || value === false) return '';
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  return isHtml(value) ? value[MARKUP] : value.map(rendered).join('');
};

/** A value after `=` without quotes could add attributes, and one within a tag's name or a comment could do anything. */
const UNQUOTED = /=\s*$|<[/!]?\s*$/;
/** The literal parts of templates, looked at and made short: each template is one object for ever, and is rendered thousands of times. */
const known = new WeakMap<TemplateStringsArray, readonly string[]>();

const partsOf = (strings: TemplateStringsArray): readonly string[] => {
  const before = known.get(strings);
  if (before) return before;
  const misplaced = strings.slice(0, -1).find((text) => UNQUOTED.test(text));
  if (misplaced !== undefined) throw new Error(`a value of a template needs quotes: ${misplaced.slice(-40)}`);
  // Line breaks are for the reader of the source.
  const parts = strings.map((text) => text.replace(/\s*\n\s*/g, ' '));
  known.set(strings, parts);
  return parts;
};

/**
 * Markup from a template, in which every value is escaped unless it is markup itself. White space with a line break in it is one space.
 * @throws Error if a value has its place where escaping does not help: an attribute without quotes, or a tag's name
 */
export const html = (strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html => ({
  [MARKUP]: partsOf(strings)
    .map((text, at) => text + (at < values.length ? rendered(values[at]) : ''))
    .join(''),
});

/** A text of this repository, such as a bundled script, that is markup as it is. Nothing that comes from elsewhere may go through it. */
export const trusted = (text: string): Html => ({ [MARKUP]: text });

/** The text of some markup. */
export const textOf = (markup: Html): string => markup[MARKUP];

/** A value as JSON that no `<script>` element can be left from, whatever is in it (HTML, "Restrictions for contents of script elements"). */
export const jsonFor = (value: unknown): Html =>
  trusted(JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`));
