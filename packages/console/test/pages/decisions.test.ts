import { createBulkAction, createToken, decideNextBatch, findBulkAction } from "@dossier/store";
import { eventBody, invalidBody, UNPARSABLE_BODY } from "@dossier/store/fixtures";
import { waitFor } from "@dossier/testing";
import { describe, expect, test } from "vitest";
import { startTestConsole, TOKEN, useConsole } from "../harness.ts";
import { openBrowser } from "./browser.ts";

const shared = useConsole();

async function signedIn(role: "viewer" | "operator" = "operator") {
  const browser = openBrowser(shared());
  const { token } = await createToken(shared().pool, { name: `Olga the ${role}`, role, isService: false });
  await browser.signIn(token);
  return browser;
}

/** Records an event that is a dead letter for no reason of its own, so that a redrive applies it. */
const deadLetter = (entityId: string, data = {}) => shared().recordAndExhaust(eventBody(entityId, { data }));

const decisionsOf = (id: string) =>
  shared().rows(
    "select action, decided_by, reason from decisions where delivery_id = $1 order by decision_id",
    [id],
  );

describe("a dead letter", () => {
  test("is redriven from its page, after a dry run that says what would change, masked", async () => {
    const operator = await signedIn();
    const id = await deadLetter("redriven", { entity: "Ada Lovelace", email: "ada@example.com" });
    expect((await operator.get(`/deliveries/${id}`)).text).toContain(`href="/deliveries/${id}/redrive"`);
    const { text } = await operator.get(`/deliveries/${id}/redrive`);
    for (const words of ["1 would be applied", "a new person", "<code><bdi>name</bdi></code>", "A•• L•••"])
      expect(text).toContain(words);
    expect(text).not.toContain("Lovelace");
    expect(await shared().statuses([id])).toEqual(["fold-failed"]);

    const { status, headers } = await operator.post(`/deliveries/${id}/redrive`, { reason: "mended" });
    expect([status, headers.location]).toEqual([303, `/deliveries/${id}`]);
    await shared().settle([id]);
    expect((await operator.get(`/deliveries/${id}`)).text).toMatch(/applied.*entry 1 of the person/s);
    expect(await decisionsOf(id)).toEqual([
      { action: "redrive", decided_by: "Olga the operator", reason: "mended" },
    ]);
  });

  test("shows field by field what a redrive would change of a person, and what would fail again", async () => {
    const operator = await signedIn();
    await shared().recordAndSettle(
      eventBody("changed", { data: { entity: "Bob Old", email: "b@example.com" } }),
    );
    const later = {
      creationTimeUtc: "2024-01-01T00:00:00Z",
      data: { entity: "Bob New", email: "b@example.com" },
    };
    const id = await shared().recordAndExhaust(eventBody("changed", { id: "2", ...later }));
    await operator.post("/natural-persons/changed/reveal", { reason: "a test" });
    const { text } = await operator.get(`/deliveries/${id}/redrive`);
    expect(text).toMatch(/name<.*<del class="was"><bdi>Bob Old<.*became.*<ins><bdi>Bob New</s);
    expect(text).not.toContain("b@example.com");
    const [invalid = ""] = await shared().recordAndSettle(invalidBody("again"));
    const again = (await operator.get(`/deliveries/${invalid}/redrive`)).text;
    expect(again).toMatch(/1 would be dead-lettered again<.*What would fail again.*invalid event: id/s);
  });

  test("is discarded and restored with a reason, and only if it still can be", async () => {
    const operator = await signedIn();
    const [id = ""] = await shared().recordAndSettle(invalidBody("aside"));
    for (const form of [{}, { reason: "" }, { reason: "  " }, { reason: "x", dryRun: "yes" }]) {
      const refused = await operator.post(`/deliveries/${id}/discard`, form);
      expect([form, refused.status]).toEqual([form, 400]);
    }
    expect((await operator.post(`/deliveries/${id}/restore`, { reason: "x" })).status).toBe(409);
    expect((await operator.post(`/deliveries/${id}/discard`, { reason: "junk" })).status).toBe(303);
    expect((await operator.post(`/deliveries/${id}/discard`, { reason: "junk" })).status).toBe(409);
    expect((await operator.get(`/deliveries/${id}/redrive`)).status).toBe(409);
    expect((await operator.post(`/deliveries/${id}/restore`, { reason: "back" })).status).toBe(303);
    expect(await shared().statuses([id])).toEqual(["invalid-event"]);
    expect(await decisionsOf(id)).toMatchObject([
      { action: "discard" },
      { action: "restore", reason: "back" },
    ]);
  });
});

