/** An answer before it is sent. */
export interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array;
}

/** An answer whose body is JSON. */
export const jsonReply = (status: number, value: unknown, headers: Record<string, string> = {}): Required<Reply> => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: Buffer.from(JSON.stringify(value)),
});

/** An error as the distribution specification has it ("Error Codes"). */
export const errorReply = (status: number, code: string, message = code.toLowerCase(), headers: Record<string, string> = {}): Required<Reply> =>
  jsonReply(status, { errors: [{ code, message }] }, headers);

/** Bytes, or the part of them that a Range header asks for; only `bytes=<from>-` is understood. */
export const rangedReply = (bytes: Uint8Array, range: string | undefined): Reply => {
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? NaN);
  if (Number.isNaN(from)) return { status: 200, body: bytes };
  if (from >= bytes.length) return { status: 416 };
  return { status: 206, headers: { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }, body: bytes.subarray(from) };
};
