import { readFileSync } from 'node:fs';
import { MAX_BODY_BYTES, processorSpecSchema } from '@pinlane/contracts';
import { createReference } from './reference.ts';

/** The reference as the program of an image. It reads of the environment only what the contract defines. */
const { env } = process;
const spec = processorSpecSchema.parse(JSON.parse(readFileSync(env['PINLANE_SPEC'] ?? '/app/registry.yaml', 'utf8')));
const names = [...spec.secrets.required, ...spec.secrets.optional];
const { server, terminate } = createReference({
  spec,
  digest: env['IMAGE_DIGEST'] ?? null,
  secrets: Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
  artifactsRoot: env['ARTIFACTS_ROOT'] ?? '/artifacts',
  maxBodyBytes: MAX_BODY_BYTES,
  environment: env['PINLANE_ENV'] ?? 'local',
  log: (line) => process.stderr.write(line),
  breaks: env['BREAKS'] ?? null,
});
server.listen(Number(env['PORT']), '0.0.0.0');
process.once('SIGTERM', () => void terminate().then((code) => process.exit(code)));
