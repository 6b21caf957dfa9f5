import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isProxied } from '../../../src/hosting/modal/client-environment.ts';
import { messageOfText, readMessage, type WireMessage } from '../../../src/hosting/modal/wire.ts';
import { scalingIn, serverIn } from '../../../src/hosting/modal/server-info.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('a message as it was sent', () => {
  // The examples of "Encoding" of the documentation of Protocol Buffers, and what they leave out.
  it.each<[string, string, (message: WireMessage) => unknown, unknown]>([
    ['a number', '08 96 01', (message) => message.number(1), 150],
    ['a text', '12 07 74 65 73 74 69 6e 67', (message) => message.text(2), 'testing'],
    ['a message in a message', '1a 03 08 96 01', (message) => message.message(3)?.number(1), 150],
    ['a repeated text', '22 01 61 22 00 22 01 62', (message) => message.texts(4), ['a', '', 'b']],
    ['a field that was sent twice', '08 01 08 02', (message) => message.number(1), 2],
    ['a field of a large number', 'b2 02 01 78', (message) => message.texts(38), ['x']],
    ['a double', '49 00 00 00 00 00 00 f8 3f', (message) => message.number(9), 1.5],
    ['a float', '4d 00 00 c0 3f', (message) => message.number(9), 1.5],
    [
      'nothing',
      '',
      (message) => [message.number(1), message.text(1), message.texts(1), message.message(1), message.messages(1)],
      [undefined, '', [], undefined, []],
    ],
  ])('holds %s', (_, bytes, read, expected) => {
    expect(read(readMessage(hex(bytes)))).toEqual(expected);
  });

  it.each<[string, string]>([
    ['a number that does not end', '08 96'],
    ['a number of more than ten bytes', `08 ${'ff'.repeat(10)} 01`],
    ['a text that is longer than the rest', '12 07 74'],
    ['a text of a length beyond any file', `12 ${'ff'.repeat(7)} 7f`],
    ['a double that is cut off', '49 00'],
    ['a group, which nobody sends', '0b 0c'],
  ])('is none with %s', (_, bytes) => {
    expect(() => readMessage(hex(bytes))).toThrow('no message');
  });

  it('is no text where a number was sent, nor the other way round', () => {
    expect(() => readMessage(hex('08 01')).text(1)).toThrow('no message');
    expect(() => readMessage(hex('0a 01 61')).number(1)).toThrow('no message');
  });

  it('gives back the text that was put into it, whatever it is', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), (text) => expect(readMessage(messageOfText(1, text)).text(1)).toBe(text)));
  });

  it('ends, and fails with nothing but an error, whatever bytes they are', () => {
    const read = (bytes: Uint8Array): void => {
      try {
        const message = readMessage(Buffer.from(bytes));
        [serverIn, scalingIn].forEach((each) => each(message));
      } catch (thrown) {
        expect(String(thrown)).toContain('no message');
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), read));
  });
});

describe('the way to the control plane beside the SDK', () => {
  it.each<[boolean, Record<string, string>]>([
    [false, {}],
    [true, { https_proxy: 'http://proxy.example:3128' }],
    [true, { HTTP_PROXY: 'http://proxy.example:3128', MODAL_SERVER_URL: 'https://api.example' }],
    [false, { ALL_PROXY: '' }],
    [false, { HTTPS_PROXY: 'http://proxy.example:3128', MODAL_SERVER_URL: 'http://127.0.0.1:9' }],
  ])('is not taken through a proxy: %s for %j', (proxied, env) => {
    expect(isProxied(env)).toBe(proxied);
  });
});
