import { once } from "node:events";
import { Queue, type IQueueBackend } from "bullmq";
import { Redis } from "ioredis";
import { BROUGHT_BY_BACKEND, postgresBackend, redisBackend } from "./backend.ts";
import { KEY_PREFIX, QUEUE_NAME, type JobData } from "./job.ts";
import { checkLocation, type QueueLocation } from "./location.ts";
import { plainError } from "./plain-error.ts";
import { ReconnectingConnection, openPool } from "./postgres.ts";
import { producerOptions } from "./redis.ts";

export type DeliveriesQueue = Queue<JobData, void, string, JobData, void, string, IQueueBackend, unknown>;

/** A connection of those who add jobs and look at the queue. */
export interface Producer {
  readonly backend: "redis" | "postgres";
  readonly queue: DeliveriesQueue;
  /** Resolves once commands can be sent; rejects at once where the server is known to be away. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

export interface ProducerOptions {
  readonly name: string;
  readonly timeoutMs: number;
  readonly onError: (error: Error) => void;
}

export function openProducer(location: QueueLocation, options: ProducerOptions): Producer {
  checkLocation(location);
  return "redisUrl" in location
    ? openOnRedis(location.redisUrl, options)
    : openOnPostgres(location.databaseUrl, options);
}

function openOnRedis(redisUrl: string, { name, timeoutMs, onError }: ProducerOptions): Producer {
  const client = new Redis(redisUrl, producerOptions(name, timeoutMs));
  const firstReady = once(client, "ready");
  let away: Error | undefined;
  // Whoever waits for it hears of it; nobody may be waiting.
  firstReady.catch(() => {});
  client.on("error", (error: unknown) => {
    away = plainError(error);
    onError(away);
  });
  client.on("close", () => (away ??= new Error("the connection was closed")));
  client.on("ready", () => (away = undefined));

  const queue: DeliveriesQueue = new Queue(
    QUEUE_NAME,
    {
      connection: BROUGHT_BY_BACKEND,
      prefix: KEY_PREFIX,
      // The check runs once, when first connected; failing then, it fails every later command.
      skipVersionCheck: true,
    },
    redisBackend(client),
  );
  // What it could say, the client has said.
  queue.on("error", () => {});

  return {
    backend: "redis",
    queue,
    async ready() {
      if (client.status === "ready") return;
      if (away !== undefined) throw new Error(`Redis is away: ${away.message}`);
      await firstReady;
    },
    async close() {
      await queue.close();
      client.disconnect();
    },
  };
}

function openOnPostgres(databaseUrl: string, { name, timeoutMs, onError }: ProducerOptions): Producer {
  const connection = new ReconnectingConnection(openPool(databaseUrl, { name, max: 4, timeoutMs }));
  const queue: DeliveriesQueue = new Queue(
    QUEUE_NAME,
    { connection: BROUGHT_BY_BACKEND },
    postgresBackend(connection),
  );
  queue.on("error", (error) => onError(plainError(error)));

  return {
    backend: "postgres",
    queue,
    ready: () => connection.waitUntilReady(),
    close: () => queue.close(),
  };
}
