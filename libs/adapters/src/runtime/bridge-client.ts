import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { NetworkView, ProcessorRequest, ProcessorResponse, RunningProcessor, StartOptions } from '@pinlane/contracts';
import { makeRunFolder, removeTree } from '../files/index.ts';
import { bridgeSource, type BridgeQuestion } from './bridge.ts';
import { sendRequest } from './http-client.ts';
import type { LogBuffer } from './log-buffer.ts';

// The kernel allows 107 bytes for the path of a unix socket.
const MAX_FOLDER = 80;

/** The folder of one start: the bridge's program, and the sockets on which it is spoken to. */
export interface BridgeFolder {
  /** Its path; this user alone may enter it. */
  readonly path: string;
  /** A folder in it with what the bridge needs, open to every user, because a container may run the bridge as another. */
  readonly shared: string;
  /** The bridge's program. */
  readonly program: string;
  /** Sends a request to the processor. */
  request(request: ProcessorRequest): Promise<ProcessorResponse>;
  /** The socket that leads to the processor's port. */
  readonly socket: string;
  /** Asks the bridge itself. */
  ask(question: BridgeQuestion): Promise<unknown>;
  remove(): Promise<void>;
}

/** Makes the folder of one start. Names are short, because paths of sockets must be. */
export const makeBridgeFolder = async (signal?: AbortSignal): Promise<BridgeFolder> => {
  const base = tmpdir().length <= MAX_FOLDER ? tmpdir() : '/tmp';
  const path = await makeRunFolder(base, 'pinlane-run-', signal);
  const shared = join(path, 'io');
  const program = join(shared, 'bridge.cjs');
  await mkdir(shared);
  await chmod(shared, 0o777);
  await writeFile(program, bridgeSource());
  const socket = join(shared, 'http.sock');
  return {
    path,
    shared,
    program,
    request: (request) => sendRequest({ socketPath: socket }, request),
    socket,
    ask: async (question) => {
      const control = connect(join(shared, 'control.sock'));
      await once(control, 'connect');
      control.write(`${JSON.stringify(question)}\n`);
      return JSON.parse(await text(control));
    },
    remove: () => removeTree(path, { signal }),
  };
};

/** What every processor behind a bridge can be asked for in the same way. */
export const behindBridge = (
  { request, socket, ask }: BridgeFolder,
  log: LogBuffer,
  { artifacts }: StartOptions,
): Pick<RunningProcessor, 'artifacts' | 'request' | 'socket' | 'observeNetwork' | 'logs' | 'stderr' | 'unkeptLogBytes'> => ({
  artifacts,
  request,
  socket,
  observeNetwork: async (targets) => (await ask({ op: 'observe', targets })) as NetworkView,
  logs: log.all,
  stderr: () => log.of('stderr'),
  unkeptLogBytes: log.unkept,
});
