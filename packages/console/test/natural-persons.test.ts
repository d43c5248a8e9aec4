import { formatTicks } from "@dossier/events";
import { scenario } from "@dossier/simulator";
import { describe, expect, test } from "vitest";
import { event, sharedDesk } from "./desk.ts";
import type { Answer } from "./http.ts";

const simulated = scenario({ persons: 60, seed: 7, duplicates: 0.2, shuffle: 0.3 });
const persons = [...simulated.persons].sort((a, b) => (a.entityId < b.entityId ? -1 : 1));

const desk = sharedDesk(({ take }) => take(...[...simulated.webhooks].map(({ body }) => body)));

/** Every page of a list, from the first to the last. */
async function walk(path: string, limit: number) {
  const pages: Answer["json"][] = [];
  let cursor = "";
  do {
    const { status, json } = await desk().get(`${path}limit=${limit}&cursor=${cursor}`);
    expect(status).toBe(200);
    pages.push(json.items);
    cursor = json.nextCursor ?? "";
  } while (cursor !== "");
  return pages;
}

describe("GET /natural-persons", () => {
  test("gives every person once, page after page, in the exact shape of the contract", async () => {
    const pages = await walk("/natural-persons?", 7);
    expect(pages.flat()).toEqual(persons);
    expect(pages.slice(0, -1).map(({ length }) => length)).toEqual(pages.slice(0, -1).map(() => 7));
  });

  test("gives 50 unless asked, and takes a form's empty fields as left out", async () => {
    const { json } = await desk().get("/natural-persons?status=&q=&limit=&cursor=&asOf=");
    expect(json.items).toEqual(persons.slice(0, 50));
    expect((await desk().get("/natural-persons")).json).toEqual(json);
  });

  test.each(["unknown", "pending", "id-upload-started", "id-uploaded", "documents-uploaded", "approved"])(
    "filters by the status %s",
    async (status) => {
      const { json } = await desk().get(`/natural-persons?limit=500&status=${status}`);
      expect(json.items).toEqual(persons.filter((person) => person.status === status));
    },
  );

  test("finds a part of the name, the e-mail or the id, to the letter and whatever the case", async () => {
    const { get, take } = desk();
    await take(
      event("zz-1", { data: { entity: "100% Pure_Ltd", email: "O'Hara\\x@Mail.example" } }),
      event("zz-2", { data: { entity: "100x PurexLtd", email: "other@mail.example" } }),
      event("zz-3", { data: { entity: "ÄÖÜ Müller", email: "m@x.example" } }),
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
  test("gives a person's file, which may be kept by no cache", async () => {
    for (const person of persons.slice(0, 5)) {
      const answer = await desk().get(`/natural-persons/${person.entityId}`);
      expect([answer.status, answer.json]).toEqual([200, person]);
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
  ])("finds the id %s, percent-encoded", async (entityId) => {
    await desk().take(event(entityId));
    const path = `/natural-persons/${encodeURIComponent(entityId)}`;
    expect((await desk().get(path)).json).toMatchObject({ entityId, status: "pending" });
    expect((await desk().get(`${path}/events`)).json.items).toHaveLength(1);
  });

  test.each(["nobody", "%ff", "%", "%E2%98", "with%2Fno%2Fone", "-"])(
    "answers 404 to %s",
    async (entityId) => {
      const { status, json } = await desk().get(`/natural-persons/${entityId}`);
      expect([status, json.code]).toEqual([404, "not-found"]);
    },
  );

  test("answers 404 to an id that is longer than any", async () => {
    expect((await desk().get(`/natural-persons/${"x".repeat(5_000)}`)).status).toBe(404);
  });

  test("answers 404 to no id at all, and 400 to one that nobody can have", async () => {
    expect((await desk().get("/natural-persons/")).status).toBe(404);
    const { status, json } = await desk().get("/natural-persons/a%00b");
    expect([status, json.errors]).toEqual([
      400,
      [{ in: "path", name: "entityId", message: "must not contain NUL" }],
    ]);
  });
});

describe("GET /natural-persons/{entityId}/events", () => {
  test("gives every event once, page after page, in the person's order, with all its sends", async () => {
    const { entityId, version } = persons.toSorted((a, b) => b.version - a.version)[0] ?? persons[0]!;
    const sends = [...simulated.webhooks].filter((send) => send.entityId === entityId);
    const pages = await walk(`/natural-persons/${entityId}/events?`, 2);
    const events = pages.flat();
    expect(pages.length).toBeGreaterThan(2);
    expect(events).toHaveLength(version);
    const places = events.map((one) => `${one.creationTimeUtc} ${one.event} ${one.id}`);
    expect(places).toEqual(places.toSorted());
    expect(events.flatMap((one) => one.deliveries)).toHaveLength(sends.length);
    expect((await desk().get(`/natural-persons/${entityId}/events`)).json).toEqual({
      items: events,
      nextCursor: null,
    });
  });

  test("shows what is not understood, and numbers to their last digit", async () => {
    const { get, take } = desk();
    const body = `{"event":"NaturalPersonTeleported","id":"1","creationTimeUtc":"2026-01-01T00:00:00Z","data":{"entityId":"digits","n":12345678901234567890.10}}`;
    await take(Buffer.from(body));
    const { text, json } = await get("/natural-persons/digits/events");
    expect(json.items).toMatchObject([{ event: "NaturalPersonTeleported", recognised: false }]);
    expect(text).toContain('"n":12345678901234567890.10');
  });

  test("gives none of a person of whom nothing is known", async () => {
    const { status, json } = await desk().get("/natural-persons/nobody/events");
    expect([status, json]).toEqual([200, { items: [], nextCursor: null }]);
  });
});

describe("at a moment", () => {
  /** A pending event and an approval a tick later, of which the approval is received first. */
  async function twoEvents(entityId: string) {
    const { take, receivedAt } = desk();
    const [second] = await take(
      event(entityId, {
        event: "NaturalPersonManuallyApproved",
        id: "2",
        at: "2026-03-01T10:00:00.0000001Z",
      }),
    );
    const [first] = await take(event(entityId, { id: "1", at: "2026-03-01T10:00:00Z" }));
    return { first: await receivedAt(first), second: await receivedAt(second) };
  }

  test("both axes are exact to the tick, alone and together: on one person, the events and the list", async () => {
    const entityId = "moment";
    const { get } = desk();
    const received = await twoEvents(entityId);
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
    for (const [moment, status, ids] of cases) {
      const person = await get(`/natural-persons/${entityId}?${moment}`);
      expect([moment, person.status === 404 ? 404 : person.json.status]).toEqual([moment, status]);
      const events = await get(`/natural-persons/${entityId}/events?${moment}`);
      expect([moment, events.json.items.map(({ id }: { id: string }) => id)]).toEqual([moment, ids]);
      const list = await get(`/natural-persons?q=${entityId}&${moment}`);
      expect([moment, list.json.items]).toEqual([moment, status === 404 ? [] : [person.json]]);
    }
  });

  test("the list is paged through as today's is", async () => {
    const pages = await walk(`/natural-persons?asOf=9999-01-01T00:00:00Z&q=-4&`, 20);
    const today = await walk(`/natural-persons?q=-4&`, 20);
    expect(pages.flat()).toEqual(today.flat());
    expect(today.length).toBeGreaterThan(1);
  });
});

describe("a request that cannot be meant", () => {
  test("is answered 400 with every fault at once", async () => {
    const { status, headers, json } = await desk().get(
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
      { in: "query", name: "cursor", message: "is not one that was given" },
      { in: "query", name: "knownAt", message: time },
      { in: "query", name: "limit", message: "must be 1 or more" },
      { in: "query", name: "page", message: "is not known here" },
      { in: "query", name: "q", message: "must be given once" },
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
  ])("such as limit=%s is refused", async (limit) => {
    const { status, json } = await desk().get(`/natural-persons?limit=${limit}`);
    expect([status, json.errors[0].name]).toEqual([400, "limit"]);
  });

  test("such as a + in a URL's time zone is refused with what to write; %2B is understood", async () => {
    const { json } = await desk().get("/natural-persons?asOf=2026-01-01T00:00:00+02:00");
    expect(json.detail).toContain("in a URL, + is written %2B");
    expect((await desk().get("/natural-persons?asOf=2026-01-01T00:00:00%2B02:00")).status).toBe(200);
  });

  test("such as a cursor that was not given, or of another list, is refused", async () => {
    const { json } = await desk().get("/natural-persons?limit=1");
    const nul = Buffer.from('{"ticks":"2026-01-01T00:00:00Z","event":"\\u0000","id":"1"}').toString(
      "base64url",
    );
    const others = [json.nextCursor, nul, "", "e30", "W10", "bnVsbA", "%00", "xxxx", "eyJlbnRpdHlJZCI6MX0"];
    for (const cursor of others.filter((one) => one !== "")) {
      const events = await desk().get(`/natural-persons/x/events?cursor=${cursor}`);
      expect([cursor, events.status]).toEqual([cursor, 400]);
      if (cursor === json.nextCursor) continue;
      expect([cursor, (await desk().get(`/natural-persons?cursor=${cursor}`)).status]).toEqual([cursor, 400]);
    }
  });
});
