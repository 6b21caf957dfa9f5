import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { ExecutorContext } from '@nx/devkit';

type Env = Readonly<Record<string, string | undefined>>;

/** Files that Nx reads for the whole run, so that what they say is in this process's environment. */
const OF_THE_RUN = new Set(['.env', '.local.env', '.env.local']);

const settingsIn = (folder: string): string[] => {
  try {
    return readdirSync(folder).filter((name) => name.startsWith('.') && /\.env\b/.test(name));
  } catch {
    return [];
  }
};

/**
 * The environment that Nx gives each task which has a process of its own: besides that of the run, what the .env files of its project and its target say.
 * Nx's own reader of them is loaded only where there are any.
 */
export const environmentOf = ({ root, taskGraph, projectGraph, projectsConfigurations }: ExecutorContext): ((id: string) => Env) => {
  // Node asks the system for each variable of process.env, each time.
  const ofRun = { ...process.env };
  const ofTargets = settingsIn(root).some((name) => !OF_THE_RUN.has(name));
  return (id) => {
    const task = taskGraph!.tasks[id]!;
    const folder = join(root, projectsConfigurations.projects[task.target.project]?.root ?? '');
    if (!ofTargets && settingsIn(folder).length === 0) return ofRun;
    const nx = createRequire(import.meta.url)('nx/src/tasks-runner/task-env') as { getTaskSpecificEnv: (task: unknown, graph: unknown) => Env };
    return nx.getTaskSpecificEnv(task, projectGraph);
  };
};
