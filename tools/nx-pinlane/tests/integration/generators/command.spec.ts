import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, jest } from '@jest/globals';

const workspace = join(import.meta.dirname, '../../../../..');
const run = promisify(execFile);

const nx = async (...argv: string[]): Promise<{ readonly code: number; readonly output: string }> => {
  const env = { ...process.env, NX_DAEMON: 'false', NO_COLOR: '1', NODE_OPTIONS: '', CI: 'true' };
  const command = [join(workspace, 'node_modules/.bin/nx'), ...argv];
  const answer = await run(process.execPath, command, { cwd: workspace, env }).catch(
    (error: unknown) => error as { code: number; stdout: string; stderr: string },
  );
  return { code: 'code' in answer ? answer.code : 0, output: `${answer.stdout}${answer.stderr}` };
};

describe('nx g processor in this workspace', () => {
  // Nx starts here, and with it its plugins, on whatever else the machine does.
  jest.setTimeout(180_000);

  it('is found without the name of the plugin, and shows what it would write', async () => {
    const { code, output } = await nx('g', 'processor', 'zz-test/dry-run@1', '--secret=ACME_KEY', '--port=8123', '--dry-run');
    expect(output).toContain('CREATE processors/zz-test-dry-run/registry.yaml');
    expect(output).toContain('CREATE processors/zz-test-dry-run/.dockerignore');
    expect(output).toContain('CREATE processors/zz-test-dry-run/acceptance/dry-run.yaml');
    expect(code).toBe(0);
    expect(existsSync(join(workspace, 'processors/zz-test-dry-run'))).toBe(false);
  });

  it('fails, says why and writes nothing for a ref that is taken', async () => {
    const { code, output } = await nx('g', 'processor', 'llm/litellm@2');
    expect(code).toBe(1);
    expect(output).toContain('ERR_REF_DUPLICATE: processors/llm-litellm/registry.yaml: llm/litellm@2 and llm/litellm@1 both have the slug llm-litellm');
    expect(output).not.toContain('CREATE');
  });

  it('refuses an option that it does not have', async () => {
    const { code, output } = await nx('g', 'processor', 'zz-test/dry-run@1', '--ports=1', '--dry-run');
    expect(code).toBe(1);
    expect(output).toContain("'ports' is not found in schema");
  });
});
