import { parseArgs } from "node:util";

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
  try {
    const { values } = parseArgs({
      options: {
        cases: { type: "string", default: "100000" },
        seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      process.exit(0);
    }
    return { cases: wholeNumber("cases", values.cases, 1), seed: wholeNumber("seed", values.seed, 0) };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return process.exit(2);
  }
}

function wholeNumber(name: string, text: string, min: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value;
  throw new Error(`--${name} must be a whole number of ${min} or more, not ${JSON.stringify(text)}`);
}
