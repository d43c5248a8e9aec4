import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventBody } from "@dossier/store/fixtures";
import { expect, test, vi } from "vitest";
import { escapeControls } from "../src/terminal/print.ts";
import { formatTable } from "../src/terminal/table.ts";
import { openLog } from "../src/up/log.ts";
import { dossier } from "./command.ts";
import { startConsoleAlone } from "./services.ts";

/** Sets the clipboard, forges a line, hides the rest of it, and reverses what follows. */
const HOSTILE = "a\u001b]52;c;ZXZpbA==\u0007\r\nconsole ready\u009b2K\u007f\u202e\u2028b";
const ESCAPED = String.raw`a\u001b]52;c;ZXZpbA==\u0007\u000d\u000aconsole ready\u009b2K\u007f\u202e\u2028b`;
/** All but the line feeds that end the command's own lines. */
const CONTROLS = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

test("what could control a terminal is escaped, once, and nothing else", () => {
  expect(escapeControls(HOSTILE)).toBe(ESCAPED);
  expect(escapeControls(ESCAPED)).toBe(ESCAPED);
  const harmless = "Ünïcødé ☃ 李小龍 👩‍👧 می‌خواهم \\ \u00ad";
  expect(escapeControls(harmless)).toBe(harmless);
  expect(
    formatTable([
      ["A", "B"],
      ["x\ty", "z"],
    ]),
  ).toEqual([String.raw`A         B`, String.raw`x\u0009y  z`]);
});

test("no command prints a control character of a payload, and JSON keeps it", async () => {
  const { env, recordAndSettle, recordAndExhaust, record } = await startConsoleAlone();
  const hostile = { event: HOSTILE, id: HOSTILE };
  await recordAndSettle(eventBody(HOSTILE, { data: { entity: HOSTILE, email: HOSTILE } }));
  const dead = await recordAndExhaust(eventBody(HOSTILE, hostile), `TypeError: ${HOSTILE}`);
  await record(Buffer.from(`${HOSTILE}\nconsole ready`));
  const [raw = ""] = await recordAndSettle(`${HOSTILE}\n\u001bconsole ready`);

  const commands = [
    ["why", HOSTILE],
    ["why", "nobody"],
    ["delivery", dead],
    ["delivery", raw],
    ["failing"],
    ["status"],
    ["dead", "list"],
    ["dead", "show", dead],
    ["dead", "redrive", "--all", "--dry-run"],
  ];
  for (const args of commands) {
    const { stdout, stderr } = await dossier(args, env);
    const lines = (stdout + stderr).split("\n");
    expect
      .soft(
        lines.filter((line) => CONTROLS.test(line)),
        args.join(" "),
      )
      .toEqual([]);
    expect
      .soft(
        lines.filter((line) => line.startsWith("console ready")),
        args.join(" "),
      )
      .toEqual([]);
  }
  expect((await dossier(["why", HOSTILE], env)).stdout).toContain(ESCAPED);
  const json = JSON.parse((await dossier(["why", HOSTILE, "--json"], env)).stdout);
  expect(json).toMatchObject({ entityId: HOSTILE, person: { name: HOSTILE } });
});

test("the log's lines on the terminal are escaped, and the file keeps them as they are", () => {
  const shown = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const file = join(mkdtempSync(join(tmpdir(), "dossier-log-")), "log");
  openLog(
    file,
    "info",
  )("worker").warn({ code: "test", entityId: HOSTILE, err: new Error(HOSTILE) }, "failed");
  const line = String(shown.mock.calls[0]?.[0]);
  shown.mockRestore();
  expect(line).toBe(`warn worker: failed (${ESCAPED}, entityId ${ESCAPED})\n`);
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ entityId: HOSTILE });
});
