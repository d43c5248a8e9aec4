import { createToken, revokeToken } from "@dossier/store";
import { waitFor } from "@dossier/testing";
import { describe, expect, test } from "vitest";
import { startTestConsole, TOKEN, useConsole } from "../harness.ts";
import { openBrowser } from "./browser.ts";

const shared = useConsole();
const create = (isService = false) =>
  createToken(shared().pool, { name: "Ada <Lovelace>", role: "operator", isService });

describe("signing in", () => {
  test("is asked for first, and leads to the page that was asked for", async () => {
    const browser = openBrowser(shared());
    const asked = await browser.get("/?a=b");
    expect([asked.status, asked.headers.location]).toEqual([303, "/sign-in?next=%2F%3Fa%3Db"]);
    expect((await browser.get("/sign-in?next=%2F%3Fa%3Db")).text).toContain('name="next" value="/?a=b"');
    const { token } = await create();
    const { status, headers } = await browser.signIn(token, "/?a=b");
    expect([status, headers.location]).toEqual([303, "/?a=b"]);
    expect(headers["set-cookie"]).toEqual([
      expect.stringMatching(/^dossier-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/),
    ]);
    const { text } = await browser.get("/");
    expect(text).toContain("<b>Ada &lt;Lovelace&gt;</b> · operator");
  });

  test.each(["//evil.example/", "https://evil.example/", "/\\evil.example", "/.//evil.example", "x:y", ""])(
    "never leads to another host: next=%j",
    async (next) => {
      const { headers } = await openBrowser(shared()).signIn(TOKEN, next);
      expect(headers.location).toBe("/");
    },
  );

  test("fails with a token that is unknown, revoked or a service's, says why, and is in the audit log", async () => {
    const revoked = await create();
    await revokeToken(shared().pool, revoked.tokenId);
    const service = await create(true);
    const browser = openBrowser(shared());
    for (const [token, says] of [
      ["wrong", "not known"],
      ["", "Enter a token"],
      [revoked.token, "revoked"],
      [service.token, "for the API alone"],
    ] as const) {
      const { status, text, headers } = await browser.signIn(token);
      expect([status, headers["set-cookie"]]).toEqual([401, undefined]);
      expect(text).toContain(says);
      expect(text).not.toContain(token || 'value="wrong"');
    }
    const read = async () => (await shared().get("/audit?action=sign-in-failed")).json.items;
    const items: { who: string | null; reason: string }[] = await waitFor(read, (found) => found.length > 0);
    expect(items[0]?.reason).toMatch(/unknown|revoked|service/);
    expect((await shared().get("/stats", { authorization: `Bearer ${service.token}` })).status).toBe(200);
  });

  test("and out are in the audit log, and a session that is over is no sign-in", async () => {
    const browser = openBrowser(shared());
    await browser.signIn(TOKEN);
    const second = { ...browser };
    expect((await browser.get("/")).status).toBe(200);
    const out = await browser.post("/sign-out");
    expect([out.status, out.headers.location, browser.cookie]).toEqual([303, "/sign-in", ""]);
    expect((await browser.get("/", { cookie: second.cookie })).status).toBe(303);
    const { items } = (await shared().get("/audit?who=bootstrap&limit=2")).json;
    expect(items).toMatchObject([
      { action: "signed-out" },
      { action: "signed-in", detail: { role: "admin" } },
    ]);
  });

  test("ends the session that the browser had", async () => {
    const browser = openBrowser(shared());
    await browser.signIn(TOKEN);
    const first = browser.cookie;
    await browser.signIn(TOKEN);
    expect(browser.cookie).not.toBe(first);
    expect((await browser.get("/", { cookie: first })).status).toBe(303);
    expect((await browser.get("/")).status).toBe(200);
  });
});

