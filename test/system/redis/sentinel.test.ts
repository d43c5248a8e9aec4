import { setTimeout as delay } from "node:timers/promises";
import { needs, startRedisSentinels } from "@dossier/testing";
import { expect, test } from "vitest";
import { timeNextJob } from "./idle.ts";
import { eachAppliedOnce, startServices } from "./load.ts";

const FAULTS = [
  ["is killed", "SIGKILL"],
  ["stops answering", "SIGSTOP"],
] as const;

test.for(FAULTS)(
  "the Sentinels' master %s under load: each delivery is applied, once",
  async ([fault, signal], context) => {
    needs(context, "redisServer");
    const redis = await startRedisSentinels({ count: 3, password: "s3cret", sentinelPassword: "an0ther" });
    context.onTestFinished(() => redis.stop());
    const services = await startServices(context, redis.url);
    const sending = services.send();
    await delay(3_000);

    const faultAt = new Date();
    await redis.master.kill(signal);

    const webhooks = await sending;
    expect(await services.settled()).toEqual(eachAppliedOnce(webhooks));
    await services.printWaits(`the Sentinels' master ${fault}`, faultAt);
  },
);

test.for(FAULTS)(
  "the Sentinels' master %s: an idle consumer gets the next job within 30 s",
  async ([, signal], context) => {
    needs(context, "redisServer");
    const redis = await startRedisSentinels({ count: 3 });
    context.onTestFinished(() => redis.stop());
    expect(await timeNextJob(context, redis.url, () => redis.master.kill(signal))).toBeLessThan(30_000);
  },
);
