import type { Reporter, TestModule } from "vitest/node";

/** Ends a run with each skipped test and its reason, and with the sums alone on the last line. */
export class Closing implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const sums = { passed: 0, failed: unhandled.length, skipped: 0 };
    for (const module of modules) {
      // A file that does not load, or a hook that fails, is no test, but no success either.
      const around = [module, ...module.children.allSuites()];
      sums.failed += around.filter((suite) => suite.errors().length > 0).length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "pending") continue;
        sums[result.state]++;
        if (result.state === "skipped")
          print(`skipped: ${test.fullName}: ${result.note ?? "no reason given"}`);
      }
    }
    const skipped = sums.skipped > 0 ? `, ${sums.skipped} skipped` : "";
    print(`${sums.passed} passed, ${sums.failed} failed${skipped}`);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
