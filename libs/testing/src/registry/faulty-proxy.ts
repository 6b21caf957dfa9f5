import { Agent, createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { createGate, type RegistryAuth } from './auth.ts';
import { useRule, type Fault, type FaultRule } from './faults.ts';
import { listen, seenRequest, urlOf, type Listening, type SeenRequest } from './listen.ts';

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

export type ProxyRule = FaultRule<ProxyFault>;

/** A request that went through the proxy. */
export interface ProxiedRequest extends SeenRequest {
  /** The status that the client was given; undefined if it was given none. */
  status?: number;
}

export interface ProxyOptions {
  /** `127.0.0.1:<port>` of the server behind it. */
  readonly upstream: string;
  readonly auth?: RegistryAuth;
}

/** A proxy before a real server, on which faults can be laid. */
export interface FaultyProxy extends Listening {
  readonly requests: ProxiedRequest[];
  /** Rules may be added while it runs. */
  readonly rules: ProxyRule[];
  /** How many rules have been used at least once. */
  readonly struck: () => number;
  /** How many tokens were given out. */
  readonly tokens: () => number;
}

/** An answer of the server behind the proxy, or one that is given in its place. */
interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
}

/** A request, and where its answer goes. */
interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly seen: ProxiedRequest;
}

/** Headers of one connection alone; and the length, which is computed anew. */
const NOT_PASSED_ON = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length']);

/** How long the server has to take in what it was sent of a request before the connection is cut, in ms. */
const BEFORE_CUT_MS = 20;

const passedOn = (headers: IncomingMessage['headers']): Record<string, string | string[]> =>
  Object.fromEntries(Object.entries(headers).filter(([name, value]) => value !== undefined && !NOT_PASSED_ON.has(name))) as Record<string, string | string[]>;

const bodyOf = async (message: IncomingMessage): Promise<Buffer> => Buffer.concat((await message.toArray()) as Buffer[]);

/** Asks the server behind, without the Authorization header. With `cutAfter`, it sends only the first bytes of the body, and rejects. */
const fetchReply = (agent: Agent, upstream: string, incoming: IncomingMessage, body: Buffer, cutAfter?: number): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const { method = 'GET', url = '/' } = incoming;
    const { authorization: _, ...headers } = incoming.headers;
    const outgoing = forward(new URL(url, `http://${upstream}`), { method, headers, agent }, (response) => {
      const length = method === 'HEAD' ? response.headers['content-length'] : undefined;
      const more = length === undefined ? {} : { 'content-length': length };
      const reply = (bytes: Buffer): Reply => ({ status: response.statusCode ?? 502, headers: { ...passedOn(response.headers), ...more }, body: bytes });
      bodyOf(response).then((bytes) => resolve(reply(bytes)), reject);
    });
    outgoing.on('error', reject);
    if (cutAfter === undefined) outgoing.end(body);
    else outgoing.write(body.subarray(0, cutAfter), () => void setTimeout(() => outgoing.destroy(new Error('cut')), BEFORE_CUT_MS));
  });

/** Sends an answer, spoilt by a fault that works on its headers or on how much of it is sent. */
const send = ({ incoming, response, seen }: Exchange, { status, headers, body }: Reply, fault?: ProxyFault): void => {
  seen.status = status;
  const head = incoming.method === 'HEAD';
  // An answer to HEAD names the length of what GET would answer, which a made-up answer does not know.
  const length = head && fault?.kind === 'answer' ? {} : { 'content-length': String(body.length) };
  const all = Object.entries({ ...length, ...headers, ...(fault?.kind === 'headers' ? fault.headers : {}) });
  const dropped = fault?.kind === 'without' ? fault.headers : [];
  response.writeHead(status, Object.fromEntries(all.filter(([name]) => !dropped.includes(name))));
  if (fault?.kind === 'truncate') response.write(body.subarray(0, fault.bytes), () => response.destroy());
  else if (fault?.kind === 'stall') {
    response.flushHeaders();
    response.write(body.subarray(0, fault.bytes));
  } else response.end(head ? undefined : body);
};

/** Sends the right answer, unless the fault loses it or changes its body. */
const sendSpoilt = (exchange: Exchange, reply: Reply, fault: ProxyFault | undefined): void => {
  if (fault?.kind === 'lose-answer') return void exchange.incoming.socket.destroy();
  if (fault?.kind !== 'body') return send(exchange, reply, fault);
  const { 'content-length': _, ...headers } = reply.headers;
  send(exchange, { ...reply, headers, body: Buffer.from(fault.change(reply.body)) });
};

/** Lays a fault for which the server behind is not asked at all. @returns whether it is such a fault */
const strikeBefore = async (exchange: Exchange, fault: ProxyFault | undefined): Promise<boolean> => {
  const { incoming } = exchange;
  if (fault?.kind === 'hang') incoming.resume();
  else if (fault?.kind === 'reset') incoming.socket.destroy();
  else if (fault?.kind === 'answer') {
    await incoming.toArray();
    send(exchange, { status: fault.status, headers: fault.headers ?? {}, body: Buffer.from(fault.body ?? '') }, fault);
  } else return false;
  return true;
};

/** Starts a proxy before a server. If it asks for authorization, that is not passed on. */
export const startFaultyProxy = async ({ upstream, auth }: ProxyOptions): Promise<FaultyProxy> => {
  const requests: ProxiedRequest[] = [];
  const rules: ProxyRule[] = [];
  const used = new Set<ProxyRule>();
  const gate = createGate(auth);
  const agent = new Agent({ keepAlive: true });

  const answer = async (exchange: Exchange): Promise<void> => {
    const { incoming, seen } = exchange;
    const url = urlOf(incoming);
    const refused = url.pathname.startsWith('/v2/') ? gate.check(incoming, url) : undefined;
    if (refused) {
      // A fault that strikes once must not be spent on the refusal that only tells the client to fetch a token.
      incoming.resume();
      return send(exchange, { ...refused, body: Buffer.from(refused.body) });
    }
    const rule = useRule(rules, seen);
    if (rule) used.add(rule);
    const fault = rule?.fault;
    if (await strikeBefore(exchange, fault)) return;
    const token = await gate.token(incoming, url);
    if (token) {
      incoming.resume();
      return sendSpoilt(exchange, { ...token, body: Buffer.from(token.body) }, fault);
    }
    const body = await bodyOf(incoming);
    if (fault?.kind === 'cut-request') {
      await fetchReply(agent, upstream, incoming, body, fault.bytes).catch(() => undefined);
      return void incoming.socket.destroy();
    }
    sendSpoilt(exchange, await fetchReply(agent, upstream, incoming, body), fault);
  };

  const server = createServer((incoming, response) => {
    const seen: ProxiedRequest = { ...seenRequest(incoming) };
    requests.push(seen);
    answer({ incoming, response, seen }).catch(() => response.destroy());
  });
  const { host, close } = await listen(server);
  const closeAll = (): Promise<void> => {
    agent.destroy();
    return close();
  };
  return { host, requests, rules, struck: () => used.size, tokens: gate.issued, close: closeAll };
};
