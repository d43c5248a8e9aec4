import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { exportEvidence, recordFailedAttempt, verifyEvidenceFile } from "../../src/index.ts";
import { tamper, useRecord } from "../database.ts";
import { eventBody } from "../fixtures.ts";

const CODE = "1.2.3";

const database = useRecord({ start: "sample" });
let entityId: string;
let lines: readonly string[];

beforeAll(async () => {
  const { pool } = database;
  // The person of a dead letter with a failed attempt, which also gets a decision.
  const [row] = await database.rows<{ entity_id: string; delivery_id: string }>(
    "select entity_id, delivery_id from dead_letters join failed_attempts using (delivery_id) where entity_id is not null",
  );
  entityId = row!.entity_id;
  await pool.query(
    `insert into decisions (delivery_id, action, decided_by, reason)
     values ('${row!.delivery_id}', 'redrive', 'Olga', 'fixed')`,
  );
  lines = await collect(exportEvidence(pool, entityId, CODE));
});

async function collect(file: AsyncIterable<string>): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const line of file) all.push(line);
  return all;
}

type Line = Record<string, unknown>;

function parse(text: string | undefined): Line {
  return JSON.parse(text ?? "") as Line;
}

function kinds(): readonly string[] {
  return lines.map((text) => String(parse(text)["line"]));
}

describe("an evidence file", () => {
  test("verifies without a database, and holds all evidence of the person", async () => {
    const [counts] = await database.rows<{ events: number; redeliveries: number; deliveries: number }>(`select
      (select count(*) from events where entity_id = '${entityId}')::int as events,
      (select count(*) from redeliveries where entity_id = '${entityId}')::int as redeliveries,
      (select count(*) from deliveries where delivery_id in (
        select delivery_id from events where entity_id = '${entityId}'
        union select delivery_id from redeliveries where entity_id = '${entityId}'
        union select delivery_id from dead_letters where entity_id = '${entityId}'))::int as deliveries`);
    expect(await verifyEvidenceFile(lines, CODE)).toMatchObject({
      findings: [],
      notes: [],
      persons: 1,
      ...counts,
    });
    expect(counts!.deliveries).toBeGreaterThan(counts!.events + counts!.redeliveries);
    expect(new Set(kinds())).toEqual(
      new Set([
        "header",
        "head",
        "delivery",
        "entry",
        "failed-attempt",
        "dead-letter",
        "decision",
        "person",
        "end",
      ]),
    );
  });

  test("says what a chain covers, and what only the digest that anyone can compute anew", async () => {
    const [head] = await database.rows<{ hash: string }>(
      `select encode(hash, 'hex') as hash from streams where entity_id = '${entityId}'`,
    );
    const at = kinds().indexOf("decision");
    const forged = lines.slice(0, -1).with(at, JSON.stringify({ ...parse(lines[at]), reason: "forged" }));
    expect(await verifyEvidenceFile(withEnd(forged), CODE)).toMatchObject({
      findings: [],
      file: {
        chainedUpTo: head!.hash,
        digestedOnly: {
          "failed-attempt": 1,
          "dead-letter": 2,
          decision: 2,
          "delivery without an entry": 2,
        },
      },
    });
  });

  test("has the exact bytes, and how they were verified", async () => {
    const delivery = parse(lines[kinds().indexOf("delivery")]);
    const [row] = await database.rows<{ body: Buffer; secret_fingerprint: string }>(
      `select body, secret_fingerprint from deliveries where delivery_id = '${String(delivery["deliveryId"])}'`,
    );
    expect(Buffer.from(String(delivery["body"]), "base64")).toEqual(row!.body);
    expect(delivery).toMatchObject({
      verifiedBy: "signature",
      secretFingerprint: row!.secret_fingerprint,
      headers: '{"content-type":"application/json","user-agent":"iComply"}',
    });
  });

  test("of an unknown person does not verify", async () => {
    const empty = await collect(exportEvidence(database.pool, "nobody", CODE));
    const { findings } = await verifyEvidenceFile(empty, CODE);
    expect(findings.map(({ check }) => check)).toEqual(["person"]);
  });

  test("verifies even if the projection was written by older code", async () => {
    const before = await database.rows(`select * from natural_persons where entity_id = '${entityId}'`);
    await tamper(
      database.pool,
      `update natural_persons set state = replace(state::text, '"unrecognisedEvents":', '"unrecognisedEvents":1')::json
       where entity_id = '${entityId}'`,
    );
    expect(await database.rows(`select * from natural_persons where entity_id = '${entityId}'`)).not.toEqual(
      before,
    );
    expect((await verifyEvidenceFile(exportEvidence(database.pool, entityId, CODE), CODE)).findings).toEqual(
      [],
    );
  });

  test("of another version verifies even if that folds differently, with a note", async () => {
    const at = kinds().indexOf("person");
    const person = parse(lines[at])["state"] as Line;
    const older = lines
      .slice(0, -1)
      .with(0, JSON.stringify({ ...parse(lines[0]), codeVersion: "1.2.2" }))
      .with(at, JSON.stringify({ line: "person", state: { ...person, status: "unknown" } }));
    expect(await verifyEvidenceFile(withEnd(older), CODE)).toMatchObject({
      findings: [],
      notes: ['the person was folded by version "1.2.2"; by this one, 1.2.3, it differs in status'],
    });
    const { findings } = await verifyEvidenceFile(withEnd(older.toSpliced(at, 1)), CODE);
    expect(findings.map(({ check }) => check)).toEqual(["person"]);
  });

  test("of each person verifies", async () => {
    const persons = await database.rows<{ entity_id: string }>("select entity_id from streams");
    for (const { entity_id } of persons)
      expect(
        (await verifyEvidenceFile(exportEvidence(database.pool, entity_id, CODE), CODE)).findings,
      ).toEqual([]);
  });
});

