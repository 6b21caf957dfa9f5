import { ProcessorError } from '@pinlane/processor-runtime';

const LONGEST_LINE = 4 * 1024 * 1024;

/**
 * The data of each event of a server-sent stream, with the data lines of one event joined (WHATWG HTML, "Server-sent events"). Other fields
 * and comments are left out.
 * @throws ERR_PROVIDER if a line is too long
 */
export const eventData = async function* (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  for await (const chunk of bytes) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > LONGEST_LINE) throw new ProcessorError('ERR_PROVIDER', 'the gateway sent an event that is too long');
    // A \r at the end may be the first half of a \r\n.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n');
        data = [];
      } else if (line.startsWith('data:')) data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
    }
  }
};
