import { chance, type Chance } from "./random.ts";

/** Every fault there is, with how long it lasts, in milliseconds: from a hiccup to more than any time limit. */
const LASTING = {
  "ingest killed": [200, 3_000],
  "ingest frozen": [6_000, 14_000],
  "worker killed": [200, 3_000],
  "worker killed before its jobs' ends are told": [500, 3_000],
  "worker frozen": [6_000, 14_000],
  "redis killed": [200, 8_000],
  "redis frozen": [6_000, 14_000],
  "redis flushed": [0, 0],
  "redis away while services boot": [2_000, 8_000],
  "postgres killed, then recovering": [200, 8_000],
  "postgres restarted": [0, 0],
  "postgres frozen": [6_000, 20_000],
  "postgres' disk full": [3_000, 10_000],
  "link cut": [500, 8_000],
  "link delayed": [3_000, 12_000],
  "link half-open": [3_000, 18_000],
  "link black-holed": [3_000, 18_000],
} as const satisfies Record<string, readonly [number, number]>;

export type Kind = keyof typeof LASTING;
export const KINDS = Object.keys(LASTING) as readonly Kind[];

export interface Fault {
  readonly kind: Kind;
  /** What it befalls: services and servers by name; a link is `client>server`. Nothing else befalls them meanwhile. */
  readonly targets: readonly string[];
  /** Milliseconds from the beginning of the run. */
  readonly atMs: number;
  readonly lastsMs: number;
}

export interface Cast {
  readonly ingests: readonly string[];
  readonly workers: readonly string[];
  readonly links: readonly string[];
  /** Whether Postgres' disk is small enough to be filled. */
  readonly diskFills: boolean;
}

/** Before the first fault: everything runs. */
const CALM_MS = 3_000;
/** What a target has between two faults, in milliseconds. */
export const REST_MS = 2_000;

/**
 * When which fault befalls whom: a function of its arguments alone. Every kind comes once before any comes again. Where
 * the disk cannot be filled, those faults are left out, and all others come as if they had not been.
 */
export function plan(seed: number, durationMs: number, cast: Cast): Fault[] {
  const random = chance(seed);
  const freeAt = new Map<string, number>();
  const faults: Fault[] = [];
  let deck: Kind[] = [];
  let atMs = CALM_MS;
  while (atMs < durationMs) {
    if (deck.length === 0) deck = random.shuffled(KINDS);
    const kind = deck.pop() ?? random.pick(KINDS);
    const targets = targetsOf(kind, cast, random);
    const [least, most] = LASTING[kind];
    const lastsMs = random.between(least, most);
    const startsAtMs = Math.max(atMs, ...targets.map((target) => freeAt.get(target) ?? 0));
    if (startsAtMs + lastsMs <= durationMs) faults.push({ kind, targets, atMs: startsAtMs, lastsMs });
    for (const target of targets) freeAt.set(target, startsAtMs + lastsMs + REST_MS);
    atMs += random.between(200, 5_000);
  }
  return faults
    .filter(({ kind }) => cast.diskFills || kind !== "postgres' disk full")
    .toSorted((a, b) => a.atMs - b.atMs);
}

function targetsOf(kind: Kind, { ingests, workers, links }: Cast, random: Chance): string[] {
  switch (kind) {
    case "ingest killed":
    case "ingest frozen":
      return [random.pick(ingests)];
    case "worker killed":
    case "worker frozen":
      return [random.pick(workers)];
    case "worker killed before its jobs' ends are told": {
      const worker = random.pick(workers);
      return [worker, `${worker}>redis`];
    }
    case "redis killed":
    case "redis frozen":
    case "redis flushed":
      return ["redis"];
    case "redis away while services boot":
      return ["redis", random.pick(ingests), random.pick(workers)];
    case "postgres killed, then recovering":
    case "postgres restarted":
    case "postgres frozen":
    case "postgres' disk full":
      return ["postgres"];
    case "link cut":
    case "link delayed":
    case "link half-open":
    case "link black-holed":
      return [random.pick(links)];
  }
}