describe("an evidence file of a person without a file", () => {
  async function exportUnlogged(): Promise<readonly string[]> {
    const { pool, record, recordAndExhaust } = database;
    await recordAndExhaust(eventBody("only dead and open"));
    const [open = ""] = await record(eventBody("only dead and open", { id: "2" }));
    await recordFailedAttempt(
      pool,
      { deliveryId: open, error: "TypeError: x", stack: undefined, codeVersion: "test" },
      [1],
    );
    return collect(exportEvidence(pool, "only dead and open", CODE));
  }

  test("has the dead-lettered and the open deliveries, and verifies", async () => {
    const file = (await exportUnlogged()).map(parse);
    expect(file.map(({ line }) => line)).toEqual([
      "header",
      "delivery",
      "delivery",
      "failed-attempt",
      "dead-letter",
      "failed-attempt",
      "end",
    ]);
    expect(file[0]).toMatchObject({ openDeliveriesSearched: { searched: expect.any(Number) } });
    expect(await verifyEvidenceFile(await exportUnlogged(), CODE)).toMatchObject({
      findings: [],
      persons: 0,
      deliveries: 4,
    });
  });

  test("does not verify if a delivery is said to be in the log", async () => {
    const file = await exportUnlogged();
    const settlement = { settledAs: "applied", settledAt: "2026-01-01T00:00:00Z" };
    const forged = file.slice(0, -1).with(1, JSON.stringify({ ...parse(file[1]), settlement }));
    const { findings } = await verifyEvidenceFile(withEnd(forged), CODE);
    expect(findings.map(({ check }) => check)).toEqual(["person"]);
  });
});

describe("a changed evidence file", () => {
  test("does not verify, whichever field of whichever line was changed", async () => {
    for (const kind of new Set(kinds())) {
      const at = kinds().lastIndexOf(kind);
      for (const field of Object.keys(parse(lines[at]))) {
        const changed = { ...parse(lines[at]), [field]: alter(parse(lines[at])[field]) };
        const { findings } = await verifyEvidenceFile(lines.with(at, JSON.stringify(changed)), CODE);
        expect.soft(findings, `${kind}.${field}`).not.toEqual([]);
        expect
          .soft(
            findings.some(
              ({ first }) => first.line === at + 1 || first.line === lines.length || kind === "end",
            ),
            `${kind}.${field} is located`,
          )
          .toBe(true);
      }
    }
  });

  test("does not verify if a line is missing, doubled or moved", async () => {
    for (const [at, line] of lines.entries()) {
      const without = lines.toSpliced(at, 1);
      expect
        .soft((await verifyEvidenceFile(without, CODE)).findings, `without line ${at + 1}`)
        .not.toEqual([]);
      const twice = lines.toSpliced(at, 0, line);
      expect
        .soft((await verifyEvidenceFile(twice, CODE)).findings, `with line ${at + 1} twice`)
        .not.toEqual([]);
      const moved = without.toSpliced((at + 1) % lines.length, 0, line);
      expect
        .soft((await verifyEvidenceFile(moved, CODE)).findings, `with line ${at + 1} moved`)
        .not.toEqual([]);
    }
  });

  // The digest at the end detects any change, but it can be computed anew by whoever changes the file.
  test.each([
    ["entry", { creationTimeUtc: "2030-01-01T00:00:00.0000000Z" }, "hash"],
    ["entry", { hash: "00".repeat(32) }, "hash"],
    ["entry", { deliveryDigest: "00".repeat(32) }, "delivery-digest"],
    ["delivery", { body: Buffer.from("{}").toString("base64") }, "delivery-digest"],
    ["delivery", { headers: "{}" }, "delivery-digest"],
    ["delivery", { verifiedBy: "payload-secret" }, "delivery-digest"],
    ["delivery", { secretFingerprint: "another" }, "delivery-digest"],
    ["delivery", { digest: "00".repeat(32) }, "delivery-digest"],
    ["delivery", { receivedAt: "2030-01-01T00:00:00.0000000Z" }, "received-at"],
    ["delivery", { settlement: null }, "settlement"],
    ["head", { seq: 1 }, "head"],
    ["person", { state: {} }, "person"],
    ["header", { entityId: "somebody else" }, "hash"],
    ["dead-letter", { deliveryId: "another" }, "delivery-missing"],
  ])("does not verify with a new digest either: %s %o", async (kind, change, check) => {
    const at = kinds().indexOf(kind);
    const changed = lines.slice(0, -1).with(at, JSON.stringify({ ...parse(lines[at]), ...change }));
    const { findings } = await verifyEvidenceFile(withEnd(changed), CODE);
    expect(findings.map((finding) => finding.check)).toContain(check);
    expect(findings.map((finding) => finding.check)).not.toContain("file-digest");
  });

  test("gets findings, and throws nothing, whatever its lines are", async () => {
    for (const text of ["", "[", "null", "[]", '{"line":"header"}', '{"line":"header","version":2}'])
      expect((await verifyEvidenceFile([text], CODE)).findings).not.toEqual([]);
    expect((await verifyEvidenceFile([], CODE)).findings).not.toEqual([]);
  });
});

function withEnd(changed: readonly string[]): readonly string[] {
  const sha256 = createHash("sha256");
  for (const text of changed) sha256.update(`${text}\n`);
  return [...changed, JSON.stringify({ line: "end", lines: changed.length, sha256: sha256.digest("hex") })];
}

/** Returns another value of the same type, if there is one. */
function alter(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  if (typeof value === "string") return /^[0-9a-f]{64}$/.test(value) ? "0".repeat(64) : `${value}A`;
  if (value === null) return "A";
  return Array.isArray(value) ? ["A"] : { ...value, another: 1 };
}
