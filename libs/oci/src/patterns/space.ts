/** White space to Go (unicode.IsSpace). JavaScript's own has U+FEFF besides, and lacks U+0085. */
const SPACE = /[\t\n\v\f\r \u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]/;

/** Whether a character is white space to Go. */
export const isSpace = (char: string): boolean => SPACE.test(char);

/** Text without the white space at its start. */
export const trimStart = (text: string): string => {
  let start = 0;
  while (start < text.length && isSpace(text[start]!)) start += 1;
  return text.slice(start);
};

/** Text without the white space at both ends (Go, strings.TrimSpace). */
export const trimSpace = (text: string): string => {
  const rest = trimStart(text);
  let end = rest.length;
  while (end > 0 && isSpace(rest[end - 1]!)) end -= 1;
  return rest.slice(0, end);
};
