import { LANE_TABLE, type Lane, type LaneRules } from '@pinlane/contracts';
import { nxCommand, type NxCommand } from './commands.ts';
import { readExpression, type Job, type Step, type Workflow } from './read.ts';
import { ENVIRONMENTS, MODAL_SECRETS, REQUIRED, VARIABLES, WORKFLOWS, type WorkflowName } from './settings.ts';

/** A target of a project. */
export interface Target {
  readonly executor: string;
  readonly configurations: readonly string[];
}

/** What there is, so that a workflow may name it. */
export interface Facts {
  /** Project -> target. */
  readonly projects: Readonly<Record<string, Readonly<Record<string, Target>>>>;
  /** The options that an executor takes; null if it takes any. */
  readonly optionsOf: (executor: string) => readonly string[] | null;
  /** The names that processors have for their secrets. */
  readonly secrets: readonly string[];
  /** The variables that Pinlane reads. */
  readonly variables: readonly string[];
  readonly exists: (path: string) => boolean;
  /** The Node of the workspace. */
  readonly node: string;
}

interface About {
  readonly name: WorkflowName;
  readonly lane: Lane;
  readonly rules: LaneRules;
  readonly workflow: Workflow;
  readonly facts: Facts;
  readonly tell: (line: number, message: string) => void;
}

/** Options of Nx itself. */
const NX_OPTIONS = ['base', 'head', 'parallel', 'outputStyle', 'exclude', 'projects', 'nxBail', 'skipNxCache', 'verbose'];

const executors = (...names: string[]): string[] => names.map((name) => `@pinlane/nx:${name}`);
const BUILD = executors('buildx', 'base', 'pin', 'base-pin');
const WRITE_PINS = executors('pin', 'base-pin', 'commit-pins');
const DEPLOY = executors('modal-deploy', 'smoke', 'probe', 'rollback', 'secrets-sync', 'drift', 'drift-report');

/** The outputs that targets tell, by the executor. */
const OUTPUTS: Readonly<Record<string, readonly string[]>> = { '@pinlane/nx:since': ['base'], '@pinlane/nx:commit-pins': ['commit', 'committed'] };

/** What a runner must have before Nx can run: these commands, as they are. */
const SETTING_UP = [
  /^npm ci$/,
  /^docker login ghcr\.io --username "\$GITHUB_ACTOR" --password-stdin <<< "\$REGISTRY_TOKEN"$/,
  /^python3 -m venv "\$RUNNER_TEMP\/modal"$/,
  /^"\$RUNNER_TEMP\/modal\/bin\/pip" install --require-hashes --requirement (?<file>\S+)$/,
];

/**
 * The actions that lanes use, and what each may be told. No other: what a cache gives, or an artifact that is fetched, may have been made by a pull request, and
 * another repository or commit is not what set the pipeline off.
 */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  'actions/checkout': ['fetch-depth', 'ref', 'persist-credentials'],
  'actions/setup-node': ['node-version', 'package-manager-cache'],
  'actions/upload-artifact': ['name', 'path', 'include-hidden-files', 'if-no-files-found'],
};

const onlyLooks = ({ options }: NxCommand): boolean => options['check'] === true || options['reproduce'] === true || options['dryRun'] === true;

const linesOf = (run: string): string[] =>
  run
    .trim()
    .split('\n')
    .map((line) => line.trim());

/** The commands of Nx in a step. */
const commandsOf = ({ run }: Step): NxCommand[] => (run === null ? [] : linesOf(run).flatMap((line) => nxCommand(line) ?? []));

const targetsOf = ({ project }: NxCommand, target: string, { projects }: Facts): Target[] =>
  Object.entries(projects).flatMap(([name, targets]) => (targets[target] !== undefined && (project === null || project === name) ? [targets[target]] : []));

const executorsOf = (command: NxCommand, facts: Facts): string[] =>
  command.targets.flatMap((target) => targetsOf(command, target, facts).map(({ executor }) => executor));

