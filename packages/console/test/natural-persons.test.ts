import { formatTicks } from "@dossier/events";
import { scenario } from "@dossier/simulator";
import { eventBody } from "@dossier/store/fixtures";
import { describe, expect, test } from "vitest";
import { startTestConsole, useConsole } from "./harness.ts";
import type { Answer } from "./http.ts";

const simulated = scenario({ persons: 60, seed: 7, duplicates: 0.2, shuffle: 0.3 });
const persons = [...simulated.persons].sort((a, b) => (a.entityId < b.entityId ? -1 : 1));

const shared = useConsole(({ recordAndSettle }) =>
  recordAndSettle(...[...simulated.webhooks].map(({ body }) => body)),
);

/** Reads a list page by page, to its end. */
async function readPages(path: string, limit: number) {
  const pages: Answer["json"][] = [];
  let cursor = "";
  do {
    const { status, json } = await shared().get(`${path}limit=${limit}&cursor=${cursor}`);
    expect(status).toBe(200);
    pages.push(json.items);
    cursor = json.nextCursor ?? "";
  } while (cursor !== "");
  return pages;
}

describe("GET /natural-persons", () => {
  test("returns every person once, page after page, in the contract's exact shape", async () => {
    const pages = await readPages("/natural-persons?", 7);
    expect(pages.flat()).toEqual(persons);
    expect(pages.slice(0, -1).map(({ length }) => length)).toEqual(pages.slice(0, -1).map(() => 7));
  });

  test("has 50 items by default, and ignores empty parameters", async () => {
    const { json } = await shared().get("/natural-persons?status=&q=&limit=&cursor=&asOf=");
    expect(json.items).toEqual(persons.slice(0, 50));
    expect((await shared().get("/natural-persons")).json).toEqual(json);
  });

  test.each(["unknown", "pending", "id-upload-started", "id-uploaded", "documents-uploaded", "approved"])(
    "filters by the status %s",
    async (status) => {
      const { json } = await shared().get(`/natural-persons?limit=500&status=${status}`);
      expect(json.items).toEqual(persons.filter((person) => person.status === status));
    },
  );

  test("finds part of the name, the e-mail or the id, literally and in any case", async () => {
    const { get, recordAndSettle } = shared();
    await recordAndSettle(
      eventBody("zz-1", { data: { entity: "100% Pure_Ltd", email: "O'Hara\\x@Mail.example" } }),
      eventBody("zz-2", { data: { entity: "100x PurexLtd", email: "other@mail.example" } }),
      eventBody("zz-3", { data: { entity: "ÄÖÜ Müller", email: "m@x.example" } }),
    );
    const found = async (q: string, more = "") =>
      (await get(`/natural-persons?q=${encodeURIComponent(q)}${more}`)).json.items.map(
        (one: { entityId: string }) => one.entityId,
      );
    expect(await found("100%")).toEqual(["zz-1"]);
    expect(await found("pure_l")).toEqual(["zz-1"]);
    expect(await found("o'hara\\X@")).toEqual(["zz-1"]);
    expect(await found("äöü mÜLL")).toEqual(["zz-3"]);
    expect(await found("ZZ-")).toEqual(["zz-1", "zz-2", "zz-3"]);
    expect(await found("zz-", "&status=approved")).toEqual([]);
    expect(await found("zz-", "&limit=1")).toEqual(["zz-1"]);
    expect(await found("nobody has this")).toEqual([]);
    expect(await found("%%")).toEqual([]);
  });
});

