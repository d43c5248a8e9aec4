import { captureLog, waitFor } from "@dossier/testing";
import { expect, test } from "vitest";
import { createEvictionCheck, createLogger } from "../src/index.ts";

test("a server that may remove jobs is told at the start and by each check, and logged once", async () => {
  const output = captureLog();
  const log = createLogger({ service: "test", level: "info", destination: output });
  let policy: string | undefined = "allkeys-lru";
  const check = createEvictionCheck(log, async () => policy);
  await waitFor(() => output.logged("queue-may-evict")[0]);
  await expect(check()).rejects.toThrow("its maxmemory-policy is allkeys-lru");
  expect(output.logged("queue-may-evict")).toHaveLength(1);
  policy = undefined;
  await check();
  expect(output.logged("queue-keeps-jobs")).toHaveLength(1);
});

test("whether a server that does not answer may remove jobs is not logged", async () => {
  const output = captureLog();
  const log = createLogger({ service: "test", level: "info", destination: output });
  const check = createEvictionCheck(log, () => Promise.reject(new Error("no answer")));
  await expect(check()).rejects.toThrow("no answer");
  expect(output.lines()).toEqual([]);
});
