import { setTimeout as delay } from "node:timers/promises";
import { needs, startRedisCluster } from "@dossier/testing";
import { expect, test } from "vitest";
import { PREFIX, timeNextJob } from "./idle.ts";
import { eachAppliedOnce, startServices } from "./load.ts";

const BEFORE_THE_FAULT_MS = 3_000;

const FAULTS = [
  ["is killed", "SIGKILL"],
  ["stops answering", "SIGSTOP"],
] as const;

test.for(FAULTS)(
  "a cluster's master %s under load: each delivery is applied, once",
  async ([fault, signal], context) => {
    needs(context, "redisServer");
    const cluster = await startRedisCluster({ masters: 3, replicasPerMaster: 1 });
    context.onTestFinished(() => cluster.stop());
    const services = await startServices(context, cluster.url);
    const master = await cluster.masterOf(services.prefix);
    const sending = services.send();
    await delay(BEFORE_THE_FAULT_MS);

    const faultAt = new Date();
    await master.kill(signal);

    const webhooks = await sending;
    expect(await services.settled()).toEqual(eachAppliedOnce(webhooks));
    await services.printWaits(`a cluster's master ${fault}`, faultAt);
  },
);

test("a cluster's slot moves to another master and back under load: each delivery is applied, once", async (context) => {
  needs(context, "redisServer");
  const cluster = await startRedisCluster({ masters: 3, replicasPerMaster: 1 });
  context.onTestFinished(() => cluster.stop());
  const services = await startServices(context, cluster.url);
  const from = await cluster.masterOf(services.prefix);
  const masters = await Promise.all(["a", "b", "c"].map((key) => cluster.masterOf(key)));
  const to = masters.find((master) => master !== from);
  if (to === undefined) throw new Error("the keys have one master");
  const sending = services.send();
  await delay(BEFORE_THE_FAULT_MS);

  const faultAt = new Date();
  await cluster.moveSlot(services.prefix, to);
  await delay(BEFORE_THE_FAULT_MS);
  await cluster.moveSlot(services.prefix, from);

  const webhooks = await sending;
  expect(await services.settled()).toEqual(eachAppliedOnce(webhooks));
  await services.printWaits("a cluster's slot moves", faultAt);
});

test.for(FAULTS)(
  "a cluster's master %s: an idle consumer gets the next job within 30 s",
  async ([, signal], context) => {
    needs(context, "redisServer");
    const cluster = await startRedisCluster({ masters: 3, replicasPerMaster: 1 });
    context.onTestFinished(() => cluster.stop());
    const master = await cluster.masterOf(PREFIX);
    expect(await timeNextJob(context, cluster.url, () => master.kill(signal))).toBeLessThan(30_000);
  },
);

test("a cluster's slot moves: an idle consumer gets the next job within 30 s", async (context) => {
  needs(context, "redisServer");
  const cluster = await startRedisCluster({ masters: 3 });
  context.onTestFinished(() => cluster.stop());
  const waitedMs = await timeNextJob(context, cluster.url, async () => {
    const from = await cluster.masterOf(PREFIX);
    const masters = await Promise.all(["a", "b", "c"].map((key) => cluster.masterOf(key)));
    const to = masters.find((master) => master !== from);
    if (to === undefined) throw new Error("the keys have one master");
    await cluster.moveSlot(PREFIX, to);
  });
  expect(waitedMs).toBeLessThan(30_000);
});
