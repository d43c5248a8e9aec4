import { execFile } from "node:child_process";
import dns from "node:dns";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { openScope, startPostgres, startProxy, waitFor, type LocalServer } from "@dossier/testing";
import { beforeAll, expect, test, vi } from "vitest";
import {
  closePool,
  isOutage,
  isRetryable,
  mayConcernOneDelivery,
  migrate,
  openPool,
  recordDeliveries,
  settle,
  takeDueDeliveries,
  type Pool,
} from "../../src/index.ts";
import { idsOf, openTransaction, waitForLock } from "../database.ts";
import { delivery, eventBody, openRecord, type TestRecord } from "../fixtures.ts";

// A server of its own, which these tests kill and fill.
let server: LocalServer;
let record: TestRecord;
let admin: Pool;
beforeAll(async () => {
  server = await startPostgres({
    settings: { fsync: "off", max_connections: "20", superuser_reserved_connections: "3" },
  });
  await migrate(server.url);
  const scope = openScope();
  scope.onTestFinished(() => server.stop());
  record = await openRecord(scope, { url: server.url, size: 4 });
  admin = record.pool;
  return scope.close;
});

const SHORT_MS = 300;

/** Returns the error with which work fails. */
async function catchError(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.unreachable("it did not fail"),
    (error: unknown) => error,
  );
}

async function withPool<T>(
  url: string,
  use: (pool: Pool) => Promise<T>,
  given: { size?: number; timeoutMs?: number } = {},
): Promise<T> {
  const pool = openPool(url, { name: "under test", size: 2, timeoutMs: 60_000, ...given });
  try {
    return await use(pool);
  } finally {
    await closePool(pool);
  }
}

const settleIds = (pool: Pool, ids: readonly string[]) => settle(pool, ids, "test");

const LOCK_STREAM = "select from streams where entity_id = $1 for update";

/** Settles a delivery whose stream another transaction has locked, and signals its backend while it waits. */
async function settleAndSignal(entityId: string, signal: string): Promise<unknown> {
  await settleIds(admin, await record.record(eventBody(entityId)));
  const ids = await record.record(eventBody(entityId));
  const holder = await openTransaction(admin, LOCK_STREAM, [entityId]);
  const error = await withPool(server.url, async (pool) => {
    const failed = catchError(settleIds(pool, ids));
    await waitForLock(admin);
    await signalBackends(signal);
    return failed;
  });
  await holder.rollback();
  return error;
}

const signalBackends = (signal: string) =>
  admin.query(`select ${signal}(pid) from pg_stat_activity where application_name = 'under test'`);

/** Settles until it succeeds. Returns the errors before. */
async function settleWithRetries(pool: Pool, ids: readonly string[]): Promise<unknown[]> {
  const errors: unknown[] = [];
  await waitFor(() =>
    settleIds(pool, ids).then(
      () => true,
      (error: unknown) => {
        errors.push(error);
        return false;
      },
    ),
  );
  return errors;
}

test("a backend that is terminated in a transaction is an outage", async () => {
  const error = await settleAndSignal("terminated", "pg_terminate_backend");
  expect(error).toMatchObject({ code: "57P01" });
  expect(isOutage(error)).toBe(true);
});

test("a backend that is terminated between statements is an outage, and does not end the process", async () => {
  await withPool(server.url, async (pool) => {
    const connection = await pool.connect();
    await connection.query("begin");
    const gone = new Promise((resolve) => connection.once("end", resolve));
    await signalBackends("pg_terminate_backend");
    await gone;
    const error = await catchError(connection.query("select 1"));
    connection.release(true);
    expect(isOutage(error)).toBe(true);
    expect((await pool.query("select 1")).rowCount).toBe(1);
  });
});

test("a backend that is terminated while idle is replaced without an error", async () => {
  await withPool(server.url, async (pool) => {
    await pool.query("select 1");
    const removed = new Promise((resolve) => pool.once("remove", resolve));
    await signalBackends("pg_terminate_backend");
    await removed;
    expect((await pool.query("select 1")).rowCount).toBe(1);
  });
});

test("a cancelled statement is an outage", async () => {
  const error = await settleAndSignal("cancelled", "pg_cancel_backend");
  expect(error).toMatchObject({ code: "57014" });
  expect(isOutage(error)).toBe(true);
});

test.for(["lock_timeout", "statement_timeout"])("%s is an outage", async (setting) => {
  await settleIds(admin, await record.record(eventBody(setting)));
  const holder = await openTransaction(admin, LOCK_STREAM, [setting]);
  const error = await withPool(server.url, async (pool) => {
    await pool.query(`set ${setting} = 1`);
    return catchError(pool.query(LOCK_STREAM, [setting]));
  });
  await holder.rollback();
  expect(isOutage(error)).toBe(true);
});

