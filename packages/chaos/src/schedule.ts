import { Random } from "@dossier/simulator";

/** Every kind of fault, with the range of its duration in milliseconds: from an instant to longer than every timeout. */
const DURATIONS_MS = {
  "ingest-kill": [200, 3_000],
  "ingest-freeze": [6_000, 14_000],
  "worker-kill": [200, 3_000],
  "worker-kill-before-ack": [500, 3_000],
  "worker-freeze": [6_000, 14_000],
  "redis-kill": [200, 8_000],
  "redis-freeze": [6_000, 14_000],
  "redis-flush": [0, 0],
  "redis-down-at-start": [2_000, 8_000],
  "postgres-kill": [200, 8_000],
  "postgres-restart": [0, 0],
  "postgres-freeze": [6_000, 20_000],
  "postgres-disk-full": [3_000, 10_000],
  "link-cut": [500, 8_000],
  "link-delay": [3_000, 12_000],
  "link-half-open": [3_000, 18_000],
  "link-black-hole": [3_000, 18_000],
} as const satisfies Record<string, readonly [min: number, max: number]>;

export type FaultKind = keyof typeof DURATIONS_MS;
export const FAULT_KINDS = Object.keys(DURATIONS_MS) as readonly FaultKind[];

export interface Fault {
  readonly kind: FaultKind;
  /** Names of services, servers and links (`client>server`). No other fault has them as a target at the same time. */
  readonly targets: readonly string[];
  /** Milliseconds from the start of the run. */
  readonly startMs: number;
  readonly durationMs: number;
}

/** What faults can be injected into, by name. */
export interface Topology {
  readonly ingests: readonly string[];
  readonly workers: readonly string[];
  readonly links: readonly string[];
  /** Whether Postgres has a disk of its own, small enough to be filled. */
  readonly smallDisk: boolean;
}

export function createTopology(ingests: number, workers: number, smallDisk: boolean): Topology {
  const number = (kind: string, count: number) => Array.from({ length: count }, (_, i) => `${kind}-${i + 1}`);
  const names = { ingests: number("ingest", ingests), workers: number("worker", workers) };
  const links = [
    ...names.ingests.map((name) => `icomply>${name}`),
    ...[...names.ingests, ...names.workers].flatMap((name) => [`${name}>postgres`, `${name}>redis`]),
  ];
  return { ...names, links, smallDisk };
}

/** From the start of the run to the first fault. */
const WARM_UP_MS = 3_000;
/** Between two faults on one target. */
export const RECOVERY_MS = 2_000;

/**
 * Returns which fault starts when, and on which targets, in order of start: a function of its arguments alone. Each
 * kind is drawn once before any is drawn again. Without a small disk, `postgres-disk-full` is left out, and all other
 * faults stay as they are.
 */
export function scheduleFaults(seed: number, runMs: number, topology: Topology): Fault[] {
  const random = new Random(seed, "faults");
  const freeAt = new Map<string, number>();
  const faults: Fault[] = [];
  let undrawn: FaultKind[] = [];
  for (let atMs = WARM_UP_MS; atMs < runMs; atMs += random.between(200, 5_000)) {
    if (undrawn.length === 0) undrawn = random.shuffle(FAULT_KINDS);
    const kind = undrawn.pop() ?? random.pick(FAULT_KINDS);
    const targets = drawTargets(kind, topology, random);
    const [min, max] = DURATIONS_MS[kind];
    const startMs = Math.max(atMs, ...targets.map((target) => freeAt.get(target) ?? 0));
    const durationMs = random.between(min, max);
    const endMs = startMs + durationMs;
    if (endMs <= runMs) faults.push({ kind, targets, startMs, durationMs });
    for (const target of targets) freeAt.set(target, endMs + RECOVERY_MS);
  }
  return faults
    .filter(({ kind }) => topology.smallDisk || kind !== "postgres-disk-full")
    .toSorted((a, b) => a.startMs - b.startMs);
}

function drawTargets(kind: FaultKind, { ingests, workers, links }: Topology, random: Random): string[] {
  switch (kind) {
    case "ingest-kill":
    case "ingest-freeze":
      return [random.pick(ingests)];
    case "worker-kill":
    case "worker-freeze":
      return [random.pick(workers)];
    case "worker-kill-before-ack": {
      const worker = random.pick(workers);
      return [worker, `${worker}>redis`];
    }
    case "redis-kill":
    case "redis-freeze":
    case "redis-flush":
      return ["redis"];
    case "redis-down-at-start":
      return ["redis", random.pick(ingests), random.pick(workers)];
    case "postgres-kill":
    case "postgres-restart":
    case "postgres-freeze":
    case "postgres-disk-full":
      return ["postgres"];
    case "link-cut":
    case "link-delay":
    case "link-half-open":
    case "link-black-hole":
      return [random.pick(links)];
  }
}
