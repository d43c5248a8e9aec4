import { parseArgs } from "node:util";
import { CI } from "./ci.ts";
import { faultTable, runLine } from "./report.ts";
import { play, type Run } from "./run.ts";

const HELP = `npm run chaos -- [--seed S] [--minutes M] [--workers N] [--ingests N] | --ci

Runs real services, Redis and Postgres while faults befall them, and looks whether the record is as if none had.
The same seed gives the same faults at the same times, and the same webhooks.

  --seed S      a whole number (default: drawn)
  --minutes M   for how long faults come and webhooks are sent; settling and checking come after (default: 3)
  --workers N   workers (default: 3)
  --ingests N   ingests (default: 2)
  --ci          a fixed set of seeds, in less than 4 minutes

Exit codes: 0 all was well, 1 something was not, 2 called with what is not an option`;

const MINUTE_MS = 60_000;

function options() {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
        minutes: { type: "string", default: "3" },
        workers: { type: "string", default: "3" },
        ingests: { type: "string", default: "2" },
        ci: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const whole = (text: string, least: number) => Number.isInteger(Number(text)) && Number(text) >= least;
    if (!whole(values.seed, 0)) throw new Error("--seed must be a whole number, 0 or more");
    if (!(Number(values.minutes) > 0)) throw new Error("--minutes must be a number, more than 0");
    if (!whole(values.workers, 1)) throw new Error("--workers must be a whole number, 1 or more");
    if (!whole(values.ingests, 1)) throw new Error("--ingests must be a whole number, 1 or more");
    return values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}\n`);
    return process.exit(2);
  }
}

const { seed, minutes, workers, ingests, ci, help } = options();
if (help) {
  process.stdout.write(`${HELP}\n`);
  process.exit(0);
}

const REPORT_EVERY_MS = 10_000;
let reportedAt = 0;

/** On a terminal a line that changes; else one now and then. */
function onProgress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${line.slice(0, process.stderr.columns - 1)}\u001B[K`);
  else if (performance.now() - reportedAt > REPORT_EVERY_MS) {
    reportedAt = performance.now();
    process.stderr.write(`${line}\n`);
  }
}

const asked = ci
  ? CI
  : { seeds: [Number(seed)], minutes: Number(minutes), workers: Number(workers), ingests: Number(ingests) };
const runs: Run[] = [];
for (const one of asked.seeds) {
  process.stderr.write(`seed ${one}\n`);
  const run = await play({ ...asked, seed: one, durationMs: asked.minutes * MINUTE_MS, onProgress });
  if (process.stderr.isTTY) process.stderr.write("\r\u001B[K");
  process.stdout.write(`${runLine(one, run)}\n`);
  runs.push(run);
}
process.stdout.write(`${faultTable(runs)}\n`);
if (!runs.some(({ faults }) => faults.some(({ kind }) => kind === "postgres' disk full"))) {
  process.stdout.write(
    "Postgres' disk was not filled: no small disk could be mounted here, or no such fault was drawn\n",
  );
}
const failed = runs.filter(({ findings }) => findings.length > 0).length;
process.stdout.write(`${runs.length - failed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