test("a statement that takes too long may concern one delivery; one without a server does not", async () => {
  const tooLong = await withPool(
    server.url,
    async (pool) => {
      // A busy machine may take longer to connect than this pool waits.
      await waitFor(() => pool.query("select 1"));
      return catchError(pool.query("select pg_sleep(600)"));
    },
    { timeoutMs: SHORT_MS },
  );
  const noServer = await withPool("postgres://postgres@127.0.0.1:1/postgres", (pool) =>
    catchError(pool.query("select 1")),
  );
  expect([tooLong, noServer].map(isOutage)).toEqual([true, true]);
  expect([tooLong, noServer].map(mayConcernOneDelivery)).toEqual([true, false]);
});

test("an error of each class that the server's state causes is an outage", async () => {
  for (const code of [
    "0A000",
    "26000",
    "28P01",
    "3F000",
    "42P01",
    "55000",
    "57P05",
    "58030",
    "F0000",
    "XX000",
  ]) {
    const error = await catchError(admin.query(`do $$ begin raise using errcode = '${code}'; end $$`));
    expect(error).toMatchObject({ code });
    expect([isOutage(error), isRetryable(error)]).toEqual([true, true]);
  }
});

test.for(["data_corrupted", "index_corrupted", "internal_error"])(
  "%s is an outage that may concern one delivery",
  async (condition) => {
    const error = await catchError(admin.query(`do $$ begin raise ${condition}; end $$`));
    expect([isOutage(error), mayConcernOneDelivery(error)]).toEqual([true, true]);
  },
);

test("a transaction that was idle for too long is an outage", async () => {
  await withPool(server.url, async (pool) => {
    const connection = await pool.connect();
    await connection.query("set idle_in_transaction_session_timeout = 1");
    const gone = new Promise((resolve) => connection.once("end", resolve));
    await connection.query("begin");
    await gone;
    const error = await catchError(connection.query("select 1"));
    connection.release(true);
    expect(isOutage(error)).toBe(true);
  });
});

test("a deadlock is retryable, and no outage", async () => {
  const locked = (key: number) => `select pg_advisory_xact_lock(${key})`;
  await withPool(server.url, async (pool) => {
    await pool.query("set deadlock_timeout = '10ms'");
    const [one, other] = [await pool.connect(), await pool.connect()];
    for (const connection of [one, other]) await connection.query("begin");
    await one.query(locked(1));
    await other.query(locked(2));
    const rolledBack = async (connection: typeof one, key: number) => {
      try {
        await connection.query(locked(key));
      } finally {
        await connection.query("rollback");
      }
    };
    const results = await Promise.allSettled([rolledBack(one, 2), rolledBack(other, 1)]);
    for (const connection of [one, other]) connection.release();
    const errors = results.flatMap((result) =>
      result.status === "rejected" ? [result.reason as unknown] : [],
    );
    expect(errors).toMatchObject([{ code: "40P01" }]);
    expect(errors.map(isOutage)).toEqual([false]);
    expect(errors.map(isRetryable)).toEqual([true]);
  });
});

test("a serialization failure is retryable, and no outage", async () => {
  await admin.query("create table counter as select 0 as n");
  await withPool(server.url, async (pool) => {
    const connection = await pool.connect();
    await connection.query("begin isolation level repeatable read");
    await connection.query("select n from counter");
    await admin.query("update counter set n = n + 1");
    const error = await catchError(connection.query("update counter set n = n + 1"));
    connection.release(true);
    expect(error).toMatchObject({ code: "40001" });
    expect([isOutage(error), isRetryable(error)]).toEqual([false, true]);
  });
});

test("a server that has become read-only is an outage, and its connections are closed", async () => {
  const ids = await record.record(eventBody("read-only"));
  await withPool(
    server.url,
    async (pool) => {
      const before = (await pool.query<{ pid: number }>("select pg_backend_pid() as pid")).rows[0]?.pid;
      await pool.query("set default_transaction_read_only = on");
      const error = await catchError(settleIds(pool, ids));
      expect(error).toMatchObject({ code: "25006" });
      expect(isOutage(error)).toBe(true);
      // After a failover only a new connection can lead to the server that takes writes.
      expect(idsOf(await settleIds(pool, ids), "applied")).toEqual(ids);
      expect((await pool.query<{ pid: number }>("select pg_backend_pid() as pid")).rows[0]?.pid).not.toBe(
        before,
      );
    },
    { size: 1 },
  );
});

test("too many connections are an outage", async () => {
  const limited = new URL(server.url);
  limited.username = "limited";
  limited.password = "secret";
  await admin.query("create role limited login password 'secret' connection limit 0");
  const error = await withPool(limited.href, (pool) => catchError(pool.query("select 1")));
  expect(error).toMatchObject({ code: "53300" });
  expect(isOutage(error)).toBe(true);
});

