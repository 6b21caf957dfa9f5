import { createHash } from 'node:crypto';
import { chmod, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Output } from './envelope.ts';
import { ProcessorError } from './errors.ts';
import { matchesOutput, outputPathProblem } from './prefix.ts';
import type { OutputData } from './processor.ts';
import type { RuntimeSpec } from './spec.ts';

/** Gathers the outputs of one run in a folder. */
export interface OutputWriter {
  write(path: string, data: OutputData, options?: { readonly mime?: string }): Promise<Output>;
  /** Waits for every write that was begun, whether or not the processor awaits it. @throws the first error of any of them */
  finish(): Promise<readonly Output[]>;
}

const chunksOf = async function* (data: OutputData): AsyncGenerator<Uint8Array> {
  if (typeof data === 'string' || data instanceof Uint8Array) yield Buffer.from(data as Uint8Array);
  else for await (const chunk of data) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
};

const writeFile = async (file: string, data: OutputData, signal: AbortSignal): Promise<{ size_bytes: number; sha256: string }> => {
  await mkdir(dirname(file), { recursive: true });
  const hash = createHash('sha256');
  let size = 0;
  const handle = await open(file, 'wx', 0o644);
  try {
    for await (const chunk of chunksOf(data)) {
      signal.throwIfAborted();
      hash.update(chunk);
      size += chunk.byteLength;
      await handle.writeFile(chunk);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { size_bytes: size, sha256: hash.digest('hex') };
};

/** The media type of an output: the one given, else the one that registry.yaml declares. @throws ERR_RUNTIME for a path or a type that registry.yaml does not allow */
const mimeOf = (spec: RuntimeSpec, path: string, given: string | undefined): string => {
  const refuse = (why: string): never => {
    throw new ProcessorError('ERR_RUNTIME', `the output ${JSON.stringify(path.slice(0, 200))} ${why}`);
  };
  const problem = outputPathProblem(path);
  if (problem !== null) refuse(problem);
  const declared = spec.outputs.filter((output) => matchesOutput(output.path, path));
  if (spec.outputs.length > 0 && declared.length === 0) refuse('is not among the outputs that registry.yaml declares');
  const mime = given ?? declared[0]?.mime;
  if (mime === undefined || mime.includes('*')) return refuse('needs a media type');
  if (declared.length > 0 && !declared.some((output) => matchesOutput(output.mime, mime))) refuse(`is declared with another media type than ${mime}`);
  return mime;
};

/** Makes the writer of one run. It writes nothing more once `signal` has aborted. */
export const createOutputWriter = (folder: string, spec: RuntimeSpec, signal: AbortSignal): OutputWriter => {
  const begun = new Map<string, Promise<Output>>();
  const refused: ProcessorError[] = [];

  const start = async (path: string, data: OutputData, mime: string): Promise<Output> => ({
    path,
    mime,
    ...(await writeFile(join(folder, path), data, signal)),
  });

  return {
    write: async (path, data, options = {}) => {
      signal.throwIfAborted();
      const mime = mimeOf(spec, path, options.mime);
      if (begun.has(path)) {
        const error = new ProcessorError('ERR_OUTPUT_DUPLICATE', `the run wrote the output ${JSON.stringify(path)} twice`);
        // The error is kept, because the run has failed even if the processor catches it.
        refused.push(error);
        throw error;
      }
      const writing = start(path, data, mime);
      writing.catch(() => {});
      begun.set(path, writing);
      return writing;
    },
    finish: async () => {
      const outputs = await Promise.all(begun.values());
      if (refused[0]) throw refused[0];
      await chmod(folder, 0o755);
      return outputs;
    },
  };
};
