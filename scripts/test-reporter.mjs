// Jest's last word: what was not run for want of a real part, what never ran at all, and the counts alone on a line.

const required = ({ ancestorTitles }) =>
  ancestorTitles.filter((title) => title.startsWith('requires ')).map((title) => title.slice('requires '.length).split(':')[0]);

export default class ClosingLine {
  #failed = false;
  #filtered;

  constructor({ testNamePattern }) {
    // Whoever picks tests by name (-t) skips all others on purpose.
    this.#filtered = Boolean(testNamePattern);
  }

  onRunComplete(_contexts, results) {
    const say = (line) => process.stdout.write(`${line}\n`);
    const missing = new Set();
    for (const suite of results.testResults) {
      const skipped = suite.testResults.filter(({ status }) => status === 'pending' || status === 'todo');
      for (const part of skipped.flatMap(required)) missing.add(part);
      const allSkipped = skipped.length > 0 && skipped.length === suite.testResults.length;
      if (allSkipped && !this.#filtered && skipped.some((test) => required(test).length === 0)) {
        this.#failed = true;
        say(`every test of ${suite.testFilePath} was skipped, and not every one says what it requires`);
      }
    }
    if (missing.size > 0) say(`Not run, because this machine lacks it: ${[...missing].sort().join(', ')}`);
    // A suite that does not load has no test to count, and is a failure all the same.
    const failed = results.numFailedTests + results.testResults.filter(({ testExecError }) => testExecError).length;
    const skipped = results.numPendingTests + results.numTodoTests;
    if (results.numPassedTests + failed === 0) {
      this.#failed = true;
      say('no test was run');
    }
    say(`${results.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  }

  getLastError() {
    return this.#failed ? new Error('the test run does not count: see above') : undefined;
  }
}
