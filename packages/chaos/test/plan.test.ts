import { expect, test } from "vitest";
import { CI } from "../src/ci.ts";
import { KINDS, plan, REST_MS, type Cast, type Fault } from "../src/plan.ts";

const ingests = ["ingest-1", "ingest-2"];
const workers = ["worker-1", "worker-2", "worker-3"];
const links = [
  ...ingests.flatMap((name) => [`${name}>postgres`, `${name}>redis`, `icomply>${name}`]),
  ...workers.flatMap((name) => [`${name}>postgres`, `${name}>redis`]),
];
const cast: Cast = { ingests, workers, links, diskFills: true };

const MINUTE_MS = 60_000;
const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);

const kinds = (faults: readonly Fault[]) => new Set(faults.map(({ kind }) => kind));

test("a seed has one plan, and no other seed the same", () => {
  const plans = SEEDS.map((seed) => JSON.stringify(plan(seed, 2 * MINUTE_MS, cast)));
  expect(SEEDS.map((seed) => JSON.stringify(plan(seed, 2 * MINUTE_MS, cast)))).toEqual(plans);
  expect(new Set(plans).size).toBe(SEEDS.length);
});

test("nothing befalls what another fault has in hand, nor before it had its rest", () => {
  for (const seed of SEEDS) {
    const freeAt = new Map<string, number>();
    for (const { targets, atMs, lastsMs } of plan(seed, 2 * MINUTE_MS, cast)) {
      for (const target of targets) {
        expect(atMs).toBeGreaterThanOrEqual(freeAt.get(target) ?? 0);
        freeAt.set(target, atMs + lastsMs + REST_MS);
      }
    }
  }
});

test("every fault is over when the run is", () => {
  for (const seed of SEEDS)
    for (const { atMs, lastsMs } of plan(seed, MINUTE_MS, cast))
      expect(atMs + lastsMs).toBeLessThanOrEqual(MINUTE_MS);
});

test("every kind of fault comes in a run that is long enough, and in each of CI's", () => {
  for (const seed of SEEDS) expect(kinds(plan(seed, 5 * MINUTE_MS, cast))).toEqual(new Set(KINDS));
  for (const seed of CI.seeds)
    expect(kinds(plan(seed, CI.minutes * MINUTE_MS, cast))).toEqual(new Set(KINDS));
});

test("where the disk cannot be filled, all other faults come as they would", () => {
  for (const seed of SEEDS) {
    const without = plan(seed, 2 * MINUTE_MS, { ...cast, diskFills: false });
    expect(without).toEqual(
      plan(seed, 2 * MINUTE_MS, cast).filter(({ kind }) => kind !== "postgres' disk full"),
    );
  }
});
