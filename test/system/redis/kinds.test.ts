/** What the queue makes of a Redis Cluster, of Sentinels, and of a URL for another kind of Redis. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  COMPLETED,
  createHarness,
  enqueueEventually,
  manualHandler,
  redisLocation,
  waitUntilReady,
} from "@dossier/queue/harness";
import { needs, startRedis, startRedisCluster, startRedisSentinels, waitFor } from "@dossier/testing";
import { expect, test } from "vitest";
import { share } from "./share.ts";

const sharedCluster = share(() => startRedisCluster({ masters: 3 }));
const sharedSentinels = share(() =>
  startRedisSentinels({ count: 1, password: "s3cret%one", sentinelPassword: "s3cret&two" }),
);

test("jobs go through Sentinels that have a password of their own, to the master that they name", async (context) => {
  const { url } = await sharedSentinels(context);
  const { open, consume } = createHarness(context, redisLocation(url));
  const queue = open();
  const jobs = manualHandler();
  const consumer = consume(jobs.handle);
  const deliveryIds = [randomUUID()];

  await queue.enqueue(deliveryIds);

  const job = await jobs.next();
  expect(job.deliveryIds).toEqual(deliveryIds);
  job.end(COMPLETED);
  await waitUntilReady(consumer);
});

test("a master that the Sentinels do not know, and a wrong password, are reported without the password", async (context) => {
  const { url } = await sharedSentinels(context);
  for (const [wrong, reason] of [
    [url.replace("/main", "/other"), "No such master"],
    [url.replace("one@", "other@"), "WRONGPASS"],
    [url.replace(/two$/, "other"), "WRONGPASS"],
  ] as const) {
    const { open, errors } = createHarness(context, redisLocation(wrong));
    const queue = open();
    await waitFor(
      () => errors.map(({ message }) => message).join(),
      (messages) => expect(messages).toContain(reason),
    );
    await expect(queue.counts()).rejects.toThrow("Redis is unavailable");
    expect(errors.join()).not.toContain("s3cret");
  }
});

test("a cluster's user needs the rights of users.acl and those to ask for the cluster's nodes", async (context) => {
  const cluster = await sharedCluster(context);
  const [, rules = ""] = /PASSWORD_SHA256\n([^]+)/.exec(readFileSync("deploy/redis/users.acl", "utf8")) ?? [];
  const rights = [...rules.trim().split(/\s+/), "+cluster|slots", "+cluster|info"];
  for (const node of cluster.nodes)
    await cluster.cli(node, "ACL", "SETUSER", "dossier", "on", ">s3cret", ...rights);
  const url = cluster.url.replace("://", "://dossier:s3cret@");
  const { open, consume, errors } = createHarness(context, redisLocation(url, randomUUID()));
  const jobs = manualHandler();
  consume(jobs.handle);
  const deliveryIds = [randomUUID()];
  await open().enqueue(deliveryIds);
  const job = await jobs.next();
  expect(job.deliveryIds).toEqual(deliveryIds);
  job.end(COMPLETED);
  expect(errors).toEqual([]);
});

test("a plain URL of a cluster's node or of a Sentinel is refused, with the URL to use", async (context) => {
  const [cluster, { url }] = await Promise.all([sharedCluster(context), sharedSentinels(context)]);
  const sentinel = url.replace(/^redis\+sentinel:\/\/.*@(.*)\/main.*$/, "redis://:s3cret%26two@$1");
  for (const [wrong, scheme] of [
    ...cluster.nodes.map((node) => [node.url, "redis+cluster://"] as const),
    [sentinel, "redis+sentinel://"] as const,
  ]) {
    const { open, consume } = createHarness(context, redisLocation(wrong));
    const consumer = consume(async () => COMPLETED);
    await expect(open().enqueue([randomUUID()])).rejects.toThrow(`must begin with ${scheme}`);
    await waitFor(
      () => consumer.checkReady().catch((error: Error) => error.message),
      (message) => expect(message).toContain(`must begin with ${scheme}`),
    );
  }
});

test("a cluster's URL of a server without a cluster is refused, with the server's reason", async (context) => {
  needs(context, "redisServer");
  const server = await startRedis();
  context.onTestFinished(() => server.stop());
  const { open } = createHarness(context, redisLocation(server.url.replace("redis:", "redis+cluster:")));
  await expect(open().enqueue([randomUUID()])).rejects.toThrow("cluster support disabled");
});

test("one master of a cluster that may remove jobs is enough to report it", async (context) => {
  const cluster = await sharedCluster(context);
  const queue = createHarness(context, redisLocation(cluster.url)).open();
  const keys = await cluster.masterOf("{dossier:test}");
  const other = cluster.nodes.find((node) => node !== keys)!;
  expect(await queue.findEviction()).toBeUndefined();

  await cluster.cli(other, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru");

  expect(await queue.findEviction()).toBe("allkeys-lru");
  await cluster.cli(other, "CONFIG", "SET", "maxmemory-policy", "noeviction");
  expect(await queue.findEviction()).toBeUndefined();
});

test("jobs go on while their slot moves to another master", async (context) => {
  const cluster = await sharedCluster(context);
  const { open, consume } = createHarness(context, redisLocation(cluster.url));
  const queue = open();
  const jobs = manualHandler();
  consume(jobs.handle, { concurrency: 1 });
  const [first, second] = [[randomUUID()], [randomUUID()]];
  await queue.enqueue(first);
  const inFlight = await jobs.next();
  await queue.enqueue(second);
  const from = await cluster.masterOf("{dossier:test}");
  const to = cluster.nodes.find((node) => node !== from)!;

  await cluster.moveSlot("{dossier:test}", to);

  inFlight.end(COMPLETED);
  const job = await jobs.next();
  expect(job.deliveryIds).toEqual(second);
  job.end(COMPLETED);
  await enqueueEventually(queue, [randomUUID()]);
  (await jobs.next()).end(COMPLETED);
  expect(await cluster.masterOf("{dossier:test}", from)).toBe(to);
});
