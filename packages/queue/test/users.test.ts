/** What the users of deploy/redis may do: what the queue needs, and nothing else. */
import { randomUUID } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { needs, startRedisOfProduction, waitFor } from "@dossier/testing";
import { Redis } from "ioredis";
import { expect, test, type TestContext } from "vitest";
import {
  COMPLETED,
  createHarness,
  manualHandler,
  redisLocation,
  waitForCounts,
  waitForState,
} from "./harness.ts";

const FILE = join(import.meta.dirname, "../../../deploy/redis/users.acl");
const ALLOWED = new Set([...readFileSync(FILE, "utf8").matchAll(/ \+(\w+)/g)].map(([, name]) => name));

async function startServer(context: TestContext) {
  needs(context, "redisServer");
  const server = await startRedisOfProduction();
  context.onTestFinished(() => server.stop());
  const client = new Redis(server.url, { disableClientInfo: true, lazyConnect: true });
  context.onTestFinished(() => client.disconnect());
  return { url: server.url, client };
}

test("the queue does all that it does as this user, and nothing is refused", async (context) => {
  const { url, client } = await startServer(context);
  const { open, consume, errors, handlerErrors } = createHarness(context, redisLocation(url));
  const queue = open();
  const jobs = manualHandler();
  const [settled, fails] = [randomUUID(), randomUUID()];

  await queue.enqueue([settled]);
  const bullmq = await queue.bullmq();
  await bullmq.pause();
  await bullmq.setGlobalConcurrency(1);
  await bullmq.setGlobalRateLimit(1, 60_000);
  expect(await queue.removeLimits()).toEqual(["paused", "concurrency", "rate-limit"]);
  const consumer = consume(jobs.handle, { stalledIntervalMs: 100 });
  (await jobs.next()).end({ kind: "retry", error: "not yet", delayMs: 1 });
  (await jobs.next()).end(COMPLETED);
  await queue.enqueueSingle(fails, { delayMs: 1 });
  (await jobs.next()).end({ kind: "failed", error: "no such person" });
  await waitForState(queue, fails, "failed");
  expect(await queue.failedJobs(5)).toMatchObject([{ deliveryIds: [fails] }]);
  await queue.replaceSingles([fails]);
  (await jobs.next()).end(COMPLETED);
  await waitForCounts(queue, { completed: 2 });
  await queue.remove([fails]);
  expect(await queue.findEviction()).toBe(undefined);
  await consumer.checkReady();
  expect(await consumer.close(10_000)).toBe(true);

  expect(errors).toEqual([]);
  expect(handlerErrors).toEqual([]);
  expect(await client.info("errorstats")).not.toContain("NOPERM");
});

test("this user may not empty or change the server, look around, or touch other keys", async (context) => {
  const { client } = await startServer(context);
  const commands = [
    ["FLUSHALL"],
    ["FLUSHDB"],
    ["KEYS", "*"],
    ["SCAN", "0"],
    ["CONFIG", "SET", "maxmemory", "1"],
    ["CONFIG", "GET", "*"],
    ["ACL", "LIST"],
    ["CLIENT", "KILL", "TYPE", "normal"],
    ["SCRIPT", "FLUSH"],
    ["FUNCTION", "LIST"],
    ["MONITOR"],
    ["SAVE"],
    ["SHUTDOWN", "NOSAVE"],
    ["REPLICAOF", "127.0.0.1", "1"],
    ["PUBLISH", "channel", "message"],
    ["GET", "of-another-application"],
    ["EVAL", "return redis.call('GET', 'of-another-application')", "0"],
    ["EVAL", "return redis.call('FLUSHALL')", "0"],
  ] as const;
  for (const [command, ...args] of commands) {
    const answer = await client.call(command, ...args).catch((error: Error) => error.message);
    expect([command, ...args, answer]).toEqual([
      command,
      ...args,
      expect.stringMatching(/NOPERM|can't (run|access)/),
    ]);
  }
  expect(await client.ping()).toBe("PONG");
});

test("nobody else is let in: neither without a password nor with a wrong one", async (context) => {
  const { url, client } = await startServer(context);
  expect(await client.ping()).toBe("PONG");
  for (const [wrong, reason] of [
    [url.replace(/\/\/.*@/, "//"), "NOAUTH"],
    [url.replace(/:[^:]*@/, ":wrong@"), "WRONGPASS"],
  ] as const) {
    const { open, errors } = createHarness(context, redisLocation(wrong));
    await expect(open({ timeoutMs: 500 }).counts()).rejects.toThrow(/\w/);
    await waitFor(
      () => errors.join(),
      (text) => expect(text).toContain(reason),
    );
  }
});

/** Those of BullMQ's scripts that a queue and a worker run; also what only rare branches of them call must be allowed. */
const SCRIPTS = [
  ...["addStandardJob", "addDelayedJob", "extendLocks", "getCounts", "getRanges", "getState", "getStateV2"],
  ...["isMaxed", "moveStalledJobsToWait", "moveToActive", "moveToDelayed", "moveToFinished", "pause"],
  ...["promote", "releaseLock", "removeJob", "retryJob"],
];

test("each command of the scripts of BullMQ that the queue runs is allowed", () => {
  const folder = join(fileURLToPath(import.meta.resolve("bullmq")), "..", "scripts");
  for (const script of SCRIPTS) {
    const [file = ""] = globSync(`${script}-*.js`, { cwd: folder });
    const calls = readFileSync(join(folder, file), "utf8").matchAll(/\br?call\("(\w+)"/gi);
    const commands = [...calls].map(([, command = ""]) => command.toLowerCase());
    expect(commands.length).toBeGreaterThan(0);
    expect([script, ...commands.filter((command) => !ALLOWED.has(command))]).toEqual([script]);
  }
});