test("a pool that has no free connection in time is an outage", async () => {
  await withPool(
    server.url,
    async (pool) => {
      const held = await pool.connect();
      // Short for the wait for a free connection, and not for making the first one.
      pool.options.connectionTimeoutMillis = SHORT_MS;
      const error = await catchError(settleIds(pool, ["01890000-0000-7000-8000-000000000000"]));
      held.release();
      expect(isOutage(error)).toBe(true);
    },
    { size: 1 },
  );
});

test.for([
  ["a database that does not exist (yet)", "/nowhere", "postgres"],
  ["a role that does not exist (yet)", "/postgres", "nobody"],
  ["a database without tables, as a migration has not run,", "/template1", "postgres"],
])("%s is an outage", async ([, pathname, username]) => {
  const url = new URL(server.url);
  Object.assign(url, { pathname, username });
  expect(isOutage(await withPool(url.href, (pool) => catchError(takeDueDeliveries(pool, 1))))).toBe(true);
});

test("a name that does not resolve, and a port without a listener, are outages", async () => {
  for (const url of [
    "postgres://postgres@db.invalid:5432/postgres",
    "postgres://postgres@127.0.0.1:1/postgres",
  ]) {
    expect(isOutage(await withPool(url, (pool) => catchError(takeDueDeliveries(pool, 1))))).toBe(true);
  }
});

test("a host with several addresses, all without a listener, is an outage", async (context) => {
  const everyAddress = vi.spyOn(dns, "lookup").mockImplementation(((
    _host: string,
    _options: object,
    found: (error: null, addresses: dns.LookupAddress[]) => void,
  ) => {
    const addresses = ["127.0.0.2", "127.0.0.3"].map((address) => ({ address, family: 4 }));
    process.nextTick(found, null, addresses);
  }) as typeof dns.lookup);
  context.onTestFinished(() => everyAddress.mockRestore());
  const url = "postgres://postgres@several.test:1/postgres";
  const error = await withPool(url, (pool) => catchError(takeDueDeliveries(pool, 1)));
  expect(error).toBeInstanceOf(AggregateError);
  expect(isOutage(error)).toBe(true);
});

test.for([
  ["ends the connection during the handshake", "S", "", "before secure TLS connection was established"],
  ["answers the handshake without TLS", "S", "HTTP/1.1 400 Bad Request\r\n\r\n", "wrong version number"],
  ["does not answer the request for TLS", "E", "", "error establishing an SSL connection"],
  ["does not speak TLS (yet)", "N", "", "does not support SSL connections"],
] as const)("a TLS peer that %s is an outage", async ([, answer, toHello, message], context) => {
  const peer = createServer((socket) => {
    // The request for TLS; then, if the answer allows it, the hello.
    socket.once("data", () => {
      socket.write(answer);
      socket.once("data", () => socket.end(toHello));
    });
    socket.on("error", () => undefined);
  });
  await once(peer.listen(0, "127.0.0.1"), "listening");
  context.onTestFinished(() => void peer.close());
  const { port } = peer.address() as AddressInfo;
  const url = `postgres://postgres@127.0.0.1:${port}/postgres?sslmode=no-verify`;
  const error = await withPool(url, (pool) => catchError(takeDueDeliveries(pool, 1)));
  expect(error).toMatchObject({ message: expect.stringContaining(message) });
  expect(isOutage(error)).toBe(true);
});

test.for([{ kind: "half-open" }, { kind: "black-hole" }] as const)(
  "a $kind connection is an outage after the timeout; restored, the same pool works",
  async (fault) => {
    const proxy = await startProxy({ target: server.url });
    await withPool(
      proxy.url,
      async (pool) => {
        const ids = await record.record(eventBody(fault.kind));
        // A busy machine may take longer to connect than this pool waits.
        await waitFor(() => pool.query("select 1"));
        proxy.apply(fault);
        // First an existing connection, then also a new one.
        for (const size of [1, 2]) {
          const errors = await Promise.all(
            Array.from({ length: size }, () => catchError(settleIds(pool, ids))),
          );
          expect(errors.map(isOutage)).toEqual(Array(size).fill(true));
        }
        proxy.restore();
        // Server and client may still detect connections that were lost.
        const errors = await settleWithRetries(pool, ids);
        expect(errors.filter((error) => !isOutage(error))).toEqual([]);
      },
      { timeoutMs: SHORT_MS },
    );
    await proxy.close();
  },
);

