import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DriftEntry, DriftReport } from '@pinlane/contracts';
import { driftedEntry, driftReportOf, EXAMPLE_NOW, exampleDriftReports, orphanEntry, unverifiableEntry } from '@pinlane/testing';
import { renderDriftPage, renderDriftSummary, renderDriftTable } from '../../src/index.ts';
import { markdownText } from '../../src/report/markdown.ts';
import { escapeHtml, html, jsonFor, textOf } from '../../src/report/page/html.ts';

/** Texts, many of which are made of what breaks out of something. */
const pieces = [
  '<',
  '>',
  '"',
  "'",
  '&',
  '</script>',
  '<!--',
  '-->',
  ']]>',
  '<script>alert(1)</script>',
  '`',
  '|',
  '\n',
  '\r',
  '${x}',
  '\\',
  '\u2028',
  '\u202e',
  '\ud800',
  '\0',
  '&lt;',
  'javascript:alert(1)',
  ' onload=x ',
  '=',
  '{{',
  '::error::',
  '##[group]',
  '\u001b]0;x\u0007',
];
const text = fc.oneof(
  fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 8 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary' }),
);

/** The elements of a page with the names of their attributes, in order: what a text must not change. Values are quoted and hold no `<`, `>` or `"`. */
const skeleton = (page: string): string[] => [...page.matchAll(/<[^>]*>/g)].map(([tag]) => tag.replace(/"[^"]*"/g, '""'));

const reportWith = (hostile: string): DriftReport => {
  const environment = 'staging' as const;
  const said = { known: true as const, value: hostile };
  const unsaid = { known: false as const, reason: hostile };
  const drifted = driftedEntry('a/b@1', { environment });
  const entries: DriftEntry[] = [
    {
      ...{ ...drifted, app: hostile, message: hostile, by: hostile, unknown: [{ what: hostile, reason: hostile }] },
      differences: [{ what: 'setting', name: hostile, expected: hostile, found: hostile }],
      observed: { ...drifted.observed!, deployedBy: said, secrets: { known: true, value: [{ name: hostile, keys: [hostile] }] }, url: said, image: unsaid },
      serving: unsaid,
    },
    { ...orphanEntry('x', { environment }), app: hostile, message: hostile },
    { ...unverifiableEntry('c/d@1', { environment }), message: hostile },
  ];
  return driftReportOf(environment, entries);
};

const pageOf = (hostile: string): string => renderDriftPage({ reports: [reportWith(hostile)], now: new Date(EXAMPLE_NOW) });

describe('text in a page', () => {
  it('can be neither an element nor an attribute, in whatever place of a report it is', () => {
    const harmless = skeleton(pageOf('x'));
    fc.assert(
      fc.property(text, (hostile) => {
        expect(skeleton(pageOf(hostile))).toEqual(harmless);
      }),
      { numRuns: 150 },
    );
  });

  it('comes back from markup as it was', () => {
    const entities: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' };
    fc.assert(
      fc.property(text, (value) => {
        expect(escapeHtml(value)).not.toMatch(/[<>"']/);
        expect(escapeHtml(value).replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => entities[entity]!)).toBe(value);
        expect(textOf(html`<b title="${value}">${[value, html`<i>${value}</i>`]}</b>`).match(/[<>]/g)).toHaveLength(8);
      }),
    );
  });

  it('is JSON for a script that it can not end', () => {
    fc.assert(
      fc.property(fc.dictionary(text, text), (value) => {
        const json = textOf(jsonFor(value));
        expect(json).not.toMatch(/[<>&\u2028\u2029]/);
        expect({ ...JSON.parse(json) }).toEqual({ ...value });
      }),
    );
  });

  it('is what its script reads, made plain', () => {
    const [, json] = /<script type="application\/json" id="data">([^<]*)<\/script>/.exec(
      renderDriftPage({ reports: exampleDriftReports(), now: new Date(EXAMPLE_NOW) }),
    )!;
    expect(JSON.parse(json!)).toMatchObject({ now: EXAMPLE_NOW, counts: { drifted: 2 }, rows: expect.any(Array) });
    const [, odd] = /<script type="application\/json" id="data">([^<]*)<\/script>/.exec(pageOf('\u202eevil'))!;
    expect(odd).not.toContain('\u202e');
  });
});

describe('a template', () => {
  it.each([
    ['an attribute without quotes', () => html`<b title=${'x'}></b>`],
    ['the name of an element', () => html`<${'x'}></${'x'}>`],
    ['the end of an element', () => html`<b></${'b'}>`],
  ])('takes no value as %s', (_, make) => {
    expect(make).toThrow('a value of a template needs quotes');
  });
  it('leaves absence out', () => {
    expect(textOf(html`<b>${null}${undefined}${false}${0}${[]}</b>`)).toBe('<b>0</b>');
  });
});

describe('text in a summary and in a table', () => {
  it('is one line of Markdown without any meaning', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(markdownText(value)).toMatch(/^(?:[^!-/:-@[-`{-~\n\r]|&#\d+;)*$/);
      }),
    );
  });
  it('changes neither the lines nor the columns, in whatever place of a report it is', () => {
    const shape = (report: DriftReport): number[] =>
      renderDriftSummary(report)
        .split('\n')
        .map((line) => line.split('|').length);
    const harmless = shape(reportWith('x'));
    fc.assert(
      fc.property(text, (hostile) => {
        const report = reportWith(hostile);
        expect(shape(report)).toEqual(harmless);
        const lines = renderDriftTable(report);
        expect(lines).toHaveLength(8);

        expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u202e]/);
      }),
      { numRuns: 150 },
    );
  });
});
