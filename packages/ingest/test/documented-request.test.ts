import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ingest, SECRET } from "./harness.ts";

const ROOT = new URL("../../..", import.meta.url);
const run = promisify(execFile);
const hasPrograms = await run("sh", ["-c", "command -v openssl curl sed"]).then(
  () => true,
  () => false,
);

test.skipIf(!hasPrograms)(
  "the shell lines of docs/webhooks.md send a webhook that is accepted",
  async (context) => {
    const { port } = await ingest(context);
    const [, lines = ""] =
      /```sh\n([^`]+)```/.exec(readFileSync(new URL("docs/webhooks.md", ROOT), "utf8")) ?? [];
    const script = lines
      .replace(/secret=\S+/, `secret=${SECRET}`)
      .replace("localhost:8080", `127.0.0.1:${port}`);
    const { stdout } = await run("sh", ["-c", script], { cwd: ROOT });
    expect(JSON.parse(stdout)).toMatchObject({ status: "accepted" });
  },
);