describe("GET /natural-persons/{entityId}", () => {
  test("returns a person's state, which no cache may store", async () => {
    for (const person of persons.slice(0, 5)) {
      const answer = await shared().get(`/natural-persons/${person.entityId}`);
      const deliveries = {
        open: 0,
        deadLettered: 0,
        discarded: 0,
        openDeliveriesSearched: { searched: 0, all: true },
      };
      expect([answer.status, answer.json]).toEqual([200, { ...person, deliveries }]);
      expect(answer.headers["cache-control"]).toBe("no-store");
    }
  });

  test.each([
    "with/slash",
    "?q=1&x#y",
    "100%25",
    "%2F",
    "ünïcødé ☃",
    "a b+c",
    "..x",
    "O'Hara\"<>",
    "redrive",
    "𝄞",
  ])("finds the percent-encoded id %s", async (entityId) => {
    await shared().recordAndSettle(eventBody(entityId));
    const path = `/natural-persons/${encodeURIComponent(entityId)}`;
    expect((await shared().get(path)).json).toMatchObject({ entityId, status: "pending" });
    expect((await shared().get(`${path}/events`)).json.items).toHaveLength(1);
  });

  test.each([".", "..", "a/..", "list/slash"])(
    "each list takes the id %j as a parameter",
    async (entityId) => {
      const { get, recordAndSettle, recordAndExhaust } = shared();
      await recordAndSettle(eventBody(entityId));
      await recordAndExhaust(eventBody(entityId, { id: "2" }));
      const query = `entityId=${encodeURIComponent(entityId)}`;
      expect((await get(`/natural-persons?${query}`)).json).toMatchObject({
        items: [{ entityId }],
        nextCursor: null,
        deliveries: { open: 0, deadLettered: 1, discarded: 0 },
      });
      const earlier = (await get(`/natural-persons?${query}&asOf=2000-01-01T00:00:00Z`)).json;
      expect(earlier).toMatchObject({ items: [], deliveries: { deadLettered: 1 } });
      expect((await get(`/natural-persons?${query}&status=approved`)).json.items).toEqual([]);
      expect((await get(`/events?${query}`)).json.items).toMatchObject([{ data: { entityId } }]);
      expect((await get(`/deliveries?${query}`)).json.items).toMatchObject([
        { status: "dead-lettered" },
        { status: "applied" },
      ]);
      expect((await get(`/dead-letters?${query}`)).json.items).toMatchObject([{ entityId }]);
      expect((await get(`/changes?${query}`)).json.items).toMatchObject([{ entityId }]);
    },
  );

  test("a list counts deliveries for one id alone", async () => {
    const { get } = shared();
    expect((await get("/natural-persons?limit=1")).json).not.toHaveProperty("deliveries");
    expect((await get("/natural-persons?entityId=nobody")).json).toMatchObject({
      items: [],
      deliveries: { open: 0, deadLettered: 0, discarded: 0 },
    });
  });

  test("answers 404 to a person without a file, and counts the deliveries that name the person", async () => {
    const { get, recordAndExhaust } = shared();
    await recordAndExhaust(eventBody("only dead"));
    const { status, json } = await get("/natural-persons/only%20dead");
    expect(status).toBe(404);
    expect(json.detail).toContain("name the person: 0 open, 1 dead letters, 0 discarded");
    expect((await get("/natural-persons/only%20dead/deliveries")).json.items).toMatchObject([
      { status: "dead-lettered", lastDeadLetter: { reason: "fold-failed" } },
    ]);
  });

  test.each(["nobody", "%ff", "%", "%E2%98", "with%2Fno%2Fone", "-"])(
    "answers 404 to the unknown id %s",
    async (entityId) => {
      const { status, json } = await shared().get(`/natural-persons/${entityId}`);
      expect([status, json.code]).toEqual([404, "not-found"]);
    },
  );

  test("answers 404 to an id that is too long", async () => {
    expect((await shared().get(`/natural-persons/${"x".repeat(5_000)}`)).status).toBe(404);
  });

  test("answers 404 to an empty id, and 400 to an impossible one", async () => {
    expect((await shared().get("/natural-persons/")).status).toBe(404);
    const { status, json } = await shared().get("/natural-persons/a%00b");
    expect([status, json.errors]).toEqual([
      400,
      [{ in: "path", name: "entityId", message: "must not contain NUL" }],
    ]);
  });
});

describe("GET /natural-persons/{entityId}/events", () => {
  test("returns every event once, in the person's order, with all its deliveries", async () => {
    const { entityId, version } = persons.toSorted((a, b) => b.version - a.version)[0] ?? persons[0]!;
    const webhooks = [...simulated.webhooks].filter((webhook) => webhook.entityId === entityId);
    const pages = await readPages(`/natural-persons/${entityId}/events?`, 2);
    const events = pages.flat();
    expect(pages.length).toBeGreaterThan(2);
    expect(events).toHaveLength(version);
    const orderKeys = events.map((one) => `${one.creationTimeUtc} ${one.event} ${one.id}`);
    expect(orderKeys).toEqual(orderKeys.toSorted());
    expect(events.flatMap((one) => one.deliveries)).toHaveLength(webhooks.length);
    expect((await shared().get(`/natural-persons/${entityId}/events`)).json).toEqual({
      items: events,
      nextCursor: null,
    });
  });

  test("returns events of unknown types, and numbers with all their digits", async () => {
    const { get, recordAndSettle } = shared();
    const body = `{"event":"NaturalPersonTeleported","id":"1","creationTimeUtc":"2026-01-01T00:00:00Z","data":{"entityId":"digits","n":12345678901234567890.10}}`;
    await recordAndSettle(Buffer.from(body));
    const { text, json } = await get("/natural-persons/digits/events");
    expect(json.items).toMatchObject([{ event: "NaturalPersonTeleported", recognised: false }]);
    expect(text).toContain('"n":12345678901234567890.10');
  });

  test("is empty for an unknown person", async () => {
    const { status, json } = await shared().get("/natural-persons/nobody/events");
    expect([status, json]).toEqual([200, { items: [], nextCursor: null }]);
  });
});

