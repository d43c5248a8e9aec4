import { parseArgs } from "node:util";
import { randomSeed, readCommandLine, wholeNumber } from "@dossier/testing/command-line";

const HELP = `npm run fuzz -- [--cases N] [--seed S]

Sends random valid and invalid requests to a real ingest and a real worker, on their own Postgres and Redis, and checks
that each is answered and settled as it must be. Ctrl-C ends it early and prints what was done so far.

  --cases N   number of requests (default: 100000)
  --seed S    a whole number; the same seed gives the same requests (default: random)
  -h, --help  print this help

Exit codes: 0 all requests passed, 1 one failed (its seed and smallest form are printed), 2 wrong usage
`;

export interface Options {
  readonly cases: number;
  readonly seed: number;
}

/** Reads the command line. Ends the process with 0 after `--help`, with 2 after wrong usage. */
export function readOptions(): Options {
  return readCommandLine(HELP, () => {
    const { values } = parseArgs({
      options: {
        cases: { type: "string", default: "100000" },
        seed: { type: "string", default: randomSeed() },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) return "help";
    return { cases: wholeNumber("cases", values.cases, 1), seed: wholeNumber("seed", values.seed, 0) };
  });
}