describe("a bulk action", () => {
  test("is about all that the filter of the list matches: previewed, confirmed, carried out", async () => {
    const operator = await signedIn();
    await shared().recordAndSettle(...Array.from({ length: 11 }, (_, n) => `bulk ${n}`));
    const list = (await operator.get("/dead-letters?reason=unparsable")).text;
    expect(list).toContain("Decide about all 11 that match…");
    expect(list).toContain('name="filter.reason" value="unparsable"');
    const form = { "filter.reason": "unparsable", action: "discard", reason: "junk <b>" };
    const made = await operator.post("/bulk-actions", form);
    const path = made.headers.location ?? "";
    expect([made.status, path]).toEqual([303, expect.stringMatching(/^\/bulk-actions\/\d+$/)]);
    const preview = (await operator.get(path)).text;
    for (const words of ["Discard exactly these 11", "The latest 10 of exactly 11", "junk &lt;b&gt;"])
      expect(preview).toContain(words);
    expect((await operator.post(`${path}/confirm`)).headers.location).toBe(path);
    await waitFor(
      () => operator.get(path),
      ({ text }) => text.includes("11 of 11 decided") && text.includes("completed"),
    );
    expect((await operator.post(`${path}/abort`)).status).toBe(409);
    const all = (await operator.get("/bulk-actions")).text;
    for (const words of [
      path,
      "reason: unparsable",
      "Olga the operator",
      "junk &lt;b&gt;",
      "completed",
      "Discard 11 dead letters",
    ])
      expect(all).toContain(words);
  });

  test("takes no empty filter, and no other fields", async () => {
    const operator = await signedIn();
    await deadLetter("unfiltered");
    const made = () => shared().rows("select from bulk_actions");
    const before = await made();
    for (const form of [
      { action: "discard", reason: "x" },
      { action: "discard", reason: "x", "filter.reason": "" },
      { action: "discard", reason: "x", "filter.odd": "y" },
      { action: "discard", "filter.reason": "stalled" },
      { action: "forget", reason: "x", "filter.reason": "stalled" },
      { action: "discard", reason: "x".repeat(501), "filter.reason": "stalled" },
    ])
      expect((await operator.post("/bulk-actions", form)).status).toBe(400);
    expect(await made()).toEqual(before);
    expect((await operator.get("/dead-letters")).text).toContain("takes no empty filter");
  });

  test("that is aborted midway keeps the rest", async (context) => {
    const { pool, recordAndSettle, statuses, ...console } = await startTestConsole(context);
    const browser = openBrowser(console as never);
    await browser.signIn(TOKEN);
    const ids = await recordAndSettle("{", "{", "{");
    const filter = { reason: "unparsable" } as const;
    const id = await createBulkAction(pool, { action: "discard", filter, reason: "junk", createdBy: "Ada" });
    // Another console has decided one batch of it and holds the action.
    const holder = crypto.randomUUID();
    await pool.query("update bulk_actions set state = 'running', confirmed_by = 'Ada'");
    await decideNextBatch(pool, holder, 1);
    const page = (await browser.get(`/bulk-actions/${id}`)).text;
    expect(page).toMatch(/1 of 3 decided.*Abort/s);
    expect((await browser.post(`/bulk-actions/${id}/abort`)).status).toBe(303);
    expect(await decideNextBatch(pool, holder, 1)).toBeUndefined();
    expect(await findBulkAction(pool, id)).toMatchObject({
      state: "aborted",
      decided: 1,
      abortedBy: "bootstrap",
    });
    expect(await statuses(ids)).toEqual(["discarded", "unparsable", "unparsable"]);
    expect((await browser.post(`/bulk-actions/${id}/confirm`)).status).toBe(409);
  });

  test("of a redrive has a dry run of what it selected, no later one, and lists what it could not decide", async () => {
    const operator = await signedIn();
    const kept = await shared().recordAndExhaust(eventBody("dry", { event: "Dry" }));
    const form = { "filter.event": "Dry", action: "redrive", reason: "mended" };
    const path = (await operator.post("/bulk-actions", form)).headers.location ?? "";
    const later = await shared().recordAndExhaust(eventBody("later", { event: "Dry" }));
    const run = (await operator.get(`${path}/dry-run`)).text;
    expect(run).toMatch(/the dead letters that it selected.*1 would be applied.*dry<.*a new person/s);
    expect(run).not.toContain("later<");
    await operator.post(`/deliveries/${later}/discard`, { reason: "not of the set" });
    await operator.post(`/deliveries/${kept}/discard`, { reason: "meanwhile" });
    await operator.post(`${path}/confirm`);
    await waitFor(
      () => operator.get(path),
      ({ text }) => text.includes("1 not, as they had changed") && text.includes(`/deliveries/${kept}`),
    );
  });

  test("is none for other paths", async () => {
    const operator = await signedIn();
    for (const path of ["/bulk-actions/x", "/bulk-actions/999999", "/bulk-actions/0"]) {
      expect((await operator.get(path)).status).toBe(404);
      expect((await operator.post(`${path}/confirm`)).status).toBe(404);
    }
  });
});

