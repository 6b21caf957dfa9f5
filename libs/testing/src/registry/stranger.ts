import { createServer } from 'node:http';
import { listen, seenRequest, type Listening, type SeenRequest } from './listen.ts';

/** A server that nobody should talk to. It notes everything that it is sent. */
export interface Stranger extends Listening {
  readonly requests: SeenRequest[];
}

/** Starts a stranger, which answers every request with 404. */
export const startStranger = async (): Promise<Stranger> => {
  const requests: SeenRequest[] = [];
  const server = createServer((incoming, response) => {
    requests.push(seenRequest(incoming));
    incoming.resume();
    response.writeHead(404).end();
  });
  return { ...(await listen(server)), requests };
};
