import { join } from "node:path";
import { openPool } from "@dossier/store";
import type { Scope } from "@dossier/testing";
import { startPeer } from "../peers/peer.ts";
import type { Servers } from "../servers.ts";
import { SECRET, startService } from "../services.ts";

/** Everything from the webhook to the person's state. */
export interface System {
  readonly port: number;
  /** Of all its processes; ours has the ingest first. */
  readonly pids: readonly (number | undefined)[];
  readonly databaseUrl: string;
  /** Returns how many of these webhooks, which it has accepted since its start, are not settled. */
  countOpen(accepted: number): Promise<number>;
}

/** Starts a system on a database of this name. */
export type StartSystem = (scope: Scope, servers: Servers, database: string) => Promise<System>;

/** Ours: an ingest, and so many workers. */
export function dossier(workers: number): StartSystem {
  return async (scope, { redis, createDatabase }, database) => {
    const databaseUrl = await createDatabase(database, "ours");
    const location = { databaseUrl, redisUrl: redis.url };
    const [ingest, ...others] = await Promise.all([
      startService(scope, "ingest", location),
      ...Array.from({ length: workers }, () => startService(scope, "worker", location)),
    ]);
    const pool = openPool(databaseUrl, { name: "bench", size: 1 });
    scope.onTestFinished(() => pool.end());
    return {
      port: ingest.port,
      pids: [ingest, ...others].map(({ child }) => child.pid),
      databaseUrl,
      async countOpen() {
        const { rows } = await pool.query<{ open: number }>(
          "select count(*)::int as open from open_deliveries",
        );
        return rows[0]?.open ?? 0;
      },
    };
  };
}

/** The smallest system that could do it: no headers, digests, states, or anything that is checked. */
export const limit: StartSystem = async (scope, { redis, createDatabase }, database) => {
  const databaseUrl = await createDatabase(database, "empty");
  const places = { databaseUrl, redisUrl: redis.url, secret: SECRET };
  const ingest = join(import.meta.dirname, "../ingest/peers/group-commit-and-job.ts");
  const hono = await startPeer(scope, ingest, places);
  const worker = await startPeer(scope, join(import.meta.dirname, "limit-worker.ts"), places);
  return {
    port: hono.port,
    pids: [hono.pid, worker.pid],
    databaseUrl,
    countOpen: async (accepted) => accepted - (await worker.settled()),
  };
};

export const expressInline: StartSystem = async (scope, { redis, createDatabase }, database) => {
  const databaseUrl = await createDatabase(database, "empty");
  const places = { databaseUrl, redisUrl: redis.url, secret: SECRET };
  const express = await startPeer(scope, join(import.meta.dirname, "express-inline.ts"), places);
  return {
    port: express.port,
    pids: [express.pid],
    databaseUrl,
    countOpen: async (accepted) => accepted - (await express.settled()),
  };
};

export const expressAndBullmq: StartSystem = async (scope, { redis, createDatabase }, database) => {
  const databaseUrl = await createDatabase(database, "empty");
  const places = { databaseUrl, redisUrl: redis.url, secret: SECRET };
  const express = await startPeer(scope, join(import.meta.dirname, "express-bullmq.ts"), places);
  const worker = await startPeer(scope, join(import.meta.dirname, "../worker/peers/bullmq.ts"), places);
  return {
    port: express.port,
    pids: [express.pid, worker.pid],
    databaseUrl,
    countOpen: async (accepted) => accepted - (await worker.settled()),
  };
};
