import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { temporaryFolder } from '../folders.ts';
import { modalPython } from '../parts.ts';

// The client itself, in processes of its own: only what it imports is imported once for all of them.
const SERVE = `
import json, os, runpy, signal, socket, sys, threading
import modal, modal.cli.entry_point, modal.cli.import_refs, modal.output, modal_proto.api_pb2
def answer(connection):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, descriptors, *_ = socket.recv_fds(connection, 4, 3)
    with connection.makefile("rb") as file:
        asked = json.loads(file.read(int.from_bytes(size, "big")))
    child = os.fork()
    if child == 0:
        return asked, descriptors
    def end_with_caller():
        connection.recv(1)
        os.kill(child, signal.SIGKILL)
        os._exit(0)
    threading.Thread(target=end_with_caller, daemon=True).start()
    # Not waited for until this process ends, so that no other can have its number when it is to be killed.
    ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    connection.send(bytes([ended.si_status if ended.si_code == os.CLD_EXITED else 1]))
    os._exit(0)
def carry_out(asked, descriptors):
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    # The caller's parent, for code that ends with it.
    os.getppid = lambda: asked["parent"]
    how, what, *sys.argv[1:] = asked["args"]
    if how == "-m":
        sys.argv[0] = what
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv[0] = "-c"
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(64)
print("ready", flush=True)
def parent_is_gone():
    # Past sys.stdin, whose lock a fork would inherit.
    os.read(0, 1)
    os._exit(0)
threading.Thread(target=parent_is_gone, daemon=True).start()
while True:
    connection, _ = listener.accept()
    if os.fork() == 0:
        listener.close()
        request = answer(connection)
        connection.close()
        carry_out(*request)
        break
    connection.close()
`;

const askerOf = (python: string, socket: string): string => `#!${python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(${JSON.stringify(socket)})
    asked = json.dumps({"args": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "parent": os.getppid()}).encode()
    socket.send_fds(connection, [len(asked).to_bytes(4, "big")], [0, 1, 2])
    connection.sendall(asked)
    code = connection.recv(1)
os._exit(code[0] if code else 1)
`;

/** A Python that has Modal's client imported already. */
interface WarmPython {
  /** The program; it takes `-m modal …` and `-c code …` as that Python does. */
  readonly program: string;
  readonly stop: () => Promise<void>;
}

/** @param folder an empty folder of the test */
const startWarmPython = async (python: string, folder: string): Promise<WarmPython> => {
  const [program, socket] = [join(folder, 'python'), join(folder, 'socket')];
  writeFileSync(program, askerOf(python, socket));
  chmodSync(program, 0o755);
  // Both read when the client is imported.
  const env = { PATH: process.env['PATH'], MODAL_CONFIG_PATH: '/dev/null/modal.toml', PYTHONIOENCODING: 'utf-8' };
  const server = spawn(python, ['-c', SERVE, socket], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    server.stdout.once('data', () => resolve());
    server.once('error', reject).once('close', (code) => reject(new Error(`${python} ended with ${code}, and Modal's client is not imported`)));
  });
  return { program, stop: () => (server.stdin.end(), ended) };
};

/**
 * Gives the tests of a suite a Python that imports Modal's client once, and carries out each command in a fork of its own: the import takes longer than all
 * that a command asks. Called in a `describe`.
 * @returns its program
 */
export const withWarmPython = (): (() => string) => {
  let warm: WarmPython | undefined;
  beforeAll(async () => {
    warm = await startWarmPython(modalPython(), temporaryFolder('python', { forFile: true }));
  });
  afterAll(() => warm?.stop());
  return () => warm!.program;
};
