/** Codes of the distribution specification ("Error Codes"), and `UNKNOWN` for the server's own faults. */
export type RefusalCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DENIED'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'UNKNOWN'
  | 'UNSUPPORTED';

export type Headers = Readonly<Record<string, string>>;

/** An answer that refuses a request, thrown where the reason is found. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: RefusalCode;
  readonly headers: Headers;

  constructor(status: number, code: RefusalCode, message: string, headers: Headers = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export const refuse = (status: number, code: RefusalCode, message: string, headers?: Headers): never => {
  throw new Refusal(status, code, message, headers);
};
