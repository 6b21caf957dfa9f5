// A server that says hello, in the form that each tool takes: a folder with a Dockerfile, Go for ko, and a processor for us.
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const write = (file, text) => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
};

const sources = (folder) => ({
  [join(folder, 'files/app/main.mjs')]: (word) =>
    `import { createServer } from 'node:http';\n\ncreateServer((_request, response) => response.end('hello ${word}\\n')).listen(8000);\n`,
  [join(folder, 'go/main.go')]: (word) =>
    `package main\n\nimport (\n\t"io"\n\t"net/http"\n)\n\nfunc main() {\n\thandler := func(response http.ResponseWriter, _ *http.Request) { io.WriteString(response, "hello ${word}\\n") }\n\thttp.ListenAndServe(":8000", http.HandlerFunc(handler))\n}\n`,
});

/** Writes the sources, on a base that is named by digest. `change` alters one line of each source, `touch` only its times. */
export const makeHello = (folder, base) => {
  const change = (word) => Object.entries(sources(folder)).forEach(([file, text]) => write(file, text(word)));
  change('world');
  write(join(folder, 'files/Dockerfile'), `FROM ${base}\nWORKDIR /app\nCOPY app/ ./\nEXPOSE 8000\nENTRYPOINT ["node", "/app/main.mjs"]\n`);
  write(join(folder, 'files/.dockerignore'), '*\n!app\n');
  write(join(folder, 'go/go.mod'), 'module example.com/hello\n\ngo 1.21\n');
  const touch = () => Object.keys(sources(folder)).forEach((file) => utimesSync(file, new Date(), new Date(Date.now() + 60_000)));
  return { files: join(folder, 'files'), go: join(folder, 'go'), change, touch };
};

/** Adds the same server to a workspace as the processor `bench-hello`. @returns what changes one line of it */
export const addHelloProcessor = (workspace) => {
  const folder = join(workspace, 'processors/bench-hello');
  write(join(folder, 'registry.yaml'), 'ref: bench/hello@1\n');
  write(join(folder, '.dockerignore'), '*\n!dist\n!registry.yaml\n');
  write(
    join(folder, 'Dockerfile'),
    'FROM store.localhost/base-node\nWORKDIR /app\nCOPY dist/ ./\nCOPY registry.yaml ./\nUSER 1000:1000\nEXPOSE 8000\nENTRYPOINT ["node", "/app/main.js"]\n',
  );
  const change = (word) => write(join(folder, 'src/main.ts'), sources('')['files/app/main.mjs'](word));
  change('world');
  return change;
};
