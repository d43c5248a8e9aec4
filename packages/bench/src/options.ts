import { parseArgs } from "node:util";
import { readCommandLine, wholeNumber } from "@dossier/testing/command-line";

const HELP = `npm run bench -- NAME [options]

Measures the product on real servers of its own, with Postgres' defaults (fsync on). Other load on the machine slows it
down: compare CPU times, or run it alone.

  console   the pages, with readers at once while webhooks arrive: latency of each page, receipt → state
  search    the search for persons, and its cost for a person who is written

  --quick          small, for a check that it works: less than a minute
  --data FOLDER    keeps the data there, and uses what it finds there (default: a temporary folder)
  --events N       console: events in the log (default: 1000000, of 8 or 9 a person)
  --persons N      search: persons (default: 1000000)
  --readers N      console: readers at once (default: 20)
  --pause MS       console: a reader's pause after each page (default: 1000)
  --rate N         console: webhooks per second (default: 500)
  --seconds S      console: how long each part is measured (default: 30)
  --profile FOLDER console: writes a CPU profile of the console there
  -h, --help       print this help

Exit codes: 0 measured, 1 failed, 2 wrong usage
`;

export const BENCHMARKS = ["console", "search"] as const;

export interface Options {
  readonly benchmark: (typeof BENCHMARKS)[number];
  /** `undefined` for a temporary folder. */
  readonly data: string | undefined;
  readonly events: number;
  readonly persons: number;
  readonly readers: number;
  readonly pauseMs: number;
  readonly rate: number;
  readonly seconds: number;
  /** Where the console's CPU profile goes, if anywhere. */
  readonly profile: string | undefined;
}

/** Reads the command line. Ends the process with 0 after `--help`, with 2 after wrong usage. */
export function readOptions(): Options {
  return readCommandLine(HELP, () => {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        data: { type: "string" },
        events: { type: "string" },
        persons: { type: "string" },
        readers: { type: "string", default: "20" },
        pause: { type: "string", default: "1000" },
        rate: { type: "string" },
        seconds: { type: "string" },
        profile: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) return "help";
    const size = values.quick
      ? { events: "2000", persons: "5000", rate: "50", seconds: "5" }
      : { events: "1000000", persons: "1000000", rate: "500", seconds: "30" };
    return {
      benchmark: readName(positionals),
      data: values.data,
      events: wholeNumber("events", values.events ?? size.events, 1),
      persons: wholeNumber("persons", values.persons ?? size.persons, 1),
      readers: wholeNumber("readers", values.readers, 1),
      pauseMs: wholeNumber("pause", values.pause, 0),
      rate: wholeNumber("rate", values.rate ?? size.rate, 1),
      seconds: wholeNumber("seconds", values.seconds ?? size.seconds, 1),
      profile: values.profile,
    };
  });
}

function readName(positionals: readonly string[]): Options["benchmark"] {
  const [name, more] = positionals;
  const found = BENCHMARKS.find((one) => one === name);
  if (found !== undefined && more === undefined) return found;
  const given = name === undefined ? "none" : JSON.stringify(positionals.join(" "));
  throw new Error(`name one benchmark (${BENCHMARKS.join(", ")}), not ${given}`);
}
