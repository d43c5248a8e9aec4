import { count } from "./table.ts";

const REDRAW_MS = 100;
const REPORT_MS = 10_000;
const BAR = 30;

export interface Progress {
  /** Says that so many more are done. */
  advance(by?: number): void;
  /** Says how many are done, and how many there are, where that becomes known on the way. */
  reach(done: number, total: number): void;
  /** Ends the display and takes it away. */
  end(): void;
}

/**
 * Shows long work on stderr: as a bar with rate and time left where a person watches, else as a line
 * every ten seconds. `estimate`: about how many there are.
 */
export function startProgress(what: string, estimate: number): Progress {
  const { stderr } = process;
  const started = performance.now();
  let done = 0;
  let total = estimate;

  const draw = () => {
    const seconds = (performance.now() - started) / 1_000;
    const line = describe(what, done, total, seconds);
    if (!stderr.isTTY) stderr.write(`${line}\n`);
    else
      stderr.write(
        `\r${`${bar(total === 0 ? 0 : done / total)} ${line}`.slice(0, stderr.columns - 1)}\u001B[K`,
      );
  };
  const timer = setInterval(draw, stderr.isTTY ? REDRAW_MS : REPORT_MS).unref();

  return {
    advance(by = 1) {
      done += by;
    },
    reach(reached, known) {
      done = reached;
      total = known;
    },
    end() {
      clearInterval(timer);
      if (stderr.isTTY) stderr.write("\r\u001B[K");
    },
  };
}

function describe(what: string, done: number, total: number, seconds: number): string {
  const rate = done / seconds;
  const left = done === 0 ? "" : `, ${duration(Math.max(0, total - done) / rate)} left`;
  return `${what}: ${count(done)} of ${count(Math.max(total, done))}, ${count(rate)}/s${left}`;
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, share) * BAR);
  return `[${"#".repeat(full)}${"-".repeat(BAR - full)}]`;
}

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return seconds < 3_600 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`;
}
