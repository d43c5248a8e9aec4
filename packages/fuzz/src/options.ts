import { parseArgs } from "node:util";

const HELP = `npm run fuzz -- [--cases N] [--seed S]

Sends bad input to a real ingest and a real worker, on a Postgres and a Redis of their own. Ctrl-C ends it early, with
the table of what was done.

  --cases N   how many cases (default: 100000)
  --seed S    a whole number: the same gives the same cases (default: drawn)

Exit codes: 0 all was well, 1 a case failed, whose seed and smallest form are printed, 2 called with what is not an option
`;

/** What the command line says. Ends the process where it asks for help, or says what cannot be. */
export function options(): { readonly cases: number; readonly seed: number } {
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
    return { cases: whole("cases", values.cases, 1), seed: whole("seed", values.seed, 0) };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return process.exit(2);
  }
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${name} must be a whole number, ${least} or more; it is ${JSON.stringify(text)}`);
}
