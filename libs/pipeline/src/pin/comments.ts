import { Lexer } from 'yaml';

/** The mark that the lexer puts before the text of a scalar, which may begin with # in a block. */
const SCALAR = '\u001f';

/** Every comment of a YAML text in order, each from its # to the end of its line. */
export const commentsIn = (text: string): string[] => {
  const comments: string[] = [];
  let before = '';
  for (const token of new Lexer().lex(text)) {
    if (before !== SCALAR && token.startsWith('#')) comments.push(token);
    before = token;
  }
  return comments;
};