const checkCommand = (command: NxCommand, facts: Facts, tell: (message: string) => void): void => {
  const { project, targets, configuration, options } = command;
  if (project !== null && facts.projects[project] === undefined) return tell(`there is no project ${project}`);
  if (targets.length === 0) tell('no target is named');
  for (const target of targets) {
    const found = targetsOf(command, target, facts);
    if (found.length === 0) tell(`there is no target ${target}${project === null ? '' : ` of ${project}`}`);
    else if (configuration !== null && !found.some(({ configurations }) => configurations.includes(configuration)))
      tell(`target ${target} has no configuration ${configuration}`);
    const takes = found.map(({ executor }) => facts.optionsOf(executor));
    for (const name of found.length === 0 ? [] : Object.keys(options))
      if (!NX_OPTIONS.includes(name) && !takes.some((known) => known === null || known.includes(name))) tell(`target ${target} has no option --${name}`);
  }
};

/** Commands of Nx in a text that are not to be found in the workspace: a page's, too. */
export const checkCommands = (text: string, facts: Facts): string[] => {
  const findings: string[] = [];
  for (const line of text.split('\n').map((each) => each.trim())) {
    const command = nxCommand(line.replace(/ #.*$/, ''));
    if (command !== null) checkCommand(command, facts, (message) => void findings.push(`${line}: ${message}`));
  }
  return findings;
};

const checkRun = (step: Step, { facts, tell }: About): void => {
  const { line, run, env } = step;
  if (run === null) return;
  if (run.includes('${{')) tell(line, 'an expression in `run` becomes part of the script, whatever is in it: hand it on by `env`');
  for (const each of linesOf(run)) {
    const command = nxCommand(each);
    const setUp = SETTING_UP.map((known) => known.exec(each)).find((match) => match !== null);
    if (command !== null) checkCommand(command, facts, (message) => tell(line, message));
    else if (setUp === undefined) tell(line, `neither a target of Nx nor what sets a runner up: ${each}`);
    const file = setUp?.groups?.['file'];
    if (file !== undefined && !facts.exists(file)) tell(line, `there is no file ${file}`);
  }
  if (commandsOf(step).some(({ kind }) => kind === 'affected') && !/^\$\{\{ (?:steps\.\w+|needs\.\w+)\.outputs\.base \}\}$/.test(env['NX_BASE'] ?? ''))
    tell(line, '`nx affected` is told by NX_BASE since when: the output `base` of the target `since`');
};

/** Actions are somebody else's code: only as they are in one commit. */
const checkUses = ({ line, uses, with: inputs }: Step, pushes: boolean, { workflow, facts, tell }: About): void => {
  if (uses === null) return;
  if (!/^[\w.-]+\/[\w./-]+@[a-f0-9]{40}$/.test(uses)) tell(line, `${uses} is not pinned by the whole id of a commit`);
  const written = workflow.text.split('\n').find((each) => each.includes(uses)) ?? '';
  if (!/ # v\d+\.\d+\.\d+$/.test(written)) tell(line, `no comment says which version ${uses} is`);
  const takes = ACTIONS[uses.split('@')[0] ?? ''];
  if (takes === undefined)
    tell(line, `${uses} is none of the actions that lanes use, which bring nothing from another run: ${Object.keys(ACTIONS).join(', ')}`);
  else
    for (const input of Object.keys(inputs))
      if (!takes.includes(input)) tell(line, `${uses} is told \`${input}\`, and lanes tell it ${takes.join(', ')} alone`);
  if (uses.startsWith('actions/setup-node@') && inputs['package-manager-cache'] !== 'false')
    tell(line, 'setup-node would take packages from a cache that other runs write: package-manager-cache: false');
  if (uses.startsWith('actions/setup-node@') && inputs['node-version'] !== facts.node) tell(line, `the Node of the workspace is ${facts.node}`);
  if (!uses.startsWith('actions/checkout@')) return;
  const keeps = inputs['persist-credentials'];
  if (keeps !== 'true' && keeps !== 'false') tell(line, 'checkout must say whether it keeps credentials: persist-credentials');
  if (keeps === 'true' && !pushes) tell(line, 'checkout keeps credentials in a job that pushes no commit');
};

/** Makes sure that what an expression reads is there. @param job null outside of all jobs */
const checkExpression = (expression: string, line: number, job: Job | null, { workflow, facts, tell }: About): void => {
  const { reads, calls } = readExpression(expression);
  if (calls.includes('always') || calls.includes('failure')) tell(line, `${expression}: what runs after a failure may do what the failure was to prevent`);
  for (const [context = '*', name = '*', what = '*', output = '*'] of reads) {
    if (context === '*' || name === '*') tell(line, `${expression}: what is read is not known before it runs`);
    if (context === 'vars' && !(name in VARIABLES)) tell(line, `there is no variable ${name} in the list of the repository's`);
    if (context === 'inputs') tell(line, `${expression}: the workflow has no inputs`);
    if ((context === 'matrix' && job?.matrix?.[name] === undefined) || (context === 'strategy' && (!job?.matrix || name !== 'job-index')))
      tell(line, `${expression}: job ${job?.id ?? ''} has no such thing`);
    if (context === 'needs') {
      const needed = workflow.jobs.find(({ id }) => id === name);
      if (!job?.needs.includes(name)) tell(line, `job ${job?.id ?? ''} reads job ${name}, which it does not need`);
      else if (needed && what !== 'result' && needed.outputs[output] === undefined) tell(line, `job ${name} has no output ${output}`);
    }
    if (context === 'steps') {
      const told = job?.steps
        .filter(({ id }) => id === name)
        .flatMap(commandsOf)
        .flatMap((command) => executorsOf(command, facts))
        .flatMap((each) => OUTPUTS[each] ?? []);
      if (!told?.includes(output)) tell(line, `no step ${name} of the job has an output ${output}`);
    }
  }
};

/** All names that secrets have in the environment, in any lane. */
export const secretNames = (secrets: readonly string[]): string[] => [
  ...secrets.flatMap((name) => ['', '_STAGING', '_PROD'].map((suffix) => `${name}${suffix}`)),
  ...MODAL_SECRETS,
];

const secretsIn = (text: string): string[] =>
  [...text.matchAll(/\$\{\{(.*?)\}\}/gs)].flatMap(([, inner = '']) =>
    readExpression(inner).reads.flatMap(([context, name = '*']) => (context === 'secrets' ? [name] : [])),
  );

const allowedSecrets = ({ rules, facts }: About): string[] =>
  rules.secrets.startsWith('_') ? [...facts.secrets.map((name) => `${name}${rules.secrets}`), ...MODAL_SECRETS] : [];

const checkSecrets = (about: About): void => {
  const { lane, rules, workflow, facts, tell } = about;
  const allowed = allowedSecrets(about);
  const outer = [{ line: 1, of: workflow.env }, ...workflow.jobs.map(({ line, env, outputs }) => ({ line, of: { ...env, ...outputs } }))];
  for (const { line, of } of outer)
    for (const name of Object.values(of).flatMap(secretsIn)) tell(line, `the secret ${name} is there for every step: hand it to the one that needs it`);
  for (const job of workflow.jobs)
    for (const { line, env, with: inputs } of job.steps)
      for (const [variable, value] of Object.entries({ ...env, ...inputs }))
        for (const name of secretsIn(value)) {
          if (!allowed.includes(name)) tell(line, `lane ${lane} may not read the secret ${name}`);
          if (variable !== name) tell(line, `the secret ${name} is handed on as ${variable}`);
          if (job.environment === null) tell(line, `the secret ${name} is read outside of an environment`);
        }
  if (rules.secrets === 'unset')
    for (const name of secretNames(facts.secrets))
      if (workflow.env[name] !== '') tell(1, `lane ${lane} runs without secrets: unset ${name} in \`env\` of the workflow`);
  const syncs = workflow.jobs.flatMap(({ steps }) => steps).filter((step) => commandsOf(step).some(({ targets }) => targets.includes('secrets-sync')));
  for (const { line, env } of syncs)
    for (const name of allowed) if (!secretsIn(env[name] ?? '').includes(name)) tell(line, `secrets-sync is not given ${name}`);
};

/** Variables that are set must mean something to what is run. */
const checkEnv = (env: Readonly<Record<string, string>>, line: number, run: string, { facts, tell }: About): void => {
  const known = [...facts.variables, 'NX_BASE', 'NX_HEAD', ...secretNames(facts.secrets)];
  for (const name of Object.keys(env)) if (!known.includes(name) && !run.includes(`$${name}`)) tell(line, `nothing reads the variable ${name}`);
};

/** What a job does, of what lanes may forbid. */
const deedsOf = (job: Job, { workflow, facts }: About) => {
  const commands = job.steps.flatMap(commandsOf);
  const does = (some: readonly string[], looking = false): boolean =>
    commands.some((command) => (looking || !onlyLooks(command)) && executorsOf(command, facts).some((each) => some.includes(each)));
  const asked = [workflow.env, job.env, ...job.steps.map(({ env }) => env)].some((env) => env['PINLANE_PUSH'] !== undefined);
  return {
    builds: does(BUILD),
    pushes: asked || commands.some(({ options }) => options['push'] !== undefined),
    writesPins: does(WRITE_PINS),
    commits: does(executors('commit-pins')),
    deploys: does(DEPLOY, true),
    accepts: does(executors('acceptance')),
  };
};

const checkRights = (job: Job, about: About): void => {
  const { lane, rules, tell } = about;
  const { builds, pushes, writesPins, commits, deploys, accepts } = deedsOf(job, about);
  const { line, id, permissions, environment } = job;
  if (builds && rules.builds.length === 0) tell(line, `job ${id} could build, and lane ${lane} does not`);
  if (pushes && !rules.mayPush) tell(line, `job ${id} could push images, and lane ${lane} does not`);
  if (pushes && !builds) tell(line, `job ${id} may push images and builds none`);
  if (writesPins && rules.writesPins !== 'yes') tell(line, `job ${id} could write pins, and lane ${lane} does not`);
  if (deploys && rules.deploysTo === null) tell(line, `job ${id} could deploy, and lane ${lane} does not`);
  const expected = (deploys ? ENVIRONMENTS[lane] : undefined) ?? null;
  if (environment !== expected) tell(line, `job ${id} has the environment ${environment ?? '(none)'}, and should have ${expected ?? 'none'}`);
  if (permissions === null) return tell(line, `job ${id} does not say what its token may do`);
  const most: Readonly<Record<string, string>> = { contents: commits ? 'write' : 'read', packages: pushes || (accepts && rules.attaches) ? 'write' : 'read' };
  for (const [name, given] of Object.entries(permissions))
    if (given !== 'read' && given !== most[name]) tell(line, `the token of job ${id} may ${given} ${name}, which it has no use for`);
    else if (most[name] === undefined) tell(line, `the token of job ${id} may ${given} ${name}, which it has no use for`);
};

const isBefore = (first: string, second: Job, workflow: Workflow): boolean =>
  second.needs.some((name) => name === first || workflow.jobs.some((job) => job.id === name && isBefore(first, job, workflow)));

/** Whether a job is left out where a variable is unset. */
const isOptional = ({ if: condition }: Job): boolean => condition?.includes("!= ''") ?? false;

/** The places where a lane runs a target whatever comes, or with an option if one is named. */
const placesOf = (what: string, { jobs }: Workflow) => {
  const [target = '', option] = what.split(' --');
  const isIt = (command: NxCommand): boolean =>
    command.targets.includes(target) && (option === undefined ? !onlyLooks(command) : command.options[option] !== undefined);
  return jobs.flatMap((job) =>
    job.steps.flatMap((step, at) =>
      commandsOf(step).some(isIt) && step.if === null && !step.continues && !job.continues && !isOptional(job) ? [{ job, at }] : [],
    ),
  );
};

/** Required targets are run, each after those before it; a step that runs in any case would undo that. */
const checkRequired = ({ name: of, workflow, tell }: About): void => {
  let before: readonly { readonly name: string; readonly places: ReturnType<typeof placesOf> }[] = [];
  for (const names of REQUIRED[of]) {
    const here = names.map((name) => ({ name, places: placesOf(name, workflow) }));
    for (const { name, places } of here) {
      if (places.length === 0) tell(1, `${workflow.name} must run ${name}, in a step that nothing skips`);
      for (const { name: earlier, places: first } of before) {
        const follows = ({ job, at }: (typeof places)[number]): boolean =>
          first.some((each) => (each.job === job ? each.at <= at : isBefore(each.job.id, job, workflow)));
        if (!places.some(follows)) tell(places[0]?.job.line ?? 1, `${name} must come after ${earlier}`);
      }
    }
    before = here;
  }
};

/** Jobs after the pin commit look at it, and all others at what set the workflow off; what the clock sets off looks at the lane's branch. */
const checkCheckouts = ({ lane, workflow, tell }: About): void => {
  const [pinned] = placesOf('commit-pins', workflow);
  const own = 'schedule' in workflow.events ? lane : undefined;
  for (const job of workflow.jobs)
    for (const { line, uses, with: inputs } of job.steps) {
      if (!uses?.startsWith('actions/checkout@')) continue;
      const after = pinned !== undefined && isBefore(pinned.job.id, job, workflow);
      if (after && inputs['ref'] !== `\${{ needs.${pinned.job.id}.outputs.commit }}`) tell(line, `job ${job.id} must check out the commit with the pins`);
      if (!after && inputs['ref'] !== own) tell(line, `job ${job.id} must check out ${own ?? 'what set the workflow off'}`);
    }
};

/**
 * A condition that asks for the end of the workflow takes the place of success(), which holds a job back unless all before it are green; so it has to ask that
 * of each. Where a job before may be left out, which success() takes for a failure, there has to be such a condition.
 */
const checkCondition = (job: Job, { workflow, tell }: About): void => {
  const { line, id, needs } = job;
  const parts = job.if?.split(/\s*&&\s*/) ?? [];
  const optional = workflow.jobs.filter(isOptional).map((each) => each.id);
  if (!parts.includes('!cancelled()')) {
    if (job.if?.includes('cancelled')) tell(line, `job ${id} runs when the workflow is cancelled`);
    const before = optional.filter((each) => isBefore(each, job, workflow));
    if (before.length > 0) tell(line, `job ${id} comes after ${before.join(', ')}, which may be left out: its \`if\` must say which results it needs`);
    return;
  }
  const wanted = needs.map((need) => {
    const good = `needs.${need}.result == 'success'`;
    return optional.includes(need) ? `(${good} || needs.${need}.result == 'skipped')` : good;
  });
  for (const each of wanted) if (!parts.includes(each)) tell(line, `job ${id} would run whatever came before: its \`if\` must ask for ${each}`);
  const other = parts.filter((each) => each !== '!cancelled()' && !wanted.includes(each) && !/^vars\.\w+ != '(?:off)?'$/.test(each));
  if (other.length > 0) tell(line, `the \`if\` of job ${id} asks for something else: ${other.join(', ')}`);
};

/** What jobs are made of comes from the repository's variables. */
const checkMatrix = ({ line, id, matrix }: Job, { tell }: About): void => {
  for (const [name, list] of Object.entries(matrix ?? {}))
    if (!/^\$\{\{ fromJSON\(vars\.\w+ \|\| '[^']*'\) \}\}$/.test(list))
      tell(line, `the matrix of job ${id} has ${name} from elsewhere than a variable of the repository`);
};

/** What no rule here reads may do anything: a container, another shell, a workflow that is called, a filter of an event. */
const checkOthers = ({ workflow: { others, jobs }, tell }: About): void => {
  const unread = (keys: readonly string[], line: number, where: string): void =>
    keys.forEach((key) => tell(line, `${where} has \`${key}\`, which no rule of the lanes looks at`));
  unread(others, 1, 'the workflow');
  for (const { id, line, others: ofJob, steps } of jobs) {
    unread(ofJob, line, `job ${id}`);
    for (const step of steps) unread(step.others, step.line, `a step of job ${id}`);
  }
};

const checkWhole = ({ name, lane, workflow, tell }: About): void => {
  const { event, branches } = WORKFLOWS[name];
  const { events, concurrency, permissions, env } = workflow;
  if (JSON.stringify(events) !== JSON.stringify({ [event]: branches }))
    tell(1, `${name} is run by ${event}${branches === null ? '' : ` on ${branches.join(', ')}`}, and by nothing else`);
  const { group = '', 'cancel-in-progress': cancels, queue } = concurrency;
  if (!/github\.(?:ref|event\.pull_request\.number)/.test(group) || cancels !== 'false' || queue !== 'max')
    tell(1, 'runs of a branch wait for each other, and none is dropped: concurrency with a group, cancel-in-progress: false and queue: max');
  if (permissions === null || Object.keys(permissions).length > 0) tell(1, 'permissions are given job by job: `permissions: {}`');
  if (env['PINLANE_LANE'] !== lane) tell(1, `PINLANE_LANE is ${env['PINLANE_LANE'] ?? 'unset'}, and the lane is ${lane}`);
};

const checkJob = (job: Job, about: About): void => {
  const { workflow, tell } = about;
  const { commits } = deedsOf(job, about);
  checkRights(job, about);
  checkEnv(job.env, job.line, '', about);
  checkCondition(job, about);
  checkMatrix(job, about);
  for (const name of job.needs) if (!workflow.jobs.some(({ id }) => id === name)) tell(job.line, `there is no job ${name}`);
  if (job.runsOn !== 'ubuntu-24.04') tell(job.line, `job ${job.id} runs on ${job.runsOn}, which may become another system`);
  if (job.timeout === null || job.timeout > 120) tell(job.line, `job ${job.id} has no timeout of two hours at most`);
  for (const expression of job.expressions) checkExpression(expression, job.line, job, about);
  for (const step of job.steps) {
    checkUses(step, commits, about);
    checkRun(step, about);
    checkEnv(step.env, step.line, step.run ?? '', about);
    for (const expression of step.expressions) checkExpression(expression, step.line, job, about);
  }
};

/** Holds a workflow to what there is, and to what the table of lanes allows. @returns every finding, with its line */
export const checkWorkflow = (name: WorkflowName, workflow: Workflow, facts: Facts): string[] => {
  const findings: string[] = [];
  const { lane } = WORKFLOWS[name];
  const about: About = {
    name,
    lane,
    rules: LANE_TABLE[lane],
    workflow,
    facts,
    tell: (line, message) => void findings.push(`${workflow.file}:${line}: ${message}`),
  };
  checkWhole(about);
  checkOthers(about);
  checkSecrets(about);
  checkRequired(about);
  checkCheckouts(about);
  checkEnv(workflow.env, 1, '', about);
  for (const expression of workflow.expressions) checkExpression(expression, 1, null, about);
  for (const job of workflow.jobs) checkJob(job, about);
  return findings;
};
