import { basename } from 'node:path';
import type { ImageRunConfig } from '@pinlane/contracts';
import type { Witness } from '@pinlane/pipeline';
import * as z from 'zod';

/** What a container is asked for. */
export interface WitnessOrder {
  /** The path that it answers at, and at no other: its address is open to anybody. */
  readonly path: string;
  readonly port: number;
  /** The variables that it tells of; it tells of no others. */
  readonly names: readonly string[];
}

// No backslash, dollar or double quote is in it: it goes through a Dockerfile.
const script = ({ path, port, names }: WitnessOrder, startedBy: Witness['startedBy']): string =>
  `
const names=${JSON.stringify(names).replaceAll('"', "'")};
require('node:http').createServer((asked,answer)=>{
if(asked.url!=='${path}')return answer.writeHead(404).end();
const env=Object.fromEntries(names.map(name=>[name,process.env[name]??null]));
answer.writeHead(200,{'content-type':'application/json'}).end(JSON.stringify({startedBy:'${startedBy}',arguments:process.argv.slice(1),workdir:process.cwd(),uid:process.getuid(),gid:process.getgid(),env}));
}).listen(${port},'0.0.0.0');
`
    .trim()
    .replaceAll('\n', ' ');

const witnessSchema = z.strictObject({
  startedBy: z.enum(['entrypoint', 'command']),
  arguments: z.array(z.string()),
  workdir: z.string(),
  uid: z.number(),
  gid: z.number(),
  env: z.record(z.string(), z.string().nullable()),
});

/** What a witness answered; null if it was none. */
export const readWitness = (body: Uint8Array): Witness | null => {
  try {
    return witnessSchema.parse(JSON.parse(Buffer.from(body).toString('utf8')));
  } catch {
    return null;
  }
};

/** The Node that an image starts, as it names it; null if it starts another program. */
export const nodeOf = ({ Entrypoint, Cmd }: ImageRunConfig): string | null => {
  const program = [...(Entrypoint ?? []), ...(Cmd ?? [])][0];
  return program !== undefined && basename(program) === 'node' ? program : null;
};

/** The CMD that a witness has: nothing that an image would have. */
export const WITNESS_CMD = ['pinlane-doctor-cmd'] as const;

/** The names of an image's variables, as a Dockerfile takes them, and of the one that a deployment adds. */
export const namesOf = ({ Env }: ImageRunConfig): string[] => [
  ...new Set([...(Env ?? []).map((entry) => entry.slice(0, entry.indexOf('='))).filter((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)), 'IMAGE_DIGEST']),
];

/** The commands that make a witness of a pinned image: it keeps its ENV, WORKDIR and USER. */
export const witnessCommands = (node: string, name: string, digest: string, order: WitnessOrder): string[] => [
  `ENV IMAGE_DIGEST=${digest}`,
  // So that the image object is this run's alone, and can be taken away.
  `ENV PINLANE_DOCTOR=${name}`,
  `ENTRYPOINT ${JSON.stringify([node, '-e', script(order, 'entrypoint'), '--'])}`,
  `CMD ${JSON.stringify(WITNESS_CMD)}`,
];

/** The command of a Sandbox, which tells of itself whether it is given to the ENTRYPOINT or run in its place. */
export const sandboxCommand = (node: string, order: WitnessOrder): string[] => [node, '-e', script(order, 'command'), '--', 'alone'];
