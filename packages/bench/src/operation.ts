import type { LocalServer } from "@dossier/embedded";
import { openScope } from "@dossier/testing";
import { answerCalls, startChild } from "./child.ts";
import { watchCpu } from "./cpu.ts";
import type { Side } from "./rounds.ts";

/** Handles all of a log. Returns how many entries it has handled. */
export type Operation = (databaseUrl: string) => Promise<number>;

interface Call {
  readonly operation: string;
  readonly databaseUrl: string;
}

interface Answer {
  readonly entries: number;
  readonly seconds: number;
  readonly peakMegabytes: number;
}

/** Answers `sideOf` in the process of a script that has these operations; any other does nothing. */
export function answerOperations(operations: Readonly<Record<string, Operation>>): void {
  answerCalls(async ({ operation, databaseUrl }: Call): Promise<Answer> => {
    const startedAt = performance.now();
    const entries = (await operations[operation]?.(databaseUrl)) ?? 0;
    const seconds = (performance.now() - startedAt) / 1_000;
    return { entries, seconds, peakMegabytes: (process.resourceUsage().maxRSS * 1_024) / 1e6 };
  });
}

/** Returns a side that runs an operation, each time in a new process of this script. */
export function sideOf(
  keys: readonly string[],
  operation: string,
  script: string,
  postgres: LocalServer,
  databaseUrl = postgres.url,
): Side {
  return {
    keys,
    async measure() {
      await using scope = openScope();
      const child = startChild(scope, script);
      // So that it has started, and loaded its modules.
      await child.call<Answer>({ operation: "none", databaseUrl } satisfies Call);
      const usedCpu = await watchCpu({ process: child.pid, postgres: postgres.pid });
      const call: Call = { operation, databaseUrl };
      const { entries, seconds, peakMegabytes } = await child.call<Answer>(call);
      const cpu = await usedCpu();
      return {
        entries,
        "entries/s": entries / seconds,
        "µs CPU an entry": (cpu.process * 1e6) / entries,
        "µs CPU, Postgres": (cpu.postgres * 1e6) / entries,
        "peak MB": peakMegabytes,
      };
    },
  };
}
