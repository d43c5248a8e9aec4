import type { Change } from "@dossier/store";
import { waitFor } from "@dossier/testing";
import { expect, test } from "vitest";
import { changeStream } from "../src/api/change-stream.ts";

function changeAt(position: bigint): Change {
  return {
    kind: "earlier-time",
    position,
    entityId: "e",
    event: "NaturalPersonPending",
    id: "1",
    creationTimeUtc: "2026-01-01T00:00:00.0000000Z",
    receivedAt: "2026-01-01T00:00:00.0000000Z",
    deliveryId: "d",
  };
}

/** Opens a stream over a feed of `length` changes, in pages of one, and notes what it asks of the feed. */
function openStream(length: number, { fails = false } = {}) {
  const calls: string[] = [];
  const errors: unknown[] = [];
  const pageAfter = (after: bigint) =>
    after < length ? { changes: [changeAt(after + 1n)], next: after + 1n } : { changes: [], next: after };
  const response = changeStream({
    firstPage: pageAfter(0n),
    async readPage(after) {
      calls.push(`read after ${after}`);
      if (fails) throw new Error("the feed failed");
      return pageAfter(after);
    },
    watch: {
      waitBeyond(position) {
        calls.push(`wait beyond ${position}`);
        return new Promise<boolean>(() => undefined);
      },
    },
    endSignals: [new AbortController().signal],
    heartbeatSeconds: 15,
    onError: (error) => errors.push(error),
  });
  const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const readText = async () => new TextDecoder().decode((await reader.read()).value);
  return { calls, errors, reader, readText };
}

test("a stream catches up without waiting, and then waits", async () => {
  const { calls, reader, readText } = openStream(3);
  for (let n = 1; n <= 3; n++) expect(await readText()).toMatch(new RegExp(`^id: ${n}\n`));
  void reader.read();
  await waitFor(() => calls.includes("wait beyond 3"));
  expect(calls).toEqual(["read after 1", "read after 2", "read after 3", "wait beyond 3"]);
});

test("a stream reads a page only after its client has taken the page before it", async () => {
  const { calls, readText } = openStream(9);
  await readText();
  expect(calls).toEqual([]);
  await readText();
  expect(calls).toEqual(["read after 1"]);
});

test("a stream whose feed fails ends after a whole event, and reports the error", async () => {
  const { errors, reader, readText } = openStream(9, { fails: true });
  expect(await readText()).toMatch(/\n\n$/);
  expect(await reader.read()).toMatchObject({ done: true });
  expect(errors).toMatchObject([{ message: "the feed failed" }]);
});
