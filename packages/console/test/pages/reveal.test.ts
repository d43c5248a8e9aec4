import { createToken, isRevealed, type Role } from "@dossier/store";
import { expect, test } from "vitest";
import { TOKEN, useConsole } from "../harness.ts";
import { openBrowser } from "./browser.ts";

const shared = useConsole();
const ID = "a/ü <b>";
const PATH = `/natural-persons/${encodeURIComponent(ID)}/reveal`;

async function signIn(role: Role) {
  const { token } = await createToken(shared().pool, { name: `Ada ${role}`, role, isService: false });
  const browser = openBrowser(shared());
  await browser.signIn(token);
  return browser;
}

const idOf = ({ cookie }: { cookie: string }) => cookie.slice("dossier-session=".length);
const audited = async () => (await shared().get("/audit?action=revealed")).json.items;

test("an operator reveals a person with a reason, for this session alone, and is in the audit log", async () => {
  const browser = await signIn("operator");
  const { status, headers } = await browser.post(PATH, { reason: "<i>a complaint", next: "/x?asOf=2026" });
  expect([status, headers.location]).toEqual([303, "/x?asOf=2026"]);
  expect(await isRevealed(shared().pool, idOf(browser), ID)).toBe(true);
  expect(await isRevealed(shared().pool, idOf(await signIn("operator")), ID)).toBe(false);
  expect((await audited())[0]).toMatchObject({
    who: "Ada operator",
    action: "revealed",
    subject: ID,
    reason: "<i>a complaint",
  });
  const admin = openBrowser(shared());
  await admin.signIn(TOKEN);
  const elsewhere = await admin.post(PATH, { reason: "again", next: "//evil.example/" });
  expect([elsewhere.status, elsewhere.headers.location]).toEqual([303, "/"]);
});

test("a reveal is refused to viewers, without a reason, and from other sites, and leaves nothing", async () => {
  const before = await audited();
  const [viewer, operator] = [await signIn("viewer"), await signIn("operator")];
  expect((await viewer.post(PATH, { reason: "curious" })).status).toBe(403);
  for (const reason of ["", " ", "\0", "a".repeat(501)])
    expect((await operator.post(PATH, { reason })).status).toBe(400);
  expect((await operator.post(PATH, { reason: "a".repeat(70_000) })).status).toBe(413);
  expect((await operator.post(PATH, { reason: "x" }, { origin: "https://evil.example" })).status).toBe(403);
  const { status, headers } = await openBrowser(shared()).post(PATH, { reason: "x" });
  expect([status, headers.location]).toEqual([303, "/sign-in"]);
  const { headers: refused } = await operator.get(PATH);
  expect(refused.allow).toBe("POST");
  for (const { cookie } of [viewer, operator])
    expect(await isRevealed(shared().pool, idOf({ cookie }), ID)).toBe(false);
  expect(await audited()).toEqual(before);
});
