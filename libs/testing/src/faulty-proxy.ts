import { Agent, createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createGate, type RegistryAuth } from './registry-auth.ts';
import type { Fault, SeenRequest } from './registry.ts';

/** What goes wrong on the way to a server and back. */
export type ProxyFault =
  | Fault
  /** The server gets the whole request and does what it asks; its answer is lost with the connection. */
  | { readonly kind: 'lose-answer' }
  /** The server gets the first bytes of the request's body, then the connection is cut on both sides. */
  | { readonly kind: 'cut-request'; readonly bytes: number }
  /** Sends the first bytes of the answer's body, and then nothing at all. */
  | { readonly kind: 'stall'; readonly bytes: number }
  /** Sends another body, with its own right length. */
  | { readonly kind: 'body'; readonly change: (body: Buffer) => Uint8Array }
  /** Gives the right answer without some headers. */
  | { readonly kind: 'without'; readonly headers: readonly string[] };

export interface ProxyRule {
  readonly when: (request: SeenRequest) => boolean;
  /** How many requests it spoils; all where it is left out. */
  times?: number;
  readonly fault: ProxyFault;
}

/** A request as it went through. */
export interface ProxiedRequest extends SeenRequest {
  /** What the client was told; undefined where it was told nothing. */
  status?: number;
}

export interface ProxyOptions {
  /** `127.0.0.1:<port>` of the server behind it. */
  readonly upstream: string;
  readonly auth?: RegistryAuth;
}

/** A proxy before a real server, on which faults can be laid. */
export interface FaultyProxy {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  readonly requests: ProxiedRequest[];
  /** Rules may be added while it runs. */
  readonly rules: ProxyRule[];
  /** How many rules have been used at least once. */
  readonly struck: () => number;
  /** How many tokens were given out. */
  readonly tokens: () => number;
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
}

/** Of one hop, and the length, which is written anew. */
const NOT_PASSED_ON = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length']);

const passedOn = (headers: IncomingMessage['headers']): Record<string, string | string[]> =>
  Object.fromEntries(Object.entries(headers).filter(([name, value]) => value !== undefined && !NOT_PASSED_ON.has(name))) as Record<string, string | string[]>;

/** Fetches the right answer; `cutAfter` sends only the first bytes of the request's body, and rejects. */
const fetchReply = (agent: Agent, upstream: URL, incoming: IncomingMessage, body: Buffer, cutAfter?: number): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const headers = { ...incoming.headers };
    delete headers['authorization'];
    const outgoing = forward(upstream, { method: incoming.method ?? 'GET', headers, agent }, (response) => {
      response.toArray().then((chunks) => {
        const length = incoming.method === 'HEAD' ? response.headers['content-length'] : undefined;
        const more = length === undefined ? {} : { 'content-length': length };
        resolve({ status: response.statusCode ?? 502, headers: { ...passedOn(response.headers), ...more }, body: Buffer.concat(chunks as Buffer[]) });
      }, reject);
    });
    outgoing.on('error', reject);
    if (cutAfter === undefined) outgoing.end(body);
    else
      outgoing.write(body.subarray(0, cutAfter), () => {
        // The server is given the time to take what was sent before the connection goes away.
        setTimeout(() => outgoing.destroy(new Error('cut')), 20);
      });
  });

const send = (response: ServerResponse, { status, headers, body }: Reply, head: boolean, fault: ProxyFault | undefined): void => {
  const dropped = fault?.kind === 'without' ? fault.headers : [];
  // What an answer to HEAD would be long is not known here.
  const length = head && fault?.kind === 'answer' ? {} : { 'content-length': String(body.length) };
  const all = Object.entries({ ...length, ...headers, ...(fault?.kind === 'headers' ? fault.headers : {}) });
  response.writeHead(status, Object.fromEntries(all.filter(([name]) => !dropped.includes(name))));
  if (fault?.kind === 'truncate') response.write(body.subarray(0, fault.bytes), () => response.destroy());
  else if (fault?.kind === 'stall') {
    response.flushHeaders();
    response.write(body.subarray(0, fault.bytes));
  } else response.end(head ? undefined : body);
};

/** Starts a proxy before a server. Authorization is asked for, where it is, and never passed on. */
export const startFaultyProxy = async ({ upstream, auth }: ProxyOptions): Promise<FaultyProxy> => {
  const requests: ProxiedRequest[] = [];
  const rules: ProxyRule[] = [];
  const used = new Set<ProxyRule>();
  const gate = createGate(auth);
  const agent = new Agent({ keepAlive: true });

  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const seen: ProxiedRequest = { method: incoming.method ?? '', url: incoming.url ?? '', host: incoming.headers.host ?? '', headers: incoming.headers };
    requests.push(seen);
    const head = incoming.method === 'HEAD';
    const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host}`);
    const refused = url.pathname.startsWith('/v2/') ? gate.check(incoming, url) : undefined;
    if (refused) {
      // Who may not come in meets no fault: else a fault that strikes once would be spent on the question for a token.
      incoming.resume();
      seen.status = refused.status;
      return send(response, { ...refused, body: Buffer.from(refused.body) }, head, undefined);
    }
    const rule = rules.find(({ when, times }) => times !== 0 && when(seen));
    if (rule) used.add(rule);
    if (rule?.times !== undefined) rule.times--;
    const fault = rule?.fault;
    const socket: Socket = incoming.socket;
    const tell = (reply: Reply, with_?: ProxyFault): void => {
      seen.status = reply.status;
      send(response, reply, head, with_);
    };

    if (fault?.kind === 'hang') return void incoming.resume();
    if (fault?.kind === 'reset') return void socket.destroy();
    if (fault?.kind === 'answer') {
      await incoming.toArray();
      return tell({ status: fault.status, headers: fault.headers ?? {}, body: Buffer.from(fault.body ?? '') }, fault);
    }
    const own = await gate.token(incoming, url);
    if (own) {
      incoming.resume();
      if (fault?.kind === 'lose-answer') return void socket.destroy();
      const body = Buffer.from(own.body);
      return tell({ ...own, body: fault?.kind === 'body' ? Buffer.from(fault.change(body)) : body }, fault);
    }
    const body = Buffer.concat((await incoming.toArray()) as Buffer[]);
    const target = new URL(incoming.url ?? '/', `http://${upstream}`);
    if (fault?.kind === 'cut-request') {
      await fetchReply(agent, target, incoming, body, fault.bytes).catch(() => undefined);
      return void socket.destroy();
    }
    const reply = await fetchReply(agent, target, incoming, body);
    if (fault?.kind === 'lose-answer') return void socket.destroy();
    if (fault?.kind === 'body') {
      const { 'content-length': _, ...headers } = reply.headers;
      return tell({ ...reply, headers, body: Buffer.from(fault.change(reply.body)) });
    }
    tell(reply, fault);
  };

  const server = createServer((incoming, response) => {
    answer(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    rules,
    struck: () => used.size,
    tokens: gate.issued,
    close: () =>
      new Promise((resolve) => {
        agent.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

/** A server that nobody should talk to, and that notes whatever it is told. */
export interface Stranger {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  readonly requests: SeenRequest[];
  close(): Promise<void>;
}

/** Starts a stranger, which answers 404 to all. */
export const startStranger = async (): Promise<Stranger> => {
  const requests: SeenRequest[] = [];
  const server = createServer((incoming, response) => {
    requests.push({ method: incoming.method ?? '', url: incoming.url ?? '', host: incoming.headers.host ?? '', headers: incoming.headers });
    incoming.resume();
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
