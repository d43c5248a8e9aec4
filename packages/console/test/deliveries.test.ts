import { randomUUID } from "node:crypto";
import { createToken, recordFailedAttempt } from "@dossier/store";
import { eventBody } from "@dossier/store/fixtures";
import { expect, test } from "vitest";
import { startTestConsole, useConsole } from "./harness.ts";

const shared = useConsole();

test("a person's deliveries are listed page after page, open and dead-lettered ones too", async () => {
  const { get, record, recordAndSettle, recordAndExhaust } = shared();
  const [applied] = await recordAndSettle(eventBody("known"));
  const dead = await recordAndExhaust(eventBody("known", { id: "2" }));
  const [open] = await record(eventBody("known", { id: "3" }));
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const path = `/natural-persons/known/deliveries?limit=2&cursor=${cursor}`;
    const { json }: { json: { items: { deliveryId: string }[]; nextCursor: string | null } } =
      await get(path);
    expect(json).toMatchObject({ openDeliveriesSearched: { searched: 1, all: true } });
    seen.push(...json.items.map(({ deliveryId }) => deliveryId));
    cursor = json.nextCursor;
  }
  expect(seen).toEqual([open, dead, applied]);
  expect((await get("/natural-persons/known/deliveries?status=open")).json.items).toMatchObject([
    { deliveryId: open, event: "NaturalPersonPending", id: "3", open: { attempts: 0, lastError: null } },
  ]);
  expect((await get("/natural-persons/known")).json.deliveries).toMatchObject({ open: 1, deadLettered: 1 });
  expect((await get("/deliveries")).json.errors).toEqual([
    { in: "query", name: "entityId", message: "is required" },
  ]);
});

test("a delivery that was never dead-lettered can be looked up by its id", async () => {
  const { get, recordAndSettle, recordAndExhaust } = shared();
  const [applied] = await recordAndSettle(eventBody("looked up"));
  expect((await get(`/deliveries/${applied}`)).json).toMatchObject({
    status: "applied",
    entityId: "looked up",
    open: null,
    entry: { kind: "event", seq: 1 },
    body: { text: eventBody("looked up").toString() },
  });
  const dead = await recordAndExhaust(eventBody("looked up", { id: "2" }));
  expect((await get(`/deliveries/${dead}`)).json).toEqual((await get(`/dead-letters/${dead}`)).json);
  expect((await get(`/deliveries/${randomUUID()}`)).status).toBe(404);
  expect((await get("/deliveries/1")).status).toBe(400);
});

test("failing deliveries are listed page after page, with attempts and last error", async (context) => {
  const { get, record, pool } = await startTestConsole(context);
  const ids = await record(eventBody("a"), eventBody("b"), eventBody("fine"));
  for (const deliveryId of ids.slice(0, 2))
    await recordFailedAttempt(
      pool,
      { deliveryId, error: "TypeError: x", stack: undefined, codeVersion: "test" },
      [1],
    );
  const first = (await get("/failing-deliveries?limit=1")).json;
  expect(first.items).toMatchObject([
    { deliveryId: ids[0], entityId: "a", attempts: 1, lastError: "TypeError: x", snoozedUntil: null },
  ]);
  const second = (await get(`/failing-deliveries?limit=1&cursor=${first.nextCursor}`)).json;
  expect(second.items).toMatchObject([{ deliveryId: ids[1] }]);
  expect((await get(`/failing-deliveries?limit=1&cursor=${second.nextCursor}`)).json).toEqual({
    items: [],
    nextCursor: null,
  });
});

test("all deliveries are searched, also for a text, which takes an operator", async () => {
  const { post, record, pool } = shared();
  const ids = await record(...["1", "2", "3"].map((id) => eventBody("searched", { id, event: "Searched" })));
  const [marked] = await record(eventBody("searched", { id: "4", data: { message: "needle \u05d0" } }));
  const search = async (body: object, headers = {}) => (await post("/deliveries/search", body, headers)).json;
  const first = await search({ event: "Searched", limit: 2 });
  const second = await search({ event: "Searched", limit: 2, cursor: first.nextCursor });
  expect([...first.items, ...second.items]).toMatchObject(
    ids.toReversed().map((deliveryId) => ({ deliveryId, status: "open", entityId: "searched" })),
  );
  expect(second.nextCursor).toBeNull();
  expect((await search({ text: "needle \u05d0" })).items).toMatchObject([{ deliveryId: marked }]);
  expect((await search({ state: "open" })).errors).toMatchObject([
    { name: "state", message: "is not known" },
  ]);
  const { token } = await createToken(pool, { name: "Vera", role: "viewer", isService: false });
  const viewer = { authorization: `Bearer ${token}` };
  expect((await search({ entityId: "searched" }, viewer)).items).toHaveLength(4);
  expect(await search({ text: "needle" }, viewer)).toMatchObject({ status: 403, code: "forbidden" });
});