describe("at a point in time", () => {
  /** Records an approval, and then a pending event of a tick before it. Returns when each was received. */
  async function recordTwoEvents(entityId: string) {
    const { recordAndSettle, receivedAt } = shared();
    const [second] = await recordAndSettle(
      eventBody(entityId, {
        event: "NaturalPersonManuallyApproved",
        id: "2",
        creationTimeUtc: "2026-03-01T10:00:00.0000001Z",
      }),
    );
    const [first] = await recordAndSettle(
      eventBody(entityId, { id: "1", creationTimeUtc: "2026-03-01T10:00:00Z" }),
    );
    return { first: await receivedAt(first), second: await receivedAt(second) };
  }

  test("asOf and knownAt are exact to the tick: for a person, their events and the list", async () => {
    const entityId = "point-in-time";
    const { get } = shared();
    const received = await recordTwoEvents(entityId);
    const known = (ticks: bigint) => `knownAt=${formatTicks(ticks)}`;
    const asOf = (fraction: string) => `asOf=2026-03-01T${fraction}Z`;

    const cases: readonly (readonly [string, string | 404, readonly string[]])[] = [
      [asOf("09:59:59.9999999"), 404, []],
      [asOf("10:00:00.0000000"), "pending", ["1"]],
      [asOf("10:00:00.0000001"), "approved", ["1", "2"]],
      [known(received.second - 10n), 404, []],
      [known(received.second), "approved", ["2"]],
      [known(received.first - 10n), "approved", ["2"]],
      [known(received.first), "approved", ["1", "2"]],
      [`${asOf("10:00:00.0000000")}&${known(received.second)}`, 404, []],
      [`${asOf("10:00:00.0000000")}&${known(received.first)}`, "pending", ["1"]],
      [`${asOf("10:00:00.0000001")}&${known(received.second)}`, "approved", ["2"]],
    ];
    for (const [query, status, ids] of cases) {
      const person = await get(`/natural-persons/${entityId}?${query}`);
      expect([query, person.status === 404 ? 404 : person.json.status]).toEqual([query, status]);
      const events = await get(`/natural-persons/${entityId}/events?${query}`);
      expect([query, events.json.items.map(({ id }: { id: string }) => id)]).toEqual([query, ids]);
      const list = await get(`/natural-persons?q=${entityId}&${query}`);
      const { deliveries: _, ...state } = person.json;
      expect([query, list.json.items]).toEqual([query, status === 404 ? [] : [state]]);
    }
  });

  test("a timeline says what each event changed, and which one did not count yet", async () => {
    const { get } = shared();
    const path = "/natural-persons/zz-time/timeline";
    const pending = eventBody("zz-time", { id: "1", creationTimeUtc: "2026-03-01T10:00:00.0000000Z" });
    await shared().recordAndSettle(
      pending,
      eventBody("zz-time", {
        id: "2",
        event: "NaturalPersonManuallyApproved",
        creationTimeUtc: "2026-03-02T10:00:00.0000000Z",
      }),
    );
    const { json } = await get(`${path}?asOf=2026-03-01T12:00:00Z`);
    expect(json).toMatchObject({ earlier: 0, later: 0, person: { status: "pending" } });
    expect(json.entries).toMatchObject([
      { id: "1", when: "counts", outOfOrder: false, deliveries: [{ seq: 1 }] },
      { id: "2", when: "happened-later" },
    ]);
    const changed = { path: "status", before: "pending", after: "approved" };
    expect(json.entries[1].changes).toContainEqual(changed);
    expect((await get(`${path}?knownAt=2020-01-01T00:00:00Z`)).json).toMatchObject({
      person: null,
      entries: [{ when: "not-known-yet", changes: [] }, {}],
    });
    expect((await get(`${path}?limit=1`)).json).toMatchObject({ earlier: 1, entries: [{ id: "2" }] });
    expect((await get("/natural-persons/zz-nobody/timeline")).status).toBe(404);
  });

  test("the list has the same pages as today's", async () => {
    const pages = await readPages(`/natural-persons?asOf=9999-01-01T00:00:00Z&q=-4&`, 20);
    const today = await readPages(`/natural-persons?q=-4&`, 20);
    expect(pages.flat()).toEqual(today.flat());
    expect(today.length).toBeGreaterThan(1);
  });
});

