import { createToken, revokeToken, writeReport } from "@dossier/store";
import { eventBody } from "@dossier/store/fixtures";
import { waitFor } from "@dossier/testing";
import { expect, test } from "vitest";
import { startTestConsole, TOKEN } from "../harness.ts";
import { openBrowser } from "./browser.ts";

test("the system page says what runs and why it does not, with its settings and secrets by fingerprint", async (context) => {
  const console = await startTestConsole(context);
  const instance = {
    instanceId: crypto.randomUUID(),
    version: "1.2.3",
    host: "host-<1>",
    pid: 7,
    stopped: false,
  };
  await writeReport(console.pool, {
    ...{ ...instance, service: "worker", jobs: 2, rate: 1.5, minutes: [] },
    ...{ pausedBecause: "queue-unavailable", settings: { WORKER_CONCURRENCY: "7" } },
  });
  await console.recordAndSettle("{");
  const browser = openBrowser(console);
  await browser.signIn(TOKEN);
  const { text } = await waitFor(
    () => browser.get("/system"),
    (answer) => expect(answer.text).toContain("CONSOLE_URL"),
  );
  for (const words of [
    ...["host-&lt;1&gt;", "paused", "the queue is unavailable to it", "1.2.3", "WORKER_CONCURRENCY"],
    ...["sha256:0", "removed", "migrated", "nothing", "set, not shown"],
  ])
    expect(text).toContain(words);
  for (const hidden of [TOKEN, "postgres:", "<1>"]) expect(text).not.toContain(hidden);
});

test("a console whose migrations have not all run is not ready, and says what to do", async (context) => {
  const console = await startTestConsole(context);
  expect((await console.request("/readyz")).status).toBe(200);
  await console.rows("delete from migrations where name like '0016%'");
  expect((await console.request("/readyz")).status).toBe(503);
  expect((await console.get("/system")).json.schema).toMatchObject({
    migration: expect.stringMatching(/^\d{4}_/),
    missing: ["0016_worklist"],
  });
  const browser = openBrowser(console);
  await browser.signIn(TOKEN);
  expect((await browser.get("/system")).text).not.toContain("dossier rebuild");
  expect((await browser.get("/system")).text).toContain("<code>dossier migrate</code> runs 0016_worklist");
});

test("the system page says that a rebuild is needed", async (context) => {
  const console = await startTestConsole(context);
  await console.recordAndSettle(eventBody("a"));
  await console.rows("update natural_persons set fold_version = fold_version - 1");
  const browser = openBrowser(console);
  await browser.signIn(TOKEN);
  expect((await browser.get("/system")).text).toContain("<code>dossier rebuild</code>");
});

test("admins see who has a token, in the page and the API, and nobody sees a token", async (context) => {
  const console = await startTestConsole(context);
  const ada = await createToken(console.pool, { name: "Ada <b>", role: "operator", isService: false });
  const feed = await createToken(console.pool, { name: "feed", role: "viewer", isService: true });
  await revokeToken(console.pool, feed.tokenId);
  const { items } = (await console.get("/tokens")).json;
  expect(items).toMatchObject([
    { name: "Ada <b>", role: "operator", isService: false, state: "valid", revokedAt: null },
    { name: "feed", role: "viewer", isService: true, state: "revoked", expiresAt: null },
  ]);
  const [admin, operator] = [openBrowser(console), openBrowser(console)];
  await admin.signIn(TOKEN);
  await operator.signIn(ada.token);
  const { text } = await admin.get("/system");
  for (const words of ["Ada &lt;b&gt;", "for the API alone", "revoked"]) expect(text).toContain(words);
  const seen = (await operator.get("/system")).text;
  expect(seen).not.toContain("for the API alone");
  for (const { token } of [ada, feed])
    expect(text + seen + JSON.stringify(items)).not.toContain(token.slice(-20));
  const asOperator = { authorization: `Bearer ${ada.token}` };
  expect((await console.get("/tokens", asOperator)).status).toBe(403);
  expect((await console.get("/system", asOperator)).status).toBe(200);
});
