import { expect, test } from "vitest";
import { exited, launch } from "../src/process.ts";

test("a server starts and prints without end though its log's disk is full", async () => {
  // More than the pipe holds.
  const script = 'for i in $(seq 20000); do echo "a message of the server"; done; echo started';
  const child = await launch({
    command: "sh",
    args: ["-c", script],
    ready: "started",
    stopSignal: "SIGINT",
    orphaned: "true",
    log: "/dev/full",
  });
  await exited(child);
  expect(child.exitCode).toBe(0);
});
