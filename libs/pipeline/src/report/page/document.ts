import { createHash } from 'node:crypto';
import { html, jsonFor, textOf, trusted, type Html } from './html.ts';

/** What a page is made of. Its style and script are texts of this repository, bundled by `npm run generate`. */
export interface PageParts {
  readonly title: string;
  readonly style: string;
  readonly script: string;
  /** What the script reads; it is no script itself. */
  readonly data: unknown;
  readonly body: Html;
}

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Nothing is loaded, sent or embedded; the one style and the one script are known by their hashes (Content Security Policy Level 3). */
const policy = ({ style, script }: Pick<PageParts, 'style' | 'script'>): string =>
  `default-src 'none'; style-src ${hashOf(style)}; script-src ${hashOf(script)}; base-uri 'none'; form-action 'none'`;

/** A page that is one file: it needs no network, and its policy allows none. */
export const renderDocument = ({ title, style, script, data, body }: PageParts): string =>
  textOf(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta http-equiv="Content-Security-Policy" content="${policy({ style, script })}" />
          <meta name="referrer" content="no-referrer" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <title>${title}</title>
          ${trusted(`<style>${style}</style>`)}
        </head>
        <body>
          ${body}
          <script type="application/json" id="data">
            ${jsonFor(data)}
          </script>
          ${trusted(`<script>${script}</script>`)}
        </body>
      </html> `,
  );
