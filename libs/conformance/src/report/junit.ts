import type { AcceptanceReport, Check } from '@pinlane/contracts';

// Characters that XML 1.0 does not allow, not even escaped ("Characters", production 2). With the flag u, only a surrogate without its other half matches.
const FORBIDDEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uD800-\uDFFF\uFFFE\uFFFF]/gu;

/** A text as the value of an XML attribute. A character that XML does not allow becomes U+FFFD. */
export const escapeXml = (text: string): string => text.replace(FORBIDDEN, '\uFFFD').replace(/[&<>"'\n\r\t]/g, (character) => `&#${character.charCodeAt(0)};`);

const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(3);

const testCase = (suite: string, { rule, title, outcome, message, durationMs }: Check): string => {
  const open = `    <testcase classname="${escapeXml(suite)}" name="${escapeXml(`${rule}: ${title}`)}" time="${seconds(durationMs)}"`;
  if (outcome === 'passed') return `${open}/>`;
  const element = outcome === 'failed' ? 'failure' : 'skipped';
  return `${open}>\n      <${element} message="${escapeXml(message)}"/>\n    </testcase>`;
};

/** A report as JUnit XML, which CI systems show. */
export const junitXml = ({ ref, digest, checks, startedAt, durationMs }: AcceptanceReport): string => {
  const count = (wanted: Check['outcome']): number => checks.filter(({ outcome }) => outcome === wanted).length;
  const counts = `tests="${checks.length}" failures="${count('failed')}" errors="0" skipped="${count('skipped')}" time="${seconds(durationMs)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="pinlane acceptance" ${counts}>`,
    `  <testsuite name="${escapeXml(ref)}" timestamp="${escapeXml(startedAt)}" ${counts}>`,
    '    <properties>',
    `      <property name="image.digest" value="${escapeXml(digest)}"/>`,
    '    </properties>',
    ...checks.map((check) => testCase(ref, check)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
};
