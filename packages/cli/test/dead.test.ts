import { openQueue } from "@dossier/queue";
import { encode, payload } from "@dossier/simulator";
import { deadLetter, findDeadLetter, migrate, openPool, recordDeliveries, settle } from "@dossier/store";
import { freshDatabase, freshRedis } from "@dossier/testing";
import { expect, test, type TestContext } from "vitest";
import { dossier } from "./command.ts";

/** A record and a queue of one's own, and the command on them. */
async function graveyard(context: TestContext) {
  const redisUrl = await freshRedis(context);
  const database = await freshDatabase({ name: "store", make: migrate });
  context.onTestFinished(() => database.drop());
  const pool = openPool(database.url, { name: "test", size: 2 });
  context.onTestFinished(() => pool.end());
  const queue = openQueue({ redisUrl }, { name: "test", timeoutMs: 20_000, onError: () => undefined });
  context.onTestFinished(() => queue.close());
  const env = { DATABASE_URL: database.url, REDIS_URL: redisUrl, USER: "ada" };

  async function receive(bodies: readonly Buffer[]): Promise<string[]> {
    const kept = { headers: {}, verifiedBy: "signature", secretFingerprint: "sha256:0" } as const;
    const deliveries = bodies.map((body) => ({ deliveryId: crypto.randomUUID(), body, ...kept }));
    await recordDeliveries(pool, deliveries);
    return deliveries.map(({ deliveryId }) => deliveryId);
  }

  return {
    pool,
    queue,
    dead: (...args: readonly string[]) => dossier(["dead", ...args], env),
    /** Deliveries that no code can place. */
    async garbage(count: number): Promise<string[]> {
      const ids = await receive(Array.from({ length: count }, () => Buffer.from("{")));
      await settle(pool, ids, "1.0.0");
      return ids;
    },
    /** A delivery that died of a fault which is mended by now. */
    async victim(entityId: string): Promise<string> {
      const [deliveryId = ""] = await receive([
        encode(payload({ event: "NaturalPersonPending", entityId, id: crypto.randomUUID() })),
      ]);
      await deadLetter(
        pool,
        { deliveryId, reason: "fold-failed", message: "failed 8 times", issues: [] },
        "1.0.0",
      );
      return deliveryId;
    },
  };
}

test("dead list shows what fits the filters, and counts all", async (context) => {
  const { dead, garbage, victim } = await graveyard(context);
  await garbage(3);
  const id = await victim("a");

  const all = await dead("list", "--limit", "2");
  expect(all).toMatchObject({ code: 0, stderr: "" });
  expect(all.stdout).toContain("4 dead: fold-failed 1, unparsable 3");
  expect(all.stdout).toContain("the latest 2 are shown");
  const chosen = await dead("list", "--died-of", "fold-failed", "--since", "1h", "--json");
  expect(JSON.parse(chosen.stdout)).toMatchObject({
    items: [{ deliveryId: id, reason: "fold-failed" }],
    counts: { "fold-failed": 1 },
  });
  expect((await dead("list", "--before", "1h")).stdout).toBe("no dead letters\n");
  expect(await dead("list", "--before", "soon")).toMatchObject({ code: 2, stdout: "" });
});

test("dead show tells the whole story", async (context) => {
  const { dead, victim } = await graveyard(context);
  const id = await victim("a");
  const shown = await dead("show", id);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toContain("died as fold-failed: failed 8 times (code 1.0.0)");
  expect(shown.stdout).toContain('"entityId":"a"');
  const { body } = JSON.parse((await dead("show", id, "--json")).stdout) as { body: { text: string } };
  expect(JSON.parse(body.text)).toMatchObject({ data: { entityId: "a" } });
  expect(await dead("show", crypto.randomUUID())).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("never died"),
  });
});

test("dead redrive opens what was chosen, gives it jobs, and says who wanted it", async (context) => {
  const { pool, queue, dead, garbage, victim } = await graveyard(context);
  await garbage(2);
  const id = await victim("a");

  const redriven = await dead("redrive", "--died-of", "fold-failed", "--reason", "mended in 1.0.1");
  expect(redriven).toMatchObject({ code: 0, stdout: "1 redriven\n", stderr: "" });
  expect(await queue.counts()).toMatchObject({ waiting: 1 });
  expect(await findDeadLetter(pool, id)).toMatchObject({
    outcome: "open",
    decisions: [{ action: "redrive", operator: "ada", reason: "mended in 1.0.1" }],
  });
  expect(await dead("redrive", id, "--reason", "again")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("1 of those named are not dead"),
  });
});

test("dead redrive --dry-run shows what would change and what would fail again, and changes nothing", async (context) => {
  const { dead, garbage, victim } = await graveyard(context);
  const [bad = ""] = await garbage(1);
  await victim("a");
  await victim("a");

  const result = await dead("redrive", "--all", "--dry-run");
  expect(result.code).toBe(1);
  expect(result.stdout).toContain("a (new)\n");
  expect(result.stdout).toContain('status: null → "pending"');
  expect(result.stdout).toContain("version: null → 2");
  expect(result.stdout).toContain(`${bad} would fail again: unparsable`);
  expect((await dead("redrive", "--died-of", "fold-failed", "--dry-run")).code).toBe(0);
  expect((await dead("list")).stdout).toContain("3 dead");
});

test("dead discard reaches all, however many, and takes their failed jobs away", async (context) => {
  const { pool, queue, dead, garbage } = await graveyard(context);
  const ids = await garbage(1_234);
  await queue.enqueueSingle(ids[0]!);

  expect((await dead("discard", "--text", "{", "--dry-run")).stdout).toBe("1 234 would be discarded\n");
  const discarded = await dead("discard", "--text", "{", "--reason", "noise", "--operator", "bob", "--json");
  expect(discarded.code).toBe(0);
  expect(JSON.parse(discarded.stdout)).toEqual({ discarded: 1_234, jobsLeft: 0 });
  expect(await queue.counts()).toMatchObject({ waiting: 0 });
  expect(await findDeadLetter(pool, ids[1]!)).toMatchObject({
    outcome: "discarded",
    decisions: [{ action: "discard", operator: "bob", reason: "noise" }],
  });
});

test.each([
  [["redrive"], "Say which"],
  [["redrive", "--all", "--text", "x", "--reason", "r"], "in one way"],
  [["redrive", "--all", "--operator", "ada"], "--reason is kept"],
  [["discard", "--all", "--operator", "ada"], "--reason is kept"],
  [["discard", "--all", "--reason", "r"], "USER is not set"],
])("dead %j is refused before anything is done", async (args, said) => {
  const refused = await dossier(["dead", ...args], { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" });
  expect(refused).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(said) });
});

test.each(["redrive", "discard"])(
  "dead %s of what is no delivery's id is misuse, and says so",
  async (decision) => {
    const { code, stdout, stderr } = await dossier(["dead", decision, crypto.randomUUID(), "0197f3a2"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("'0197f3a2' is invalid for argument 'deliveryId'. It must be a delivery's id");
  },
);
