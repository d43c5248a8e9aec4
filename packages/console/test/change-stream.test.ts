import type { Change } from "@dossier/store";
import { expect, test } from "vitest";
import { changeStream } from "../src/api/change-stream.ts";

const NEVER = new AbortController().signal;

const change = (position: bigint): Change => ({
  kind: "earlier-time",
  position,
  entityId: "e",
  event: "NaturalPersonPending",
  id: "1",
  creationTimeUtc: "2026-01-01T00:00:00.0000000Z",
  receivedAt: "2026-01-01T00:00:00.0000000Z",
  deliveryId: "d",
});

/** A stream over a feed of so many changes, in pages of one, and what it asked of the feed. */
function streamOf(length: number, { fails = false } = {}) {
  const asked: string[] = [];
  const broken: unknown[] = [];
  const page = (after: bigint) =>
    after < length ? { changes: [change(after + 1n)], next: after + 1n } : { changes: [], next: after };
  const response = changeStream({
    first: page(0n),
    async read(after) {
      asked.push(`read after ${after}`);
      if (fails) throw new Error("the feed broke");
      return page(after);
    },
    watch: {
      waitBeyond(position) {
        asked.push(`wait beyond ${position}`);
        return new Promise<boolean>(() => undefined);
      },
    },
    ended: [NEVER],
    heartbeatSeconds: 15,
    onBroken: (error) => broken.push(error),
  });
  const body = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  return { asked, broken, body, next: async () => new TextDecoder().decode((await body.read()).value) };
}

test("a stream catches up without waiting, and waits once it has", async () => {
  const { asked, body, next } = streamOf(3);
  for (let n = 1; n <= 3; n++) expect(await next()).toMatch(new RegExp(`^id: ${n}\n`));
  void body.read();
  await expect.poll(() => asked).toEqual(["read after 1", "read after 2", "read after 3", "wait beyond 3"]);
});

test("a stream reads nothing before its client has taken what was read", async () => {
  const { asked, next } = streamOf(9);
  await next();
  expect(asked).toEqual([]);
  await next();
  expect(asked).toEqual(["read after 1"]);
});

test("a stream whose feed breaks ends after a whole event, and says why", async () => {
  const { broken, body, next } = streamOf(9, { fails: true });
  expect(await next()).toMatch(/\n\n$/);
  expect(await body.read()).toMatchObject({ done: true });
  expect(broken).toMatchObject([{ message: "the feed broke" }]);
});
