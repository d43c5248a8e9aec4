import type { LocalServer } from "@dossier/embedded";
import { openPool } from "@dossier/store";
import { openScope, type Scope } from "@dossier/testing";
import { bodiesOfPersons, mixedBodies } from "../bodies.ts";
import { recordAndSettle, startLog } from "../log.ts";
import type { DataOptions } from "../options.ts";
import { withoutWaiting } from "../peers/peer.ts";
import { formatNumber, type Table } from "../result.ts";
import { takeTurns, type Side } from "../rounds.ts";
import { startServers, type Servers } from "../servers.ts";
import { SECRET } from "../services.ts";
import { measureSettling } from "../worker/measure.ts";
import * as ours from "../worker/ours.ts";
import { enqueueBacklog, startBacklog } from "./backlog.ts";
import { measureInTurns, type Turns } from "./in-turns.ts";
import { measureIngest } from "./ingest.ts";

const JOB = 40;

/** More waiting deliveries are kept in the folder for data. */
const LARGE_BACKLOG = 100_000;

/** Settled before a log is measured, as a start leaves Postgres' own buffers empty. */
const WARM_UP = 100_000;

/** Webhooks of one person, one after the other. */
const ALONE = 300;

interface Case {
  readonly name: string;
  readonly bodies: () => Iterable<Buffer>;
  /** How many bodies there are. */
  readonly count: number;
  /** A server whose database has a log or a backlog already. Default: an empty database. */
  readonly kept?: Servers;
}

/** Measures what a webhook costs ingest and one worker, while one thing grows. */
export async function run({ data, size, sizes }: DataOptions): Promise<readonly Table[]> {
  await using scope = openScope();
  const count = size("deliveries");
  const empty = await startServers(scope);
  const sides: Side[] = [];
  const aloneSides: Side[] = [];
  const ingestSides: Side[] = [];
  const settling = (one: Case): Side => ({
    keys: [one.name],
    measure: () => measure(one, empty, size("seconds")),
  });

  for (const stored of sizes("stored")) {
    const kept =
      stored === 0 ? undefined : await startServers(scope, await startWarmLog(scope, data, stored));
    sides.push(
      settling({
        name: `${formatNumber(stored)} webhooks in the log`,
        bodies: () => mixedBodies(count),
        count,
        ...(kept && { kept }),
      }),
    );
    ingestSides.push({
      keys: [`${formatNumber(stored)} webhooks in the log`],
      measure: () => measureIngest(kept ?? empty, kept === undefined, size("seconds")),
    });
  }
  const inTurns = (name: string, turns: () => Omit<Turns, "seconds">): Side => ({
    keys: [name],
    measure: () => measureInTurns(empty, { ...turns(), seconds: size("seconds") }),
  });
  for (const each of sizes("person")) {
    const all = Math.max(count, each);
    sides.push(
      settling({
        name: `${eventsOf(each)} a person`,
        bodies: () => bodiesOfPersons(all, each),
        count: all,
      }),
    );
  }
  for (const each of sizes("person"))
    aloneSides.push(
      inTurns(`${eventsOf(each)} of one person`, () => {
        const bodies = bodiesOfPersons(each + ALONE, each + ALONE);
        return { stored: bodies.slice(0, each), bodies: bodies.slice(each), count: ALONE, waiting: 1 };
      }),
    );
  for (const waiting of sizes("waiting")) {
    const name = `${formatNumber(waiting)} waiting deliveries`;
    if (waiting < JOB) sides.push(inTurns(name, () => ({ bodies: mixedBodies(count), count, waiting })));
    else if (waiting < LARGE_BACKLOG)
      sides.push(settling({ name, bodies: () => mixedBodies(waiting), count: waiting }));
    else {
      const kept = await startServers(scope, await startBacklog(scope, data, waiting));
      sides.push({ keys: [name], measure: () => measureBacklog(kept, waiting, size("seconds")) });
    }
  }
  const disorder = (name: string, options: Parameters<typeof mixedBodies>[1]) =>
    settling({ name, bodies: () => mixedBodies(count, options), count });
  sides.push(
    disorder("10 % change places", { shuffle: 0.1 }),
    disorder("30 % redeliveries", { duplicates: 0.3 }),
    disorder("1 % dead letters", { deadLetters: true }),
  );
  return [
    {
      title: "Webhooks settled by one worker",
      keys: ["case"],
      rows: await takeTurns(sides, size("rounds")),
      bars: ["µs CPU a webhook", "µs CPU, Postgres"],
    },
    {
      title: "Webhooks of one person, one by one",
      keys: ["case"],
      rows: await takeTurns(aloneSides, size("rounds")),
      bars: ["µs CPU a webhook", "µs CPU, Postgres"],
    },
    {
      title: "Webhooks accepted by one process",
      keys: ["case"],
      rows: await takeTurns(ingestSides, size("rounds")),
      bars: ["µs CPU a webhook"],
    },
  ];
}

const eventsOf = (count: number) => (count === 1 ? "1 event" : `${formatNumber(count)} events`);

/**
 * Starts a Postgres that has run for a while: Linux has read all files of the log, and webhooks of new persons have been
 * settled since the start and its checkpoint.
 */
async function startWarmLog(scope: Scope, data: string, stored: number): Promise<LocalServer> {
  const postgres = await startLog(scope, data, stored);
  const pool = openPool(postgres.url, { name: "bench", size: 4, timeoutMs: 600_000 });
  await pool.query("create extension if not exists pg_prewarm");
  await pool.query(
    "select pg_prewarm(oid, 'read') from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'i')",
  );
  await recordAndSettle(pool, mixedBodies(Math.min(stored, WARM_UP)), () => undefined);
  await pool.end();
  return postgres;
}

async function measure(
  { bodies, count, kept }: Case,
  empty: Servers,
  seconds: number,
): Promise<Readonly<Record<string, number>>> {
  await using scope = openScope();
  const { postgres, redis, createDatabase, clearRedis } = kept ?? empty;
  await clearRedis();
  const databaseUrl = kept === undefined ? await createDatabase("growth", "ours") : postgres.url;
  const places = { databaseUrl, redisUrl: redis.url, secret: SECRET };
  await ours.fill(withoutWaiting(places), bodies(), JOB);
  const worker = await ours.start(scope, places);
  return await measureSettling(worker, { postgres: postgres.pid, redis: redis.pid }, count, seconds);
}

async function measureBacklog(
  { postgres, redis, clearRedis }: Servers,
  waiting: number,
  seconds: number,
): Promise<Readonly<Record<string, number>>> {
  await using scope = openScope();
  await clearRedis();
  const places = { databaseUrl: postgres.url, redisUrl: redis.url, secret: SECRET };
  await enqueueBacklog(withoutWaiting(places), waiting, JOB);
  const worker = await ours.start(scope, places);
  const processes = { postgres: postgres.pid, redis: redis.pid };
  return await measureSettling(worker, processes, Math.min(waiting, ours.COUNTED), seconds);
}