describe("an invalid request", () => {
  test("answers 400 with all its errors at once", async () => {
    const { status, headers, json } = await shared().get(
      "/natural-persons?status=gone&limit=0&cursor=made-up&asOf=yesterday&knownAt=2026-02-30T00:00:00Z&q=a&q=b&page=2",
    );
    expect([status, headers["content-type"], json.code]).toEqual([
      400,
      "application/problem+json",
      "invalid-request",
    ]);
    const time = "must be an ISO 8601 time such as 2026-01-31T12:00:00Z";
    expect(
      json.errors.toSorted((a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)),
    ).toEqual([
      { in: "query", name: "asOf", message: time },
      { in: "query", name: "cursor", message: "is not a cursor of this list" },
      { in: "query", name: "knownAt", message: time },
      { in: "query", name: "limit", message: "must be a whole number from 1 to 500" },
      { in: "query", name: "page", message: "is not known" },
      { in: "query", name: "q", message: "must not be repeated" },
      {
        in: "query",
        name: "status",
        message:
          "must be one of unknown, pending, id-upload-started, id-uploaded, documents-uploaded, approved",
      },
    ]);
    for (const { name, message } of json.errors) expect(json.detail).toContain(`${name} ${message}`);
  });

  test.each([
    "0",
    "501",
    "1.5",
    "-1",
    "ten",
    "Infinity",
    "NaN",
    "1,2",
    "99999999999999999999",
    "0x10",
    "1e2",
    "%20",
  ])("with limit=%s is refused", async (limit) => {
    const { status, json } = await shared().get(`/natural-persons?limit=${limit}`);
    expect([status, json.errors[0].name]).toEqual([400, "limit"]);
  });

  test("with a + in a time zone says how to encode it; %2B is accepted", async () => {
    const { json } = await shared().get("/natural-persons?asOf=2026-01-01T00:00:00+02:00");
    expect(json.detail).toContain("in a URL, + is written %2B");
    expect((await shared().get("/natural-persons?asOf=2026-01-01T00:00:00%2B02:00")).status).toBe(200);
  });

  test("with a cursor that is invalid or of another list is refused", async () => {
    const { json } = await shared().get("/natural-persons?limit=1");
    const nul = Buffer.from('{"ticks":"2026-01-01T00:00:00Z","event":"\\u0000","id":"1"}').toString(
      "base64url",
    );
    const others = [json.nextCursor, nul, "e30", "W10", "bnVsbA", "%00", "xxxx", "eyJlbnRpdHlJZCI6MX0"];
    for (const cursor of others) {
      const events = await shared().get(`/natural-persons/x/events?cursor=${cursor}`);
      expect([cursor, events.status]).toEqual([cursor, 400]);
      if (cursor === json.nextCursor) continue;
      expect([cursor, (await shared().get(`/natural-persons?cursor=${cursor}`)).status]).toEqual([
        cursor,
        400,
      ]);
    }
  });
});

test("persons who are stuck are listed, those longest without an event first, in pages", async (context) => {
  const { get, recordAndSettle } = await startTestConsole(context);
  const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
  const at = (hours: number) => ({ creationTimeUtc: hoursAgo(hours) });
  await recordAndSettle(
    eventBody("a fresh one", at(1)),
    ...["b", "c", "d"].map((id, n) => eventBody(id, at(100 + n))),
    ...["e", "f"].map((id) =>
      eventBody(id, { event: "NaturalPersonUploadedID", creationTimeUtc: hoursAgo(101) }),
    ),
    eventBody("approved", { event: "NaturalPersonManuallyApproved", creationTimeUtc: hoursAgo(500) }),
  );
  const list = async (query: string, cursor?: string): Promise<string[]> => {
    const { json } = await get(`/natural-persons?${query}${cursor === undefined ? "" : `&cursor=${cursor}`}`);
    const ids: string[] = json.items.map(({ entityId }: { entityId: string }) => entityId);
    return json.nextCursor === null ? ids : [...ids, ...(await list(query, json.nextCursor))];
  };
  expect(await list("stuck=true&limit=2")).toEqual(["b", "c", "d", "e", "f"]);
  for (const limit of [1, 2, 9]) {
    const stuck = `stuck=true&limit=${limit}`;
    expect(await list(`${stuck}&sort=waiting&status=pending`)).toEqual(["d", "c", "b"]);
    expect(new Set(await list(`${stuck}&sort=waiting`))).toEqual(new Set(["d", "c", "e", "f", "b"]));
  }
  expect((await list("sort=waiting")).slice(-2)).toEqual(["b", "a fresh one"]);
  expect((await get("/natural-persons?sort=waiting&count=true")).json.found.count).toBe(6);
  expect(await list(`stuck=true&asOf=${hoursAgo(29.5)}`)).toEqual(["d"]);
});
