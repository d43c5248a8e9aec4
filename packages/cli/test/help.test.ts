import { runNode } from "@dossier/testing";
import { describe, expect, test } from "vitest";
import { dossier, MAIN, runDossier, start } from "./command.ts";

const COMMANDS = [
  "up",
  "migrate",
  "send",
  "simulate",
  "status",
  "ready",
  "why",
  "delivery",
  "failing",
  "dead",
  "secrets",
  "token",
  "rebuild",
  "verify",
  "export",
];
const LEAVES = [
  ...COMMANDS.filter((name) => name !== "dead" && name !== "token"),
  ...["list", "show", "redrive", "discard", "restore", "bulk"].map((name) => `dead ${name}`),
  ...["create", "list", "revoke"].map((name) => `token ${name}`),
];

/** Preloaded: the process fails if it loads the metrics, the log or a client of a server. */
const LOADS_LITTLE = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  registerHooks({
    load(url, context, next) {
      if (/opentelemetry|\\/(pino|pg|bullmq|ioredis)\\//.test(url)) throw new Error("loaded " + url);
      return next(url, context);
    },
  });
`)}`;

describe("the command line", () => {
  test("--help lists every command", async () => {
    const { code, stdout } = await runDossier(["--help"]);
    expect(code).toBe(0);
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name} `, "m"));
  });

  test.each(LEAVES)("%s --help prints its usage and exit codes", async (name) => {
    const { code, stdout, stderr } = await dossier([...name.split(" "), "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(`Usage: dossier ${name}`);
    expect(stdout).toMatch(/Exit codes:\n {2}0 .+\n {2}1 .+\n {2}2 /);
  });

  test("--help loads nothing that only running commands and services need", async () => {
    const { code, stderr } = await runNode(MAIN, { args: ["--help"], execArgv: ["--import", LOADS_LITTLE] });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  test.each([
    [[], "Usage: dossier"],
    [["frob"], "unknown command 'frob'"],
    [["sedn"], "Did you mean send?"],
    [["send", "--giveup"], "unknown option '--giveup'"],
    [["simulate", "--persons", "many"], "whole number from 1"],
    [["simulate", "--persons", "0"], "whole number from 1"],
    [["simulate", "--shuffle", "2"], "share from 0 to 1"],
    [["simulate", "--url", "localhost"], "begins with http://"],
    [["simulate", "--rate"], "argument missing"],
    [["up", "now"], "too many arguments"],
  ])("%j is misuse: prints what is wrong, and exits 2", async (args, message) => {
    const { code, stdout, stderr } = await dossier(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  test("exits 0 and prints no error when its reader stops early, as head does", async (context) => {
    const { child, ended } = start(context, ["--help"]);
    child.stdout?.destroy();
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });

  test("a missing variable is named, and exits 1", async () => {
    const { code, stderr } = await dossier(["migrate"], { DOSSIER_DATA_DIR: "/nonexistent" });
    expect(code).toBe(1);
    expect(stderr).toContain("DATABASE_URL is not set");
  });

  test("send without a secret to sign with says where to get one", async () => {
    const { code, stderr } = await dossier(["send"], { DOSSIER_DATA_DIR: "/nonexistent" });
    expect(code).toBe(1);
    expect(stderr).toContain("set ICOMPLY_WEBHOOK_SECRETS");
  });
});
