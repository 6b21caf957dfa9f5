import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { HISTORY_FORMAT } from '../../src/deploy/drift-history.ts';

/** The schema of reports of which each format of the history in short was taken. */
const SCHEMAS: Readonly<Record<string, string>> = { 'drift history 1': '3f8a34892c167cb32907773515f973cd416d5f2ba1b13ae93072a46d6c812c90' };

describe('the history of drift that is kept in short', () => {
  it('has another format when reports have another schema: count HISTORY_FORMAT up, and add its line here', () => {
    const schema = readFileSync(resolve(import.meta.dirname, '../../../../docs/reference/schemas/drift-report.schema.json'));
    expect(SCHEMAS[HISTORY_FORMAT]).toBe(createHash('sha256').update(schema).digest('hex'));
  });
});
