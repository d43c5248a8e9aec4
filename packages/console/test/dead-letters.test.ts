import { randomUUID } from "node:crypto";
import { createToken } from "@dossier/store";
import { eventBody } from "@dossier/store/fixtures";
import { describe, expect, test } from "vitest";
import { useConsole } from "./harness.ts";

const unparsableBody = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
const invalidBody = Buffer.from(
  '{"event":"NaturalPersonPending","id":"1","data":{"entityId":"e-invalid"},"note":"50%_\\\\"}',
);

interface Page {
  readonly items: readonly { readonly deliveryId: string }[];
  readonly nextCursor: string | null;
  readonly counts: Readonly<Record<string, number>>;
}

const ids = { unparsable: "", invalid: "", conflict: "", foldFailed: "", conflictFirst: "" };
const shared = useConsole(async ({ recordAndSettle, recordAndExhaust }) => {
  [ids.unparsable = ""] = await recordAndSettle(unparsableBody);
  [ids.invalid = ""] = await recordAndSettle(invalidBody);
  [ids.conflictFirst = ""] = await recordAndSettle(eventBody("e-conflict"));
  [ids.conflict = ""] = await recordAndSettle(eventBody("e-conflict", { data: { entity: "Somebody Else" } }));
  ids.foldFailed = await recordAndExhaust(eventBody("e-fold-failed"), "TypeError: cannot fold 100%");
});

describe("GET /dead-letters", () => {
  const list = async (query = "") => (await shared().get(`/dead-letters${query}`)).json;
  const idsOf = ({ items }: Page) => items.map(({ deliveryId }) => deliveryId);

  test("lists the latest first, with exact counts by reason", async () => {
    const page = await list();
    expect(idsOf(page)).toEqual([ids.foldFailed, ids.conflict, ids.invalid, ids.unparsable]);
    expect(page.counts).toEqual({
      unparsable: 1,
      "invalid-event": 1,
      "conflicting-duplicate": 1,
      "fold-failed": 1,
    });
  });

  test("shows why each was dead-lettered, and its event's identity", async () => {
    const { items } = await list();
    expect(items[1]).toEqual({
      deliveryId: ids.conflict,
      reason: "conflicting-duplicate",
      message: `this event was received before with other data, as delivery ${ids.conflictFirst}; the first stands`,
      event: "NaturalPersonPending",
      id: "1",
      entityId: "e-conflict",
      codeVersion: "test",
      receivedAt: expect.stringMatching(/\.\d{7}Z$/),
      deadLetteredAt: expect.stringMatching(/\.\d{7}Z$/),
      discard: null,
    });
    expect(items[3]).toMatchObject({ reason: "unparsable", event: null, id: null, entityId: null });
  });

  test("filters by reason, type, person and time, and counts what the filter selects", async () => {
    const [foldFailed, conflict] = (await list()).items;
    const all = [ids.foldFailed, ids.conflict, ids.invalid, ids.unparsable];
    const cases: [string, string[]][] = [
      ["?reason=invalid-event", [ids.invalid]],
      ["?event=NaturalPersonPending", [ids.foldFailed, ids.conflict, ids.invalid]],
      ["?entityId=e-conflict", [ids.conflict]],
      ["?entityId=e-fold-failed", [ids.foldFailed]],
      ["?entityId=e-invalid", [ids.invalid]],
      [`?since=${foldFailed.deadLetteredAt}`, [ids.foldFailed]],
      [`?before=${foldFailed.deadLetteredAt}&since=${conflict.deadLetteredAt}`, [ids.conflict]],
      [`?before=${foldFailed.deadLetteredAt}`, all.slice(1)],
      ["?reason=stalled", []],
      ["?reason=&event=", all],
    ];
    for (const [query, expected] of cases) {
      const page = await list(query);
      expect([query, idsOf(page)]).toEqual([query, expected]);
      const counted = Object.values<number>(page.counts).reduce((sum, count) => sum + count, 0);
      expect([query, counted]).toEqual([query, expected.length]);
    }
  });

  test("returns each once, page after page, with the counts of all pages", async () => {
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const page: Page = await list(`?limit=1&cursor=${cursor}`);
      seen.push(...idsOf(page));
      expect(page.counts["fold-failed"]).toBe(1);
      cursor = page.nextCursor;
    }
    expect(seen).toEqual([ids.foldFailed, ids.conflict, ids.invalid, ids.unparsable]);
  });

  test("refuses an invalid request with all its errors", async () => {
    const { status, json } = await shared().get(
      "/dead-letters?reason=none&before=x&limit=0&entity=a%00&text=a",
    );
    expect([status, json.errors.map(({ name }: { name: string }) => name).toSorted()]).toEqual([
      400,
      ["before", "entity", "limit", "reason", "text"],
    ]);
  });

  test.each(['{"entityId":"1"}', '{"deadLetterId":"99999999999999999999"}'])(
    "refuses the cursor %s of another list",
    async (position) => {
      const cursor = Buffer.from(position).toString("base64url");
      expect((await shared().get(`/dead-letters?cursor=${cursor}`)).status).toBe(400);
    },
  );
});