describe("a session", () => {
  test("ends with its token, from the next request on", async () => {
    const browser = openBrowser(shared());
    const { token, tokenId } = await create();
    await browser.signIn(token);
    expect((await browser.get("/")).status).toBe(200);
    await revokeToken(shared().pool, tokenId);
    expect((await browser.get("/")).status).toBe(303);
  });

  test("is no sign-in to the API, and a bearer token is none to the pages", async () => {
    const browser = openBrowser(shared());
    await browser.signIn(TOKEN);
    expect((await browser.get("/api/v1/stats")).status).toBe(401);
    const bearer = { cookie: "", authorization: `Bearer ${TOKEN}` };
    expect((await browser.get("/", bearer)).status).toBe(303);
  });

  test("is kept by what a person does, and not by a page that refreshes itself", async () => {
    const browser = openBrowser(shared());
    const { token, tokenId } = await create();
    await browser.signIn(token);
    const age = () => shared().rows("update sessions set last_seen_at = now() - interval '20 min'");
    const lastSeen = () =>
      shared().rows<{ recent: boolean }>(
        "select last_seen_at > now() - interval '1 min' as recent from sessions where token_id = $1",
        [tokenId],
      );
    await age();
    expect((await browser.get("/", { "x-dossier-refresh": "1" })).status).toBe(200);
    expect(await lastSeen()).toEqual([{ recent: false }]);
    await browser.get("/");
    expect(await lastSeen()).toEqual([{ recent: true }]);
    await browser.post("/sign-out");
    expect((await browser.get("/", { "x-dossier-refresh": "1" })).status).toBe(401);
  });

  test("is not lost by a link on another site: the browser is asked to come again", async () => {
    const browser = openBrowser(shared());
    const { status, text } = await browser.get("/?a=b", { "sec-fetch-site": "cross-site" });
    expect([status, text.includes('content="0; url=/?a=b"')]).toEqual([200, true]);
  });
});

describe("a write", () => {
  test.each([
    ["without an Origin", { origin: "" }],
    ["from another origin", { origin: "https://evil.example" }],
    ["from an opaque origin", { origin: "null" }],
    ["from another site", { "sec-fetch-site": "cross-site" }],
    ["from another host of the site", { "sec-fetch-site": "same-site" }],
  ])("%s is refused, and changes nothing", async (_, headers: Record<string, string>) => {
    const browser = openBrowser(shared());
    await browser.signIn(TOKEN);
    for (const path of ["/sign-out", "/sign-in"])
      expect((await browser.post(path, { token: TOKEN }, headers)).status).toBe(403);
    expect((await browser.get("/")).status).toBe(200);
  });

  test("is taken from CONSOLE_URL alone, and the cookie is Secure and bound to the host if that is https", async (context) => {
    const config = { CONSOLE_URL: "https://dossier.example/" };
    const browser = openBrowser(await startTestConsole(context, { config }));
    expect((await browser.signIn(TOKEN)).status).toBe(403);
    const own = { origin: "https://dossier.example" };
    const { status, headers } = await browser.post("/sign-in", { token: TOKEN }, own);
    expect([status, headers["set-cookie"]?.[0]]).toEqual([
      303,
      expect.stringMatching(/^__Host-dossier-session=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Strict$/),
    ]);
    expect((await browser.get("/")).headers["strict-transport-security"]).toMatch(/^max-age=/);
    await browser.post("/sign-out", {}, own);
    expect(browser.cookie).toBe("");
  });
});

test("without any token, the anonymous viewer reads the pages on loopback, and signs in nowhere", async (context) => {
  const console = await startTestConsole(context, { config: { DOSSIER_API_TOKEN: undefined } });
  const browser = openBrowser(console);
  expect((await browser.get("/")).text).toContain("Without a token: <b>read-only</b>");
  expect((await browser.get("/sign-in")).headers.location).toBe("/");
  expect((await browser.get("/", { host: "evil.example" })).status).toBe(403);
  await createToken(console.pool, { name: "Ada", role: "viewer", isService: false });
  expect((await browser.get("/")).headers.location).toBe("/sign-in");
});
