import type { Reporter, TestModule } from "vitest/node";

/**
 * Prints at the end of a run each skipped test with its reason and each that passed at its second try with what failed at the
 * first, and the sums on the last line.
 */
export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const sums = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      // A file that cannot be loaded and a hook that fails are no tests, but failures.
      const suites = [module, ...module.children.allSuites()];
      sums.failed += suites.filter((suite) => suite.errors().length > 0).length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "pending") continue;
        sums[result.state]++;
        if (result.state === "skipped")
          print(`skipped: ${test.fullName}: ${result.note ?? "no reason given"}`);
        if (result.state === "passed" && test.diagnostic()?.flaky === true)
          print(`passed at the second try: ${test.fullName}: ${result.errors?.[0]?.message ?? "no error"}`);
      }
    }
    const skipped = sums.skipped > 0 ? `, ${sums.skipped} skipped` : "";
    print(`${sums.passed} passed, ${sums.failed} failed${skipped}`);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
