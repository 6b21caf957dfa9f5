import { Lexer, Parser } from '@actions/expressions';
import type { Expr } from '@actions/expressions/ast';
import { isBasicExpression, isLiteral, isMapping, isSequence, NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser';
import type { TemplateToken } from '@actions/workflow-parser/templates/tokens/template-token';

/** A step of a job, as it is written; expressions are not evaluated. */
export interface Step {
  readonly line: number;
  readonly id: string | null;
  readonly if: string | null;
  readonly uses: string | null;
  readonly run: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly with: Readonly<Record<string, string>>;
  readonly continues: boolean;
  /** Its keys that are read by none of these fields. */
  readonly others: readonly string[];
  /** All expressions in it. */
  readonly expressions: readonly string[];
}

/** A job of a workflow. */
export interface Job {
  readonly line: number;
  readonly id: string;
  readonly name: string;
  readonly needs: readonly string[];
  readonly if: string | null;
  readonly runsOn: string;
  /** What it is run for, each at the side of the others: the lists by their names, as they are written; null if it is run once. */
  readonly matrix: Readonly<Record<string, string>> | null;
  readonly timeout: number | null;
  readonly environment: string | null;
  readonly permissions: Readonly<Record<string, string>> | null;
  readonly outputs: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly continues: boolean;
  readonly steps: readonly Step[];
  /** Its keys that are read by none of these fields. */
  readonly others: readonly string[];
  /** All expressions in it that are in none of its steps. */
  readonly expressions: readonly string[];
}

/** A workflow file. */
export interface Workflow {
  /** Relative to the workspace's root. */
  readonly file: string;
  readonly text: string;
  readonly name: string;
  /** The events and the branches that they are about; null for all. */
  readonly events: Readonly<Record<string, readonly string[] | null>>;
  readonly concurrency: Readonly<Record<string, string>>;
  readonly permissions: Readonly<Record<string, string>> | null;
  readonly env: Readonly<Record<string, string>>;
  readonly jobs: readonly Job[];
  /** Its keys, and those of its events, that are read by none of these fields. */
  readonly others: readonly string[];
  /** All expressions in it that are in none of its jobs. */
  readonly expressions: readonly string[];
}

/** The fields of a mapping; none of anything else. */
const fieldsOf = (token: TemplateToken | undefined): Readonly<Record<string, TemplateToken>> =>
  token !== undefined && isMapping(token) ? Object.fromEntries([...token].map(({ key, value }) => [key.toString(), value])) : {};

const scalar = (token: TemplateToken): string => {
  if (isBasicExpression(token)) return token.source ?? `\${{ ${token.expression} }}`;
  return isLiteral(token) ? token.toString() : '';
};
const stringOf = (token: TemplateToken | undefined): string | null => (token === undefined ? null : scalar(token));
const stringsOf = (token: TemplateToken | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(fieldsOf(token)).map(([key, value]) => [key, scalar(value)]));
const listOf = (token: TemplateToken | undefined): string[] => {
  if (token === undefined) return [];
  return isSequence(token) ? [...token].map(scalar) : [scalar(token)];
};

/** The expressions in a token, without their braces; those of some keys are left to others. */
const expressionsIn = (token: TemplateToken | undefined, without: readonly string[] = []): string[] => {
  if (token === undefined) return [];
  if (isBasicExpression(token)) return [token.expression];
  if (isSequence(token)) return [...token].flatMap((each) => expressionsIn(each));
  return isMapping(token) ? [...token].flatMap(({ key, value }) => (without.includes(key.toString()) ? [] : expressionsIn(value))) : [];
};

/** A condition is an expression with braces or without. */
const conditionIn = (token: TemplateToken | undefined): string[] => (token === undefined || isBasicExpression(token) ? [] : [scalar(token)]);

/** What is read of each; all that is written besides would go on unseen. */
const KNOWN = {
  workflow: ['name', 'on', 'concurrency', 'permissions', 'env', 'jobs'],
  event: ['branches'],
  job: ['name', 'needs', 'if', 'runs-on', 'timeout-minutes', 'environment', 'permissions', 'outputs', 'env', 'continue-on-error', 'strategy', 'steps'],
  strategy: ['fail-fast', 'matrix'],
  step: ['id', 'name', 'if', 'uses', 'run', 'env', 'with', 'continue-on-error'],
};
const othersIn = (fields: Readonly<Record<string, TemplateToken>>, what: keyof typeof KNOWN): string[] =>
  Object.keys(fields).filter((key) => !KNOWN[what].includes(key));

const stepOf = (token: TemplateToken): Step => {
  const fields = fieldsOf(token);
  return {
    line: token.line ?? 0,
    id: stringOf(fields['id']),
    if: stringOf(fields['if']),
    uses: stringOf(fields['uses']),
    run: stringOf(fields['run']),
    env: stringsOf(fields['env']),
    with: stringsOf(fields['with']),
    continues: fields['continue-on-error'] !== undefined,
    others: othersIn(fields, 'step'),
    expressions: [...conditionIn(fields['if']), ...expressionsIn(token)],
  };
};

const permissionsOf = (token: TemplateToken | undefined): Record<string, string> | null => {
  if (token === undefined) return null;
  return isMapping(token) ? stringsOf(token) : { all: scalar(token) };
};

const jobOf = (id: string, token: TemplateToken, line: number): Job => {
  const fields = fieldsOf(token);
  const { steps, environment } = fields;
  const strategy = fieldsOf(fields['strategy']);
  return {
    line,
    id,
    name: stringOf(fields['name']) ?? id,
    needs: listOf(fields['needs']),
    if: stringOf(fields['if']),
    runsOn: stringOf(fields['runs-on']) ?? '',
    matrix: fields['strategy'] === undefined ? null : stringsOf(strategy['matrix']),
    timeout: fields['timeout-minutes'] === undefined ? null : Number(scalar(fields['timeout-minutes'])),
    environment: environment === undefined ? null : stringOf(isMapping(environment) ? environment.find('name') : environment),
    permissions: permissionsOf(fields['permissions']),
    outputs: stringsOf(fields['outputs']),
    env: stringsOf(fields['env']),
    continues: fields['continue-on-error'] !== undefined,
    steps: steps !== undefined && isSequence(steps) ? [...steps].map(stepOf) : [],
    others: [...othersIn(fields, 'job'), ...othersIn(strategy, 'strategy')],
    expressions: [...conditionIn(fields['if']), ...expressionsIn(token, ['steps'])],
  };
};

const eventsOf = (token: TemplateToken | undefined): Workflow['events'] => {
  if (token === undefined || !isMapping(token)) return Object.fromEntries(listOf(token).map((name) => [name, null]));
  return Object.fromEntries(
    [...token].map(({ key, value }) => {
      const { branches } = fieldsOf(value);
      return [key.toString(), branches === undefined ? null : listOf(branches)];
    }),
  );
};

/**
 * Reads a workflow with GitHub's own parser, against GitHub's own schema of workflow files.
 * @throws an error with all that the parser has to say
 */
export const readWorkflow = (file: string, text: string): Workflow => {
  const { context, value } = parseWorkflow({ name: file, content: text }, new NoOperationTraceWriter());
  const errors = context.errors.getErrors();
  if (value === undefined || errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n') || `${file} is no workflow`);
  const fields = fieldsOf(value);
  const { jobs } = fields;
  return {
    file,
    text,
    name: stringOf(fields['name']) ?? file,
    events: eventsOf(fields['on']),
    concurrency: stringsOf(fields['concurrency']),
    permissions: permissionsOf(fields['permissions']),
    env: stringsOf(fields['env']),
    jobs: jobs !== undefined && isMapping(jobs) ? [...jobs].map(({ key, value: job }) => jobOf(key.toString(), job, key.line ?? 0)) : [],
    others: [...othersIn(fields, 'workflow'), ...Object.values(fieldsOf(fields['on'])).flatMap((event) => othersIn(fieldsOf(event), 'event'))],
    expressions: expressionsIn(value, ['jobs']),
  };
};

const CONTEXTS = ['github', 'env', 'vars', 'secrets', 'needs', 'steps', 'runner', 'job', 'matrix', 'strategy', 'inputs'];
/** Functions that are no part of the language of expressions, and of workflows alone. */
const FUNCTIONS = ['success', 'failure', 'always', 'cancelled', 'hashFiles'].map((name) => ({ name, minArgs: 0, maxArgs: 255 }));

/** The nodes of an expression, as far as they have one of these. */
interface Node {
  readonly expr?: Node;
  readonly index?: Node & { readonly literal?: { readonly value?: unknown } };
  readonly name?: { readonly lexeme: string };
  readonly functionName?: { readonly lexeme: string };
  readonly group?: Node;
  readonly left?: Node;
  readonly right?: Node;
  readonly args?: readonly Node[];
}

/** A path of an expression, such as `needs`, `build`, `outputs`, `commit`; `*` for what is only known when it is evaluated. */
export type Access = readonly string[];

/** What an expression reads, and the functions that it calls, by GitHub's own parser of expressions. @throws the parser's error */
export const readExpression = (expression: string): { readonly reads: readonly Access[]; readonly calls: readonly string[] } => {
  const reads: Access[] = [];
  const calls: string[] = [];
  const fieldOf = (index: NonNullable<Node['index']>): string => {
    if (typeof index.literal?.value === 'string') return index.literal.value;
    visit(index);
    return '*';
  };
  const pathOf = (node: Node): Access => {
    if (node.index !== undefined && node.expr !== undefined) return [...pathOf(node.expr), fieldOf(node.index)];
    if (node.name !== undefined) return [node.name.lexeme];
    visit(node);
    return ['*'];
  };
  const visit = (node: Node): void => {
    if (node.index !== undefined || node.name !== undefined) return void reads.push(pathOf(node));
    if (node.functionName !== undefined) calls.push(node.functionName.lexeme);
    for (const inner of [node.expr, node.group, node.left, node.right, ...(node.args ?? [])]) if (inner !== undefined) visit(inner);
  };
  visit(new Parser(new Lexer(expression).lex().tokens, CONTEXTS, FUNCTIONS).parse() as Expr as unknown as Node);
  return { reads, calls };
};
