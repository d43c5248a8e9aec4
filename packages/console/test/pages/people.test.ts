import { createToken, type Role } from "@dossier/store";
import { eventBody } from "@dossier/store/fixtures";
import { expect, test } from "vitest";
import { useConsole } from "../harness.ts";
import { openBrowser, type Browser } from "./browser.ts";

const EVIL = '<script>alert("1")</script>';

const shared = useConsole(({ recordAndSettle }) =>
  recordAndSettle(
    eventBody("p-1", { data: { entity: "Canary Bird", email: "canary@mail.example" } }),
    eventBody("p-2", { data: { entity: EVIL, email: EVIL } }),
    eventBody("p-2", { event: "SomethingNew", id: "2" }),
    eventBody("p-3", { data: { entity: "\u202Eevil\u0000 name", email: "=cmd@mail.example" } }),
    eventBody("p-4", { data: { entity: "x".repeat(5_000), email: "Zoë@mail.example" } }),
    eventBody("=1+1", { data: { entity: "+Sum Total" } }),
    ...Array.from({ length: 60 }, (_, n) => eventBody(`q-${n + 100}`, { data: { entity: "Canary Two" } })),
  ),
);

async function signIn(role: Role): Promise<Browser> {
  const { token } = await createToken(shared().pool, { name: `Ada ${role}`, role, isService: false });
  const browser = openBrowser(shared());
  await browser.signIn(token);
  return browser;
}

/** Searches as the form does. Returns the list's URL and text. */
async function search(browser: Browser, form: Record<string, string>) {
  const { status, headers } = await browser.post("/natural-persons", form);
  expect(status).toBe(303);
  const url = headers.location ?? "";
  return { url, text: (await browser.get(url)).text };
}

const idsOf = (text: string) =>
  [...text.matchAll(/href="\/natural-persons\/([^"?]+)"/g)].map(([, id = ""]) => decodeURIComponent(id));

test("a search is listed in pages; its term is in no URL and no log line", async () => {
  const browser = await signIn("operator");
  const { url, text } = await search(browser, { q: "canary", status: "pending", reviewNeeded: "", asOf: "" });
  expect(url).toMatch(/^\/natural-persons\?status=pending&search=[\w-]+$/);
  expect(text).toContain('value="canary"');
  expect(text).toContain("<b>61 persons</b>");
  const [, next = ""] = /href="([^"]+)" rel="next"/.exec(text) ?? [];
  const second = (await browser.get(`/natural-persons${next.replaceAll("&amp;", "&")}`)).text;
  const ids = [...idsOf(text), ...idsOf(second)];
  expect([ids.length, new Set(ids).size, idsOf(second).length]).toEqual([61, 61, 11]);
  expect(Buffer.from(url.split("=").at(-1) ?? "", "base64url").toString("latin1")).not.toContain("canary");
  const links = [...`${text}${second}`.matchAll(/(?:href|action|value)="([^"]*)"/g)].map(([, link]) => link);
  expect(links.filter((link) => link?.includes("canary"))).toEqual(["canary", "canary"]);
  expect(shared().output()).not.toContain("canary");
  const other = await (await signIn("operator")).get(url);
  expect([other.status, other.text.includes("canary")]).toEqual([400, false]);
});

test("names of any kind are masked, and do no harm", async () => {
  const { text } = await search(await signIn("admin"), { q: "p-" });
  expect(idsOf(text)).toEqual(["p-1", "p-2", "p-3", "p-4"]);
  for (const shown of ["C••• B•••", "c•••@m•••.example".slice(0, 9), "e••• n•••", "x•••", "1 unknown"])
    expect(text).toContain(shown);
  for (const hidden of ["<script>a", "alert", "Bird", "\u202E", "\u0000", "xx", "canary@"])
    expect(text).not.toContain(hidden);
});

