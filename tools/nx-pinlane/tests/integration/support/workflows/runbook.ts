import { LANE_TABLE, LANES, type Lane, type LaneRules } from '@pinlane/contracts';
import { nxCommand } from './commands.ts';
import { readExpression, type Job, type Workflow } from './read.ts';
import { VARIABLES, WORKFLOW_NAMES, WORKFLOWS, type WorkflowName } from './settings.ts';

/** All workflows. */
export type Workflows = Readonly<Record<WorkflowName, Workflow>>;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');

const code = (text: string): string => `\`${text}\``;
const isOf = (lane: Lane): lane is Lane & WorkflowName => lane in WORKFLOWS;

/** The targets that a job runs, as they are asked for. */
const targetsIn = ({ steps }: Job): string[] =>
  steps.flatMap(({ run }) => {
    const command = run === null ? null : nxCommand(run.trim());
    if (command === null) return [];
    const options = Object.entries(command.options).map(([name, value]) => ` --${name}${value === true ? '' : `=${value}`}`);
    return command.targets.map((target) => code(`${command.project === null ? '' : `${command.project}:`}${target}${options.join('')}`));
  });

const under = (lane: Lane, { imageUnderTest }: LaneRules): string => {
  if (imageUnderTest === 'working-tree') return lane === 'pr' ? 'working tree, built fresh' : 'working tree';
  return lane === 'main' ? 'pinned, the digests that staging accepted' : 'pinned';
};
const secretsOf = ({ secrets }: LaneRules): string =>
  ({ own: "the developer's own", unset: 'unset; one that is set fails the lane' })[secrets as 'own'] ?? code(`<NAME>${secrets}`);

const lanes = (): string =>
  table(
    ['lane', 'set off by', 'workflow', 'builds', 'image under test', 'pushes and pins', 'deploys to', 'secrets'],
    LANES.map((lane) => {
      const rules: LaneRules = LANE_TABLE[lane];
      const workflow = isOf(lane) ? WORKFLOWS[lane] : null;
      const setOff = workflow === null ? 'hand' : `${workflow.event === 'push' ? 'a push to' : 'a pull request to'} ${workflow.branches.map(code).join(', ')}`;
      const pins = { no: 'no', 'on-request': 'pins on request', yes: 'yes, one commit' }[rules.writesPins];
      return [
        lane,
        setOff,
        workflow === null ? '' : `[${workflow.file.split('/').at(-1)}](../${workflow.file})`,
        rules.builds.length > 0 ? rules.builds.join(', ') : '**no**',
        under(lane, rules),
        pins,
        rules.deploysTo ?? 'no',
        secretsOf(rules),
      ];
    }),
  );

const writes = ({ permissions }: Job): string =>
  Object.entries(permissions ?? {})
    .flatMap(([name, given]) => (given === 'write' ? [name] : []))
    .join(', ');

const jobs = (workflows: Workflows): string =>
  table(
    ['pipeline', 'job', 'after', 'targets', 'its token may write', 'environment'],
    WORKFLOW_NAMES.flatMap((name) =>
      workflows[name].jobs.map((job) => [name, job.name, job.needs.join(', '), targetsIn(job).join(', '), writes(job), job.environment ?? '']),
    ),
  );

const expressionsOf = (workflow: Workflow): readonly string[] => [
  ...workflow.expressions,
  ...workflow.jobs.flatMap(({ expressions, steps }) => [...expressions, ...steps.flatMap((step) => step.expressions)]),
];
const readBy = (workflows: Workflows, context: string, name: string): string =>
  WORKFLOW_NAMES.filter((each) =>
    expressionsOf(workflows[each]).some((expression) => readExpression(expression).reads.some(([of, field]) => of === context && field === name)),
  ).join(', ');

const variables = (workflows: Workflows): string =>
  table(
    ['variable', 'what', 'read in'],
    Object.entries(VARIABLES).map(([name, what]) => [code(name), what, readBy(workflows, 'vars', name)]),
  );

const secrets = (workflows: Workflows): string => {
  const all = WORKFLOW_NAMES.flatMap((each) =>
    workflows[each].jobs.flatMap(({ environment, expressions, steps }) =>
      [...expressions, ...steps.flatMap((step) => step.expressions)]
        .flatMap((each) => readExpression(each).reads)
        .flatMap(([context, name = '']) => (context === 'secrets' ? [`${environment ?? ''} ${name}`] : [])),
    ),
  );
  return table(
    ['environment', 'secret'],
    [...new Set(all)].map((each) => each.split(' ')).map(([environment = '', name = '']) => [code(environment), code(name)]),
  );
};

/** The tables of the runbook, by their names. */
export const runbookTables = (workflows: Workflows): Readonly<Record<string, string>> => ({
  lanes: lanes(),
  jobs: jobs(workflows),
  variables: variables(workflows),
  secrets: secrets(workflows),
});

/** The runbook with its tables as they are now: what is between `<!-- table: name -->` and `<!-- end -->`. @throws an error if one has no place, or a place no table */
export const withTables = (page: string, tables: Readonly<Record<string, string>>): string => {
  const placed = [...page.matchAll(/<!-- table: (\w+) -->/g)].map(([, name = '']) => name);
  if (placed.sort().join() !== Object.keys(tables).sort().join()) throw new Error(`the runbook has places for ${placed.join(', ')}`);
  return page.replaceAll(
    /(<!-- table: (\w+) -->\n).*?(<!-- end -->)/gs,
    (_, begin: string, name: string, end: string) => `${begin}\n${tables[name]}\n\n${end}`,
  );
};
