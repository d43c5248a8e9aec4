import { countStall, recordFailedAttempt, snooze } from "@dossier/store";
import { eventBody } from "@dossier/store/fixtures";
import { expect, test } from "vitest";
import { TOKEN, useConsole } from "../harness.ts";
import { openBrowser } from "./browser.ts";

const shared = useConsole();

const idsOf = (text: string) => [...text.matchAll(/"\/deliveries\/([\w-]+)"/g)].map(([, id]) => id);

test("failing deliveries are listed with attempts, last error and next attempt, filtered and in pages", async () => {
  const browser = openBrowser(shared());
  await browser.signIn(TOKEN);
  expect((await browser.get("/failing")).text).toContain("Nothing fails");
  const { pool } = shared();
  const bodies = Array.from({ length: 49 }, (_, n) =>
    eventBody("a", { id: `${n}`, data: { entity: "Canary" } }),
  );
  const ids = await shared().record(...bodies);
  for (const deliveryId of ids) {
    const failed = { deliveryId, error: "TypeError: <b>", stack: undefined, codeVersion: "test" };
    await recordFailedAttempt(pool, failed, [60_000]);
  }
  const [snoozed = "", stalled = "", fine = ""] = await shared().record(
    ...["b", "c", "d"].map((id) => eventBody(id)),
  );
  await snooze(pool, snoozed, "DatabaseError 57014: too slow");
  for (let n = 0; n < 3; n++) await countStall(pool, stalled);

  const first = (await browser.get("/failing")).text;
  const [, next = ""] = /href="([^"]+)" rel="next">Later/.exec(first) ?? [];
  const second = (await browser.get(`/failing${next}`)).text;
  expect([idsOf(first), idsOf(second)]).toEqual([[...ids, snoozed], [stalled]]);
  for (const words of ["TypeError: •••", 'data-label="Attempts">1<', "57014: •••", "snoozed"])
    expect(first).toContain(words);
  expect(second).toMatch(/Type not known.*2 workers stopped at it/s);
  expect(first + second).not.toContain("Canary");
  expect(idsOf((await browser.get("/failing?kind=snoozed")).text)).toEqual([snoozed]);
  expect((await browser.get("/failing?kind=lost")).text).toContain(
    "Why must be one of retrying, snoozed, stalled",
  );
  expect((await browser.get(`/deliveries/${fine}`)).text).toContain("Attempts used");
});