test("a viewer finds a person by a whole e-mail or id alone, and exports nothing", async () => {
  const viewer = await signIn("viewer");
  const found = async (q: string) => idsOf((await search(viewer, { q })).text);
  expect(await found("canary@MAIL.example")).toEqual(["p-1"]);
  expect(await found("p-2")).toEqual(["p-2"]);
  for (const part of ["canary", "Canary Bird", "mail.example", "p-", "a\u202E"])
    expect(await found(part)).toEqual([]);
  expect((await viewer.post("/natural-persons/export")).status).toBe(403);
  expect((await viewer.get("/natural-persons")).text).not.toContain("/natural-persons/export");
});

test("people are filtered by what the URL says, also as of a time", async () => {
  const browser = await signIn("viewer");
  const list = async (query: string) => (await browser.get(`/natural-persons?${query}`)).text;
  expect(idsOf(await list("unknownEvents=true"))).toEqual(["p-2"]);
  expect(idsOf(await list("reviewNeeded=true"))).toEqual([]);
  expect(await list("reviewNeeded=true")).toContain("No person matches");
  expect(await list("knownAt=2020-01-01T00:00:00Z")).toContain("Not counted at an earlier time");
  for (const time of ["2020-01-01", "2020-01-01 12:00", "2020-01-01 12:00:00Z"]) {
    const { status, text } = await browser.get(
      `/natural-persons?${new URLSearchParams({ asOf: time }).toString()}`,
    );
    expect([time, status, text.includes("Nobody.")]).toEqual([time, 200, true]);
  }
  const { status, text } = await browser.get("/natural-persons?asOf=yesterday");
  expect([status, text.includes("As of must be an ISO 8601 time")]).toEqual([400, true]);
  for (const q of ["a\0", "x".repeat(301)])
    expect((await browser.post("/natural-persons", { q })).status).toBe(400);
});

test("a filter that cannot be read is shown again, with what is wrong marked and all that was given", async () => {
  const browser = await signIn("operator");
  const given = {
    q: "canary",
    status: "approved",
    reviewNeeded: "true",
    asOf: "yesterday",
    knownAt: "2026-01-01",
  };
  const { headers } = await browser.post("/natural-persons", given);
  const refused = await browser.get(headers.location ?? "");
  expect(refused.status).toBe(400);
  expect(refused.text.match(/aria-invalid/g)).toHaveLength(1);
  expect(refused.text).toMatch(
    /name="asOf" value="yesterday"[^>]*aria-invalid="true" aria-describedby="refused times"/,
  );
  for (const kept of [
    'value="canary"',
    'value="approved" selected',
    'value="true" checked',
    'value="2026-01-01T00:00:00Z"',
  ])
    expect(refused.text).toContain(kept);
});

test("an export has everybody who is listed, masked, with no formula, and is in the audit log", async () => {
  const browser = await signIn("operator");
  const { url } = await search(browser, { q: "1", status: "pending" });
  const form = Object.fromEntries(new URL(url, "http://x").searchParams);
  const { status, headers, text } = await browser.post("/natural-persons/export", form);
  expect([status, headers["content-disposition"]]).toEqual([200, 'attachment; filename="persons.csv"']);
  const [head, ...lines] = text.trimEnd().split("\r\n");
  expect(head).toMatch(/^"entityId","name","email","status"/);
  expect(lines).toHaveLength(63);
  expect(lines[0]).toMatch(/^"'=1\+1","'\+••• T•••","[^"]*","pending","false","0","1","20/);
  expect(text).not.toMatch(/canary|Bird/);
  const { items } = (await shared().get("/audit?action=exported")).json;
  expect(items).toMatchObject([
    { who: "Ada operator", detail: { list: "natural-persons", status: "pending", searched: "yes" } },
  ]);
  expect(JSON.stringify(items)).not.toContain("canary");
  await browser.post("/natural-persons/export", {
    ...{ asOf: "2026-01-31T00:00:00Z", knownAt: "2026-02-01T12:00:00Z" },
  });
  expect((await shared().get("/audit?action=exported&limit=1")).json.items).toMatchObject([
    { detail: { asOf: "2026-01-31T00:00:00.0000000Z", knownAt: "2026-02-01T12:00:00.0000000Z" } },
  ]);
});
