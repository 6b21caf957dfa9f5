import { status } from '@grpc/grpc-js';

/** The code of a gRPC status, by its name. */
export type StatusName = Extract<keyof typeof status, string>;

/** A refusal with which a call ends, as the control plane words it. */
export class Refusal extends Error {
  readonly code: number;
  constructor(code: StatusName, details: string) {
    super(details);
    this.code = status[code];
  }
}

/** @throws Refusal always */
export const refuse = (code: StatusName, details: string): never => {
  throw new Refusal(code, details);
};

/** A call that was made. Of its metadata only the names are kept: among the values are tokens. */
export interface SeenCall {
  readonly method: string;
  readonly client: 'python' | 'js' | 'other';
  /** The environment that the request names; undefined if its message has none, and empty if it was left to the default. */
  readonly environment: string | undefined;
  readonly metadata: readonly string[];
}

/** Answers a call: whatever it is given is a message as `@grpc/proto-loader` reads one. */
export type Handler = (request: never, call: SeenCall) => unknown;

/** Answers a call with a stream of messages. */
export type StreamHandler = (request: never, call: SeenCall) => AsyncIterable<unknown> | Iterable<unknown>;

/** What goes wrong with a call. */
export type ModalFault =
  /** It is refused, and nothing was done. */
  | { readonly kind: 'refuse'; readonly code?: StatusName; readonly details?: string }
  /** It was done, and the answer is lost. */
  | { readonly kind: 'lose'; readonly code?: StatusName }
  /** It is never answered, and nothing is done. */
  | { readonly kind: 'hang' }
  /** It takes this long. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** Something else happens before it: a deploy by hand, for one. */
  | { readonly kind: 'before'; readonly happen: () => unknown }
  /** A stream ends and never told how the work ended. */
  | { readonly kind: 'no-result' };

/** Which calls a fault spoils. */
export interface ModalFaultRule {
  readonly method: string;
  readonly client?: SeenCall['client'];
  /** How many calls it still spoils; all of them if absent. */
  times?: number;
  readonly fault: ModalFault;
}

/** The first rule that spoils a call, counted as used once more; undefined if none does. */
export const faultOf = (rules: readonly ModalFaultRule[], { method, client }: SeenCall): ModalFault | undefined => {
  const rule = rules.find((each) => each.times !== 0 && each.method === method && (each.client ?? client) === client);
  if (rule?.times !== undefined) rule.times--;
  return rule?.fault;
};
