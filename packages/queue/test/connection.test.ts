import { inspect } from "node:util";
import { expect, test } from "vitest";
import { plainError } from "../src/connection.ts";
import { consume, migrateQueue, openQueue } from "../src/index.ts";
import { redisLocation } from "./harness.ts";

const options = { name: "test", onError: () => {} };

test.each([
  ["redis://:s3cret@[bad", "the queue's Redis URL has a mistake in its address"],
  ["http://:s3cret@redis:6379", "the queue's Redis URL must begin with redis://"],
])("a Redis URL that is none is refused without being quoted: %s", (redisUrl, mistake) => {
  expect(() => openQueue(redisLocation(redisUrl), options)).toThrow(mistake);
  expect(() => openQueue(redisLocation(redisUrl), options)).not.toThrow("s3cret");
  expect(() =>
    consume(redisLocation(redisUrl), async () => ({ kind: "completed" }), {
      ...options,
      concurrency: 1,
      isRetryable: () => false,
      onHandlerError: () => {},
    }),
  ).toThrow(mistake);
});

test("a Postgres URL that is none is refused without being quoted", async () => {
  const databaseUrl = "postgres://me:s3cret@host:port/db";
  expect(() => openQueue({ databaseUrl }, options)).toThrow(
    "the queue's Postgres URL must look like postgres://user:password@host:port/database",
  );
  await expect(migrateQueue(databaseUrl)).rejects.not.toThrow("s3cret");
});

test("an error keeps its name, code and message, and nothing else", () => {
  const refused = Object.assign(new Error("WRONGPASS invalid password"), {
    code: "E",
    command: { name: "hello", args: ["3", "AUTH", "default", "s3cret"] },
  });

  const plain = plainError(refused);

  expect(plain).toMatchObject({ name: "Error", code: "E", message: "WRONGPASS invalid password" });
  expect(inspect(plain, { depth: null, showHidden: true })).not.toContain("s3cret");
});

test("the error of a host that refuses on all its addresses says so", () => {
  const refused = new AggregateError([
    new Error("connect ECONNREFUSED ::1:1"),
    new Error("connect ECONNREFUSED 127.0.0.1:1"),
  ]);
  expect(plainError(refused).message).toBe("connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1");
});