describe("POST /dead-letters/search", () => {
  const search = (body: object, headers = {}) => shared().post("/dead-letters/search", body, headers);

  test("finds a text of the payload or the message, with all other filters, in pages and counts", async () => {
    const cases: [object, string[]][] = [
      [{ text: "50%_\\\\" }, [ids.invalid]],
      [{ text: "50%_" }, [ids.invalid]],
      [{ text: "50_%" }, []],
      [{ text: "the last one with" }, [ids.foldFailed]],
      [{ text: "cannot fold 100%" }, []],
      [{ text: "Somebody" }, [ids.conflict]],
      [{ text: "somebody" }, []],
      [{ text: "Somebody", reason: "stalled" }, []],
      [{ text: "Somebody", entityId: "e-conflict", limit: 2 }, [ids.conflict]],
      [{ status: "discarded" }, []],
    ];
    for (const [body, expected] of cases) {
      const { items, counts } = (await search(body)).json as Page;
      expect([body, items.map(({ deliveryId }) => deliveryId)]).toEqual([body, expected]);
      const counted = Object.values<number>(counts).reduce((sum, count) => sum + count, 0);
      expect([body, counted]).toEqual([body, expected.length]);
    }
    const first = (await search({ limit: 1 })).json as Page;
    const second = (await search({ limit: 1, cursor: first.nextCursor })).json as Page;
    expect([first, second].flatMap(({ items }) => items.map(({ deliveryId }) => deliveryId))).toEqual([
      ids.foldFailed,
      ids.conflict,
    ]);
  });

  test("takes an operator for a text, which no URL may say", async () => {
    const { token } = await createToken(shared().pool, { name: "Vera", role: "viewer", isService: false });
    const viewer = { authorization: `Bearer ${token}` };
    expect((await search({ reason: "invalid-event" }, viewer)).json.items).toHaveLength(1);
    expect((await search({ text: "Somebody" }, viewer)).json).toMatchObject({
      status: 403,
      code: "forbidden",
    });
    expect((await shared().get("/dead-letters?text=Somebody")).json.errors).toEqual([
      { in: "query", name: "text", message: "is not known" },
    ]);
  });
});

describe("GET /dead-letters/{deliveryId}", () => {
  const read = (id = "") => shared().get(`/dead-letters/${id}`);

  test("returns the delivery's exact bytes and each time that it was dead-lettered", async () => {
    expect((await read(ids.unparsable)).json).toMatchObject({
      deliveryId: ids.unparsable,
      status: "dead-lettered",
      body: { base64: unparsableBody.toString("base64"), text: "{��}" },
      headers: { "user-agent": "iComply" },
      verifiedBy: "signature",
      secretFingerprint: "sha256:0",
      deadLetters: [{ reason: "unparsable", codeVersion: "test", entityId: null }],
      failedAttempts: [],
      decisions: [],
    });
    expect((await read(ids.invalid)).json.deadLetters[0].issues).not.toEqual([]);
  });

  test("returns every failed attempt", async () => {
    expect((await read(ids.foldFailed)).json).toMatchObject({
      failedAttempts: [
        { attempt: 1, error: "TypeError: cannot fold 100%", stack: "    at fold (evolve.ts:1:1)" },
      ],
    });
  });

  test("answers 404 for a delivery that was never dead-lettered, and for an unknown one", async () => {
    const [applied] = await shared().recordAndSettle(eventBody("applied"));
    for (const id of [randomUUID(), applied]) {
      const { status, json } = await read(id);
      expect([status, json.code]).toEqual([404, "not-found"]);
    }
  });

  test.each(["1", "%00", `${randomUUID()}x`, "redrivex"])("answers 400 for the id %s", async (id) => {
    const { status, json } = await read(id);
    expect([status, json.errors]).toEqual([
      400,
      [{ in: "path", name: "deliveryId", message: "must be a UUID" }],
    ]);
  });
});
