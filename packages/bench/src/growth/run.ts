import { openScope } from "@dossier/testing";
import { startLog } from "../log.ts";
import type { DataOptions } from "../options.ts";
import { withoutWaiting } from "../peers/peer.ts";
import type { Table } from "../result.ts";
import { takeTurns, type Side } from "../rounds.ts";
import { startServers, type Servers } from "../servers.ts";
import { SECRET } from "../services.ts";
import { measureSettling } from "../worker/measure.ts";
import * as ours from "../worker/ours.ts";
import { bodiesOfPersons, mixedBodies } from "./bodies.ts";

const JOB = 40;

interface Case {
  readonly name: string;
  readonly bodies: () => readonly Buffer[];
  /** A server whose database has a log already. Default: an empty database. */
  readonly log?: Servers;
}

/** Measures how fast one worker settles a full queue, while one thing grows. */
export async function run({ data, size, sizes }: DataOptions): Promise<readonly Table[]> {
  await using scope = openScope();
  const count = size("deliveries");
  const cases: Case[] = [];
  for (const stored of sizes("stored"))
    cases.push({
      name: `${stored} webhooks in the log`,
      bodies: () => mixedBodies(count),
      ...(stored > 0 && { log: await startServers(scope, await startLog(scope, data, stored)) }),
    });
  cases.push(
    ...sizes("person").map((each) => ({
      name: `${each} events a person`,
      bodies: () => bodiesOfPersons(Math.max(count, each), each),
    })),
    ...sizes("waiting").map((waiting) => ({
      name: `${waiting} waiting deliveries`,
      bodies: () => mixedBodies(waiting),
    })),
    { name: "10 % out of order", bodies: () => mixedBodies(count, { shuffle: 0.1 }) },
    { name: "30 % redeliveries", bodies: () => mixedBodies(count, { duplicates: 0.3 }) },
    { name: "1 % dead letters", bodies: () => mixedBodies(count, { deadLetters: true }) },
  );
  const empty = await startServers(scope);
  const sides = cases.map((one): Side => ({
    keys: [one.name],
    measure: () => measure(one, empty, size("seconds")),
  }));
  const rows = await takeTurns(sides, size("rounds"));
  return [
    {
      title: "A full queue, settled by one worker",
      keys: ["case"],
      rows,
      plot: "µs CPU a webhook",
    },
  ];
}

async function measure(
  { bodies, log }: Case,
  empty: Servers,
  seconds: number,
): Promise<Readonly<Record<string, number>>> {
  await using scope = openScope();
  const { postgres, redis, createDatabase, clearRedis } = log ?? empty;
  await clearRedis();
  const databaseUrl = log === undefined ? await createDatabase("growth", "ours") : postgres.url;
  const places = { databaseUrl, redisUrl: redis.url, secret: SECRET };
  const waiting = bodies();
  await ours.fill(withoutWaiting(places), waiting, JOB);
  const worker = await ours.start(scope, places);
  return await measureSettling(worker, { postgres: postgres.pid, redis: redis.pid }, waiting.length, seconds);
}
