/** A file in the output of a model. */
export interface OutputFile {
  readonly url: URL;
  /** The path below `outputs/`, without the extension, which depends on the media type. */
  readonly stem: string;
}

/** The output of a model, taken apart into text and files. */
export interface SortedOutput {
  readonly files: readonly OutputFile[];
  /** The text, if the model answers with text; null if it answers with something else. */
  readonly text: string | null;
  /** The output, with the URL of each file replaced by what `name` returns. */
  describe(name: (file: OutputFile) => string | null): unknown;
}

/** The hosts from which files are downloaded. A URL in the output comes from the model, and may point anywhere. */
export const isFileHost = (url: URL, apiBase: URL): boolean =>
  url.host === apiBase.host || (url.protocol === 'https:' && (url.hostname === 'replicate.delivery' || url.hostname.endsWith('.replicate.delivery')));

/** Finds the files and the text in the output of a model, which may be any JSON. */
export const sortOutput = (output: unknown, apiBase: URL): SortedOutput => {
  const files: OutputFile[] = [];
  const fileOf = (value: string): OutputFile | null => {
    const url = /^https?:\/\//.test(value) ? URL.parse(value) : null;
    if (url === null || !isFileHost(url, apiBase)) return null;
    const known = files.find((file) => file.url.href === url.href);
    if (known) return known;
    const file = { url, stem: `files/output-${files.length}` };
    files.push(file);
    return file;
  };
  const walk = (value: unknown, replace: (file: OutputFile) => string | null): unknown => {
    if (typeof value === 'string') {
      const file = fileOf(value);
      return file === null ? value : replace(file);
    }
    if (Array.isArray(value)) return value.map((item) => walk(item, replace));
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, replace)]));
    return value;
  };
  walk(output, () => null);
  const parts = Array.isArray(output) ? output : [output];
  const isText = files.length === 0 && parts.length > 0 && parts.every((part) => typeof part === 'string');
  return { files, text: isText ? parts.join('') : null, describe: (name) => walk(output, name) };
};

const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/webp': 'webp',
  'image/gif': 'gif',
  'image/svg+xml': 'svg',
  'video/mp4': 'mp4',
  'video/webm': 'webm',
  'audio/mpeg': 'mp3',
  'audio/wav': 'wav',
  'audio/x-wav': 'wav',
  'audio/ogg': 'ogg',
  'text/plain': 'txt',
  'application/json': 'json',
  'application/zip': 'zip',
  'model/gltf-binary': 'glb',
};

const KINDS = /^(?:image|video|audio|text|model|application)\/[a-z0-9.+-]+$/;

/** The media type and the file extension of a download, from its Content-Type and its URL. */
export const fileType = (url: URL, contentType: string | null): { readonly mime: string; readonly extension: string } => {
  const told = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const mime = KINDS.test(told) ? told : 'application/octet-stream';
  const inUrl = /\.([A-Za-z0-9]{1,8})$/.exec(url.pathname)?.[1]?.toLowerCase();
  return { mime, extension: EXTENSIONS[mime] ?? inUrl ?? 'bin' };
};
