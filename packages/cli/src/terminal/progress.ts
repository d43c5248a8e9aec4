import cliProgress from "cli-progress";
import { formatCount } from "./table.ts";

const LINE_EVERY_MS = 10_000;

/** Ends when it is disposed of. */
export interface Progress extends Disposable {
  /** Adds to what is done. */
  advance(by?: number): void;
  /** Sets how much is done, and the total, where that becomes known on the way. */
  update(done: number, total: number): void;
}

/**
 * Shows on stderr how far a long operation is: as a bar on a terminal, removed at the end, else as a line every
 * 10 seconds.
 *
 * @param total how many there are; an estimate will do
 */
export function startProgress(label: string, total: number): Progress {
  const started = performance.now();
  let done = 0;
  const summary = () => summarise(label, done, total, (performance.now() - started) / 1_000);
  const display = process.stderr.isTTY ? startBar(total, summary) : startLines(summary);
  return {
    advance(by = 1) {
      done += by;
      display.update(done, total);
    },
    update(newDone, newTotal) {
      done = newDone;
      total = newTotal;
      display.update(done, total);
    },
    [Symbol.dispose]: () => display.stop(),
  };
}

interface Display {
  update(done: number, total: number): void;
  stop(): void;
}

function startBar(total: number, summary: () => string): Display {
  const bar = new cliProgress.SingleBar({
    format: "[{bar}] {summary}",
    barsize: 30,
    barCompleteChar: "#",
    clearOnComplete: true,
    emptyOnZero: true,
    // Cuts the line at the terminal's width, instead of a mode that an interrupted process would leave behind.
    linewrap: true,
  });
  bar.start(total, 0, {
    get summary() {
      return summary();
    },
  });
  return {
    update(done, newTotal) {
      bar.setTotal(newTotal);
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}

function startLines(summary: () => string): Display {
  const timer = setInterval(() => process.stderr.write(`${summary()}\n`), LINE_EVERY_MS).unref();
  return { update: () => undefined, stop: () => clearInterval(timer) };
}

function summarise(label: string, done: number, total: number, seconds: number): string {
  const rate = done / seconds;
  const left = done === 0 ? "" : `, ${formatDuration(Math.max(0, total - done) / rate)} left`;
  return `${label}: ${formatCount(done)} of ${formatCount(Math.max(total, done))}, ${formatCount(rate)}/s${left}`;
}

function formatDuration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return seconds < 3_600 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`;
}
