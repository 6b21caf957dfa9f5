import { describe, expect, it } from '@jest/globals';
import { readCompletion, readPiece } from '../../src/completion.ts';
import { completionsUrl } from '../../src/gateway.ts';
import { mockCompletion, pieces } from '../../src/mock.ts';
import { eventData } from '../../src/server-sent-events.ts';

describe('an answer of the gateway', () => {
  it('is read with its model, its reason to stop and its usage', () => {
    const body = {
      model: 'gpt-x',
      choices: [{ message: { content: 'Hi' }, finish_reason: 'length' }],
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, more: 4 },
    };
    expect(readCompletion(body, 'asked')).toEqual({
      text: 'Hi',
      model: 'gpt-x',
      finishReason: 'length',
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    });
  });

  it('may leave out what is not text', () => {
    expect(readCompletion({ choices: [{ message: { content: '' } }] }, 'asked')).toEqual({ text: '', model: 'asked', finishReason: null, usage: null });
  });

  it.each([
    [{}, 'has no choices'],
    [{ choices: [] }, 'has no choices'],
    [{ choices: ['x'] }, 'has a choice that is not an object'],
    [{ choices: [{ message: { content: null, tool_calls: [] } }] }, 'holds no text'],
  ])('is refused as %j', (body, message) => {
    expect(() => readCompletion(body, 'asked')).toThrow(message);
  });

  it('comes in pieces, of which the last may hold only the usage', () => {
    expect(readPiece('{"choices":[{"delta":{"content":"a"},"finish_reason":null}]}')).toMatchObject({ text: 'a', finishReason: null });
    expect(readPiece('{"choices":[],"usage":{"total_tokens":9}}')).toMatchObject({ text: '', usage: { total_tokens: 9 } });
  });

  it.each([
    ['{', 'not JSON'],
    ['[]', 'not an object'],
    ['{"error":{"message":"quota"}}', 'in the middle of its answer: quota'],
  ])('is refused when a piece is %s', (data, message) => {
    expect(() => readPiece(data)).toThrow(message);
  });
});

describe('a server-sent stream', () => {
  const read = async (...chunks: (string | Uint8Array)[]): Promise<string[]> => {
    const bytes = async function* () {
      for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    };
    const events: string[] = [];
    for await (const data of eventData(bytes())) events.push(data);
    return events;
  };

  it('is cut at blank lines, whatever ends a line and wherever a chunk ends', async () => {
    expect(await read('data: a\n\nda', 'ta:b\r', '\n\r\n: comment\nevent: x\ndata: c\ndata: d\n\n', 'data: never ended')).toEqual(['a', 'b', 'c\nd']);
  });

  it('keeps a character that two chunks share', async () => {
    const bytes = Buffer.from('data: é\n\n');
    expect(await read(bytes.subarray(0, 7), bytes.subarray(7))).toEqual(['é']);
  });

  it('is given up when a line does not end', async () => {
    await expect(read('x'.repeat(4 * 1024 * 1024 + 1))).rejects.toMatchObject({ code: 'ERR_PROVIDER' });
  });
});

describe('the address of the gateway', () => {
  it.each([
    [undefined, 'https://api.openai.com/v1/chat/completions'],
    ['http://litellm:4000', 'http://litellm:4000/chat/completions'],
    ['http://litellm:4000/v1/ ', 'http://litellm:4000/v1/chat/completions'],
  ])('follows from %j', (base, url) => {
    expect(completionsUrl(base).href).toBe(url);
  });

  it.each(['litellm:4000', 'file:///etc', 'not a url'])('is refused as %j, without showing it', (base) => {
    expect(() => completionsUrl(base)).toThrow(/^LITELLM_API_BASE is not an http or https URL$/);
  });
});

describe('a mock answer', () => {
  it('repeats the last question, and its pieces make the whole', () => {
    const messages = [
      { role: 'user', content: 'first' },
      { role: 'user', content: 'second  question' },
      { role: 'assistant', content: 'x' },
    ] as const;
    const { text } = mockCompletion({ model: 'm', messages });
    expect(text).toBe('Mock answer of m: second  question');
    expect(pieces(text).join('')).toBe(text);
    expect(pieces(text)).toHaveLength(6);
  });
});