test("a viewer sees dead letters and bulk actions, and is refused each decision", async () => {
  const viewer = await signedIn("viewer");
  const [id = ""] = await shared().recordAndSettle(UNPARSABLE_BODY);
  const filter = { reason: "unparsable" } as const;
  const action = { action: "discard", filter, reason: "junk", createdBy: "Ada" } as const;
  const bulk = await createBulkAction(shared().pool, action);
  const dump = () =>
    shared().rows(
      "select status from (select state as status from bulk_actions union all select settled_as from settlements) as all_of_them order by 1",
    );
  const before = await dump();
  for (const path of [
    "/dead-letters?reason=unparsable",
    `/deliveries/${id}`,
    "/bulk-actions",
    `/bulk-actions/${bulk}`,
  ]) {
    const { status, text } = await viewer.get(path);
    expect([path, status, /<form method="post" action="\/(?!sign-out)|\/redrive"/.exec(text)]).toEqual([
      path,
      200,
      null,
    ]);
  }
  for (const path of [`/deliveries/${id}/redrive`, `/bulk-actions/${bulk}/dry-run`])
    expect((await viewer.get(path)).status).toBe(403);
  for (const path of [
    `/deliveries/${id}/redrive`,
    `/deliveries/${id}/discard`,
    `/deliveries/${id}/restore`,
    "/bulk-actions",
    `/bulk-actions/${bulk}/confirm`,
    `/bulk-actions/${bulk}/abort`,
  ]) {
    const form = { reason: "x", action: "discard", "filter.reason": "unparsable" };
    expect([path, (await viewer.post(path, form)).status]).toEqual([path, 403]);
  }
  expect(await dump()).toEqual(before);
});

test("a decision is taken from the console's own pages alone", async () => {
  const operator = await signedIn();
  const [id = ""] = await shared().recordAndSettle(UNPARSABLE_BODY);
  for (const path of [
    `/deliveries/${id}/discard`,
    "/bulk-actions",
    "/bulk-actions/1/confirm",
    "/bulk-actions/1/abort",
  ])
    for (const headers of [
      { origin: "https://evil.example" },
      { origin: "" },
      { "sec-fetch-site": "cross-site" },
    ])
      expect((await operator.post(path, { reason: "x" }, headers as Record<string, string>)).status).toBe(
        403,
      );
  expect(await shared().statuses([id])).toEqual(["unparsable"]);
});