test("a connection that is reset is an outage", async () => {
  const proxy = await startProxy({ target: server.url });
  await withPool(proxy.url, async (pool) => {
    const ids = await record.record(eventBody("reset"));
    proxy.apply({ kind: "cut" });
    for (let i = 0; i < 3; i++) expect(isOutage(await catchError(settleIds(pool, ids)))).toBe(true);
    proxy.restore();
    expect(idsOf(await settleIds(pool, ids), "applied")).toEqual(ids);
  });
  await proxy.close();
});

test("a server that is killed, starts again and recovers is an outage, until the same pool works", async () => {
  await withPool(server.url, async (pool) => {
    const ids = await record.record(eventBody("killed"));
    const errors: unknown[] = [];
    const failed = catchError(pool.query("select pg_sleep(600)"));
    await server.kill();
    errors.push(await failed, await catchError(settleIds(pool, ids)));
    const started = server.restart();
    errors.push(...(await settleWithRetries(pool, ids)));
    await started;
    expect(errors.filter((error) => !isOutage(error))).toEqual([]);
  });
});

test("a server that is shut down cleanly is an outage", async () => {
  await withPool(server.url, async (pool) => {
    const failed = catchError(pool.query("select pg_sleep(600)"));
    await server.restart();
    expect(isOutage(await failed)).toBe(true);
    expect((await pool.query("select 1")).rowCount).toBe(1);
  });
});

test("a full disk is an outage, and the failed transaction leaves nothing", async (context) => {
  const dir = await mkdtemp(join(tmpdir(), "dossier-full-"));
  const run = promisify(execFile);
  const mounted = await run("mount", ["-t", "tmpfs", "-o", "size=1m,mode=777", "tmpfs", dir]).then(
    () => true,
    () => false,
  );
  if (!mounted) {
    await rm(dir, { recursive: true });
    context.skip("a small disk cannot be made here: mounting a tmpfs needs root");
  }
  try {
    await run("chown", ["postgres", dir]);
    await admin.query(`create tablespace small location '${dir}'`);
    await admin.query("create database full_disk tablespace pg_default");
    const url = server.url.replace(/postgres$/, "full_disk");
    await migrate(url);
    await withPool(url, async (pool) => {
      await pool.query("alter table deliveries set tablespace small");
      const body = Buffer.alloc(100_000, "0123456789abcdefghijklmnopqrstuvwxyz");
      await pool.query("alter table deliveries alter column body set storage external");
      const recorded: string[] = [];
      const error = await catchError(
        (async () => {
          for (;;) {
            const next = delivery(body);
            await recordDeliveries(pool, [next]);
            recorded.push(next.deliveryId);
          }
        })(),
      );
      expect(error).toMatchObject({ code: "53100" });
      expect(isOutage(error)).toBe(true);
      const { rows } = await pool.query<{ delivery_id: string }>("select delivery_id from open_deliveries");
      expect(rows.map(({ delivery_id }) => delivery_id).toSorted()).toEqual(recorded.toSorted());
    });
    await admin.query("drop database full_disk with (force)");
    await admin.query("drop tablespace small");
  } finally {
    await run("umount", ["--lazy", dir]);
    await rm(dir, { recursive: true });
  }
});

test.for([
  [
    "a text that is too long for an index",
    "insert into streams select string_agg(md5(n::text), ''), 0, '' from generate_series(1, 1000) n",
    "54000",
  ],
  ["a NUL", "select $1::text", "22021"],
  ["a broken number", "select 'x'::int", "22P02"],
  ["broken JSON", "select 'x'::json", "22P02"],
  ["a number out of range", "select 2147483647 + 1", "22003"],
  ["a division by zero", "select 1 / 0", "22012"],
  ["a second row with one key", "insert into streams values ('twice', 0, ''), ('twice', 0, '')", "23505"],
  ["a null in a column without nulls", "insert into streams values (null, 0, '')", "23502"],
  ["a value that violates a check", "insert into appends values (0, 0, '{}', '')", "23514"],
  ["a change of evidence", "delete from events", "23001"],
  [
    "a row that one statement writes twice",
    "insert into streams values ('a', 0, ''), ('a', 0, '') on conflict (entity_id) do update set seq = 1",
    "21000",
  ],
] as const)("%s is neither an outage nor retryable", async ([, statement, code]) => {
  const error = await catchError(admin.query(statement, code === "22021" ? ["\0"] : []));
  expect(error).toMatchObject({ code });
  expect([isOutage(error), isRetryable(error)]).toEqual([false, false]);
});

test("an error of this program is neither an outage nor retryable", () => {
  for (const error of [
    new TypeError("x is not a function"),
    new RangeError("too deep"),
    "thrown",
    undefined,
    null,
  ]) {
    expect([isOutage(error), isRetryable(error)]).toEqual([false, false]);
  }
});
