import { expect, test } from "vitest";
import { CI } from "../src/options.ts";
import { createTopology, FAULT_KINDS, RECOVERY_MS, scheduleFaults, type Fault } from "../src/schedule.ts";

const topology = createTopology(CI.ingests, CI.workers, true);
const MINUTE_MS = 60_000;
const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);

const kindsOf = (faults: readonly Fault[]) => new Set(faults.map(({ kind }) => kind));

test("a seed has one schedule, and no other seed has the same", () => {
  const schedules = () => SEEDS.map((seed) => JSON.stringify(scheduleFaults(seed, 2 * MINUTE_MS, topology)));
  const first = schedules();
  expect(schedules()).toEqual(first);
  expect(new Set(first).size).toBe(SEEDS.length);
});

test("a target has one fault at a time, and time to recover before the next", () => {
  for (const seed of SEEDS) {
    const freeAt = new Map<string, number>();
    for (const { targets, startMs, durationMs } of scheduleFaults(seed, 2 * MINUTE_MS, topology)) {
      for (const target of targets) {
        expect(startMs).toBeGreaterThanOrEqual(freeAt.get(target) ?? 0);
        freeAt.set(target, startMs + durationMs + RECOVERY_MS);
      }
    }
  }
});

test("every fault ends before the run does", () => {
  for (const seed of SEEDS)
    for (const { startMs, durationMs } of scheduleFaults(seed, MINUTE_MS, topology))
      expect(startMs + durationMs).toBeLessThanOrEqual(MINUTE_MS);
});

test("a long run has every kind of fault, and so has each run of CI", () => {
  const all = new Set(FAULT_KINDS);
  for (const seed of SEEDS) expect(kindsOf(scheduleFaults(seed, 5 * MINUTE_MS, topology))).toEqual(all);
  for (const seed of CI.seeds) expect(kindsOf(scheduleFaults(seed, CI.durationMs, topology))).toEqual(all);
});

test("without a small disk, all other faults stay as they are", () => {
  for (const seed of SEEDS) {
    const schedule = scheduleFaults(seed, 2 * MINUTE_MS, topology);
    expect(scheduleFaults(seed, 2 * MINUTE_MS, { ...topology, smallDisk: false })).toEqual(
      schedule.filter(({ kind }) => kind !== "postgres-disk-full"),
    );
  }
});
