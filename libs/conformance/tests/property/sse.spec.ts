import { describe, expect, it } from '@jest/globals';
import { array, assert, constantFrom, property, record, string } from 'fast-check';
import { escapeXml } from '../../src/report/junit.ts';
import { parseEventStream } from '../../src/subject/sse.ts';

const name = string({ minLength: 1 }).filter((text) => !/[\r\n]/.test(text));

describe('the parser of event streams', () => {
  it('reads back what was written, however lines end and whatever comments stand between', () => {
    const event = record({ event: name.filter((text) => !text.startsWith(' ')), data: string().filter((text) => !text.includes('\r')) });
    assert(
      property(array(event), constantFrom('\n', '\r\n', '\r'), (events, newline) => {
        const text = events.map(({ event: type, data }) =>
          [': a comment', `event: ${type}`, ...data.split('\n').map((line) => `data: ${line}`), '', ''].join('\n'),
        );
        expect(parseEventStream(text.join('').replaceAll('\n', newline))).toEqual(events);
      }),
    );
  });

  it('takes no event that was not finished', () => {
    expect(parseEventStream('event: progress\ndata: 1\n\nevent: done\ndata: {"half')).toEqual([{ event: 'progress', data: '1' }]);
  });
});

describe('escaping for XML', () => {
  it('leaves nothing that ends an attribute or is no XML character', () => {
    assert(
      property(string({ unit: 'binary' }), (text) => {
        expect(escapeXml(text)).not.toMatch(/[<>"'\u0000-\u001f\ufffe\uffff]|&(?!#[0-9]+;)/);
      }),
    );
  });
});
