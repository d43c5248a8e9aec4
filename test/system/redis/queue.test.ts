/** The queue's contract on the kinds of Redis that need more than one process, and over TLS. */
import { randomUUID } from "node:crypto";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { describeQueue } from "@dossier/queue/contract";
import { createHarness, redisLocation } from "@dossier/queue/harness";
import {
  createCertificate,
  startRedis,
  startRedisCluster,
  startRedisOfProduction,
  startRedisSentinels,
  waitFor,
  type Certificate,
} from "@dossier/testing";
import { beforeAll, expect, test, type TestContext } from "vitest";
import { share } from "./share.ts";

let certificate: Certificate;

beforeAll(async () => {
  certificate = await createCertificate();
  const authorities = getCACertificates("default");
  setDefaultCACertificates([...authorities, certificate.authority]);
  return async () => {
    setDefaultCACertificates(authorities);
    await certificate[Symbol.asyncDispose]();
  };
});

const cluster = share(() => startRedisCluster({ masters: 3 }));
const clusterWithTls = share(() => startRedisCluster({ masters: 3, certificate }));
const sentinelsWithTls = share(() => startRedisSentinels({ count: 1, certificate }));
const serverOfProduction = share(() => startRedisOfProduction());
const serverWithTls = share(() => startRedis({}, certificate));

describeQueue(
  Object.fromEntries(
    Object.entries({
      "a cluster of redis": cluster,
      "a cluster of redis with TLS": clusterWithTls,
      "a master that sentinels of redis name, with TLS": sentinelsWithTls,
      "a server of redis with the users of production": serverOfProduction,
      "a server of redis with TLS": serverWithTls,
    }).map(([name, start]) => [
      name,
      async (context: TestContext) => redisLocation((await start(context)).url, randomUUID()),
    ]),
  ),
);

test("a server whose certificate nobody trusts is refused, with the reason", async (context) => {
  await using untrusted = await createCertificate();
  const server = await startRedis({}, untrusted);
  context.onTestFinished(() => server.stop());
  const { open, errors } = createHarness(context, redisLocation(server.url));
  open();
  await waitFor(
    () => errors.join(),
    (text) => expect(text).toContain("self-signed certificate"),
  );
});
