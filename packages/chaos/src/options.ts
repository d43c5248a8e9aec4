import { parseArgs } from "node:util";
import { MAX_SEED, randomSeed, readCommandLine, wholeNumber } from "@dossier/testing/command-line";

const HELP = `npm run chaos -- [--seed S] [--minutes M] [--workers N] [--ingests N] | --ci

Fault injection: runs ingests, workers, Redis and Postgres as real processes, kills, freezes, flushes and disconnects
them while webhooks arrive, and then checks that every invariant holds. A seed decides the webhooks, the faults and
their times.

  --seed S      a whole number from 0 to 4294967295 (default: random)
  --minutes M   how long webhooks are sent and faults injected; the checks come after (default: 3)
  --workers N   number of workers (default: 3)
  --ingests N   number of ingests (default: 2)
  --ci          two fixed seeds that inject every fault, in less than 4 minutes
  -h, --help    print this help

Exit codes: 0 all invariants hold, 1 an invariant is violated, 2 wrong usage
`;

const MINUTE_MS = 60_000;

export interface Options {
  /** One run each. */
  readonly seeds: readonly number[];
  readonly durationMs: number;
  readonly workers: number;
  readonly ingests: number;
}

/** Short runs that inject every fault each. */
export const CI: Options = { seeds: [1158, 1455], durationMs: 0.75 * MINUTE_MS, workers: 3, ingests: 2 };

/** Reads the command line. Ends the process with 0 after `--help`, with 2 after wrong usage. */
export function readOptions(): Options {
  return readCommandLine(HELP, () => {
    const { values } = parseArgs({
      options: {
        seed: { type: "string", default: randomSeed() },
        minutes: { type: "string", default: "3" },
        workers: { type: "string", default: "3" },
        ingests: { type: "string", default: "2" },
        ci: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) return "help";
    if (values.ci) return CI;
    return {
      seeds: [wholeNumber("seed", values.seed, 0, MAX_SEED)],
      durationMs: positiveNumber("minutes", values.minutes) * MINUTE_MS,
      workers: wholeNumber("workers", values.workers, 1),
      ingests: wholeNumber("ingests", values.ingests, 1),
    };
  });
}

function positiveNumber(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value < Infinity) return value;
  throw new Error(`--${name} must be a number greater than 0, not ${JSON.stringify(text)}`);
}
