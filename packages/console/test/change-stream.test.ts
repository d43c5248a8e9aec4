import { FEED_START, type Change, type Cursor } from "@dossier/store";
import { waitFor } from "@dossier/testing";
import { expect, test } from "vitest";
import { changeStream, encodePage } from "../src/api/change-stream.ts";

const CHECK = "AAAAAAAAAAA";

function changeAt(position: bigint): Change {
  return {
    kind: "earlier-time",
    position,
    check: CHECK,
    entityId: "e",
    status: "pending",
    event: "NaturalPersonPending",
    id: "1",
    creationTimeUtc: "2026-01-01T00:00:00.0000000Z",
    receivedAt: "2026-01-01T00:00:00.0000000Z",
    deliveryId: "d",
  };
}

/** Opens a stream over a feed of `length` changes, in pages of one, and notes what it asks of the feed. */
function openStream(length: number, { fails = false, skips = false } = {}) {
  const calls: string[] = [];
  const errors: unknown[] = [];
  const pageAfter = (after: Cursor) => {
    if (after.position >= length) return encodePage({ changes: [], next: after }, after, true);
    const next = { position: after.position + 1n, check: CHECK };
    return encodePage({ changes: skips ? [] : [changeAt(next.position)], next }, after, true);
  };
  const response = changeStream({
    firstPage: pageAfter(FEED_START),
    async readPage(after) {
      calls.push(`read after ${after.position}`);
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
  for (let n = 1; n <= 3; n++) expect(await readText()).toMatch(new RegExp(`^id: ${n}.${CHECK}\n`));
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

test("a stream whose filter lets nothing through sends the id of what it has looked at", async () => {
  const { calls, reader, readText } = openStream(2, { skips: true });
  expect(await readText()).toBe(`id: 1.${CHECK}\n\n`);
  expect(await readText()).toBe(`id: 2.${CHECK}\n\n`);
  void reader.read();
  await waitFor(() => calls.includes("wait beyond 2"));
});

test("a stream whose feed fails ends after a whole event, and reports the error", async () => {
  const { errors, reader, readText } = openStream(9, { fails: true });
  expect(await readText()).toMatch(/\n\n$/);
  expect(await reader.read()).toMatchObject({ done: true });
  expect(errors).toMatchObject([{ message: "the feed failed" }]);
});
