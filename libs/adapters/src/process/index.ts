export { ask, type Answer, type Fault, type Question } from './ask.ts';
export { runCredentialHelper, type HelperAnswer } from './credential-helper.ts';
export * from './find-program.ts';
export * from './redact.ts';
export * from './runner.ts';
export { startProgram, type ProgramEnd, type StartedProgram, type StartRequest } from './start.ts';
