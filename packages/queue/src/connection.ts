import type { BackendFactory, IQueueBackend } from "bullmq";
import type { ClientConfig } from "pg";
import { keyPrefix } from "./job.ts";
import { redisUrlMistake } from "./redis-url.ts";

/**
 * Where the queue is: in Redis, or in the schema `bullmq` of a Postgres database (BullMQ's Postgres backend, which needs
 * no further server and has about a tenth of the throughput).
 */
export type QueueLocation = RedisLocation | { readonly databaseUrl: DatabaseUrl };

/** A URL, or what returns the login of now, which each new connection uses. */
export type DatabaseUrl = string | (() => ClientConfig);

/** A Redis, which several installations may share: their queues have different names. */
export interface RedisLocation {
  /** As `parseRedisUrl` takes it: of a server, a cluster, or Sentinels. */
  readonly redisUrl: string;
  /**
   * Returns the installation's id, which the names of the queue's keys begin with. Called at once, and again at the next
   * call if it rejects: a service may start before its database.
   */
  readonly installationId: () => Promise<string>;
}

/** BullMQ's Postgres backend ignores the prefix: the schema is the installation's own. */
const UNUSED_PREFIX = "dossier";

/** Returns BullMQ's prefix for the keys of a queue. */
export async function readPrefix(location: QueueLocation): Promise<string> {
  if (!("redisUrl" in location)) return UNUSED_PREFIX;
  try {
    return keyPrefix(await location.installationId());
  } catch (error) {
    throw new Error(`the installation's id is not known yet: ${plainError(error).message}`, { cause: error });
  }
}

/** BullMQ on one of the two servers, with its own connection. */
export type Backend = BackendFactory<IQueueBackend, unknown>;

export interface ProducerOptions {
  /** The connection's name in the server's list of clients, such as `dossier-ingest`. */
  readonly name: string;
  /** The longest time that a call takes, in milliseconds. */
  readonly timeoutMs: number;
}

/** A producer's connection to one of the two servers. */
export interface ProducerConnection {
  readonly backend: Backend;
  /** Resolves when commands can be sent; rejects at once if the server is known to be unavailable. */
  ready(): Promise<void>;
  /** Returns what each server does when its memory is full, in Redis' words; nothing for Postgres. */
  evictionPolicies(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** A consumer's connection to one of the two servers. */
export interface ConsumerConnection {
  readonly backend: Backend;
  /** Rejects if the server is known to be of a kind that the queue cannot use. */
  check(): Promise<void>;
  /** Closes what BullMQ has not opened, and so does not close. */
  close(): Promise<void>;
}

/** BullMQ requires this option, but does not use it if it gets a `Backend`. */
export const UNUSED_CONNECTION = "see the backend";

/** Throws if the URL is of another kind. The message does not quote the URL, which may hold a password. */
export function checkLocation(location: QueueLocation): void {
  const problem =
    "redisUrl" in location
      ? problemOf("the queue's Redis URL", redisUrlMistake(location.redisUrl))
      : problemOf("the queue's Postgres URL", postgresUrlMistake(location.databaseUrl));
  if (problem !== undefined) throw new Error(problem);
}

function problemOf(name: string, mistake: string | undefined): string | undefined {
  return mistake && `${name} ${mistake}`;
}

function postgresUrlMistake(databaseUrl: DatabaseUrl): string | undefined {
  if (typeof databaseUrl !== "string") return undefined;
  return ["postgres:", "postgresql:"].includes(URL.parse(databaseUrl)?.protocol ?? "")
    ? undefined
    : "must look like postgres://user:password@host:port/database";
}

/**
 * Returns the error with its name, code and message alone. The errors of ioredis hold the failed command too; for AUTH
 * and HELLO, the password is one of its arguments.
 */
export function plainError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const plain: Error & { code?: unknown } = new Error(messageOf(error));
  plain.name = error.name;
  if ("code" in error) plain.code = error.code;
  return plain;
}

function messageOf(error: Error): string {
  // If every address of a host refuses the connection, the error has no message of its own.
  if (error instanceof AggregateError && error.message === "")
    return error.errors.map((part) => plainError(part).message).join("; ");
  // A cluster's client names the error of the node that it asked last.
  const cause =
    "lastNodeError" in error && error.lastNodeError instanceof Error ? error.lastNodeError : undefined;
  return [error.message || error.name, cause?.message].filter(Boolean).join(" ");
}
