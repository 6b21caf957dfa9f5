import { describe, expect, it } from '@jest/globals';
import { chunksOf, drain, jsonBytes } from '../../src/index.ts';

describe('bytes as a stream', () => {
  it('come in chunks of the size that is asked for, the rest in a last one', async () => {
    const chunks: string[] = [];
    for await (const chunk of chunksOf(Buffer.from('abcde'), 2)) chunks.push(Buffer.from(chunk).toString());
    expect(chunks).toEqual(['ab', 'cd', 'e']);
  });

  it('are the same once they are read again, however many there are', async () => {
    const bytes = Buffer.from('0123456789'.repeat(5000));
    expect((await drain(chunksOf(bytes))).equals(bytes)).toBe(true);
    expect(await drain(chunksOf(Buffer.alloc(0)))).toHaveLength(0);
  });
});

describe('a value as JSON', () => {
  it('is its UTF-8', () => {
    expect(Buffer.from(jsonBytes({ name: 'é' })).toString('utf8')).toBe('{"name":"é"}');
  });
});
