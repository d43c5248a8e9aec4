import { parseArgs } from "node:util";
import { readCommandLine, wholeNumber } from "@dossier/testing/command-line";
import { BENCHMARKS, SIZES, type Benchmark, type Size, type SizeName } from "./sizes.ts";

export interface Options {
  readonly benchmark: Benchmark;
  /** The folder that keeps data from run to run; `undefined` for temporary ones. */
  readonly data: string | undefined;
  /** Where the console's CPU profile goes, if anywhere. */
  readonly profile: string | undefined;
  /** Whether the results go into docs/performance.md. */
  readonly write: boolean;
  /** Returns a size, or the first of a list. */
  size(name: SizeName): number;
  sizes(name: SizeName): readonly number[];
}

/** With a folder for data: a temporary one, if none is named. */
export type DataOptions = Options & { readonly data: string };

const HELP = `npm run bench -- [NAME…] [options]

Measures the product on real servers of its own, with the settings of docker-compose.yml (fsync on); services, peers and load
have processes of their own. Other load on the machine slows it down: compare CPU times, or run it alone. Without a NAME, all of:

${Object.entries(BENCHMARKS)
  .map(([benchmark, help]) => [`${benchmark}: ${help}`, ...helpOf(benchmark as Benchmark), ""].join("\n"))
  .join("\n")}
Options of all:
  --quick          small, for a check that it works: less than three minutes
  --data FOLDER    keeps the data there, and uses what it finds there (default: a temporary folder). Growth adds to a log there
  --write          writes the results into docs/performance.md and docs/performance/
  --profile FOLDER console: writes a CPU profile of the console there
  -h, --help       print this help

Exit codes: 0 measured, 1 failed, 2 wrong usage
`;

function helpOf(benchmark: Benchmark): readonly string[] {
  return sizesOf(benchmark).map(
    ({ name, help, full, quick }) =>
      `  ${`--${name} N`.padEnd(17)}${help} (default: ${full}, with --quick ${quick})`,
  );
}

/** Reads the command line: the options of each benchmark that it names. Ends the process with 0 after `--help`, with 2 after wrong usage. */
export function readOptions(): readonly Options[] {
  return readCommandLine(HELP, () => {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        data: { type: "string" },
        write: { type: "boolean", default: false },
        profile: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
        ...(Object.fromEntries(SIZES.map(({ name }) => [name, { type: "string" }])) as Record<
          SizeName,
          { readonly type: "string" }
        >),
      },
    });
    if (values.help) return "help";
    const { quick, data, profile, write } = values;
    const benchmarks = readNames(positionals);
    const foreign = SIZES.map(({ name }) => name).find(
      (name) =>
        values[name] !== undefined &&
        !benchmarks.some((one) => sizesOf(one).some((size) => size.name === name)),
    );
    if (foreign !== undefined) throw new Error(`--${foreign} is no option of ${benchmarks.join(", ")}`);
    return benchmarks.map((benchmark) => {
      const numbers = new Map(
        sizesOf(benchmark).map((size) => [
          size.name,
          (values[size.name as SizeName] ?? (quick ? size.quick : size.full))
            .split(",")
            .map((text) => wholeNumber(size.name, text, size.least ?? 1)),
        ]),
      );
      const sizes = (name: SizeName) => numbers.get(name) ?? [];
      return { benchmark, data, profile, write, sizes, size: (name) => sizes(name)[0] ?? Number.NaN };
    });
  });
}

function sizesOf(benchmark: Benchmark): readonly Size[] {
  return SIZES.filter(({ of }) => (of as readonly Benchmark[]).includes(benchmark));
}

function readNames(positionals: readonly string[]): readonly Benchmark[] {
  const all = Object.keys(BENCHMARKS) as Benchmark[];
  const wrong = positionals.find((name) => !Object.hasOwn(BENCHMARKS, name));
  if (wrong !== undefined)
    throw new Error(`there is no benchmark ${JSON.stringify(wrong)}, but ${all.join(", ")}`);
  return positionals.length === 0 ? all : (positionals as Benchmark[]);
}
