import { join } from 'node:path';
import type { NxJsonConfiguration, TargetConfiguration } from '@nx/devkit';
import { readProjectJson } from './project-json.ts';

/** The target of a processor that others build on, which builds its image in the process of their pins: Nx runs the tasks of one executor in one process. */
export const BASE_FOR_PINS = 'base-for-pins';

type DependsOn = NonNullable<TargetConfiguration['dependsOn']>;

/** What the targets of a processor wait for, by the verb that builds. */
export interface BuildsBefore {
  readonly buildx: DependsOn;
  readonly pin: DependsOn;
}

interface Base {
  /** The project's folder, relative to the workspace's root. */
  readonly root: string;
}

/** What somebody may say of the target `buildx` besides its options, and only a task of that target does: what it waits for, and its configurations. */
const OF_THE_TASK = ['dependsOn', 'configurations'] as const;

/** Whether somebody says such a thing of a project. */
const isOrdered = (workspaceRoot: string, { root }: Base): boolean =>
  ['project.json', 'package.json'].some((file) => {
    const json = readProjectJson(join(workspaceRoot, root, file));
    return [json, json?.nx].some((each) => OF_THE_TASK.some((field) => each?.targets?.['buildx']?.[field] !== undefined));
  });

/** The same of all projects. Nx 24 lists defaults, too, so any mention counts. */
const areOrdered = ({ targetDefaults }: NxJsonConfiguration): boolean => {
  const text = JSON.stringify(Array.isArray(targetDefaults) ? targetDefaults : Object.entries(targetDefaults ?? {}).filter(([name]) => /buildx/.test(name)));
  return text.includes('buildx') && OF_THE_TASK.some((field) => text.includes(`"${field}"`));
};

/**
 * Decides what has to be built before the image of a processor, by the projects whose images it builds on. Bases that have a lock are waited for by no task:
 * whoever needs one finds or assembles it. The images of other processors are built before, and so is whatever else there is to build for a base of which
 * nothing is known here.
 */
export const createBuildsBefore = (
  workspaceRoot: string,
  nxJson: NxJsonConfiguration,
  processors: ReadonlyMap<string, Base>,
  locked: ReadonlySet<string>,
): { readonly of: (bases: readonly string[]) => BuildsBefore; readonly forPins: (project: string) => boolean } => {
  const ordered = areOrdered(nxJson);
  const known = new Map<string, boolean>();
  const forPins = (project: string): boolean => {
    const base = processors.get(project);
    const found = known.get(project) ?? (base !== undefined && !locked.has(project) && !ordered && !isOrdered(workspaceRoot, base));
    known.set(project, found);
    return found;
  };
  const waitFor = (projects: readonly string[], target: string): DependsOn => (projects.length === 0 ? [] : [{ projects: [...projects], target }]);
  return {
    forPins,
    of: (bases) => {
      const others = bases.filter((base) => !locked.has(base));
      if (!others.every((base) => processors.has(base))) return { buildx: ['^buildx'], pin: ['^buildx'] };
      return {
        buildx: waitFor(others, 'buildx'),
        pin: [
          ...waitFor(others.filter(forPins), BASE_FOR_PINS),
          ...waitFor(
            others.filter((base) => !forPins(base)),
            'buildx',
          ),
        ],
      };
    },
  };
};
