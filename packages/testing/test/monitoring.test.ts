import { execFileSync, spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { config } from "../src/config.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const RULES = "deploy/prometheus/rules.yml";

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** The metrics that the services create. */
const created = new Set(
  globSync("packages/*/src/**/*.ts", { cwd: ROOT }).flatMap((path) =>
    [
      ...read(path).matchAll(
        /(?<=\bcreate(?:Observable)?(?:Counter|Gauge|Histogram)\(\s*")\w+(?=")|(?<=# TYPE )dossier_\w+/g,
      ),
    ].map(([name]) => name),
  ),
);

/** A histogram has one sample for each bucket, their count and their sum. */
function metricsIn(path: string): ReadonlySet<string> {
  const names = read(path).matchAll(/\b(?:dossier|process|nodejs)_\w+/g);
  return new Set([...names].map(([name]) => name.replace(/_(bucket|count|sum)$/, "")));
}

test.each([RULES, "deploy/grafana/dossier.json", "docs/metrics.md", "docs/runbook.md"])(
  "%s names only metrics that the services have",
  (path) => {
    expect([...metricsIn(path)].filter((name) => !created.has(name))).toEqual([]);
  },
);

test("docs/metrics.md names every metric", () => {
  expect([...created].filter((name) => !metricsIn("docs/metrics.md").has(name))).toEqual([]);
  expect(created.size).toBeGreaterThan(20);
});

test("every alert leads to a part of the runbook, and every part is one of an alert", () => {
  const targets = [
    ...read(RULES).matchAll(/runbook_url: https:\/\/dossier-docs\.example\.com\/runbook\.md#(\w+)/g),
  ].map(([, name]) => name);
  const headings = [...read("docs/runbook.md").matchAll(/^## (Dossier\w+)$/gm)].map(([, name]) =>
    name?.toLowerCase(),
  );
  expect(read(RULES).match(/- alert:/g)).toHaveLength(targets.length);
  expect(new Set(targets)).toEqual(new Set(headings));
});

/** Skips the test, or fails it in CI, if there is no such command. */
function needsCommand(skip: (note: string) => never, command: string, origin: string): void {
  if (spawnSync(command, ["--version"]).error === undefined) return;
  if (config.ci) throw new Error(`there is no ${command}; ${origin} has it`);
  skip(`there is no ${command}; ${origin} has it`);
}

describe("the alerts", () => {
  test("fire when they should, and not before (promtool)", ({ skip }) => {
    needsCommand(skip, "promtool", "Debian's package prometheus");
    const alerts = [...read(RULES).matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
    const tests = read("deploy/prometheus/rules.test.yml");
    expect(alerts.filter((name) => !tests.includes(`alertname: ${name}\n`))).toEqual([]);
    execFileSync("promtool", ["test", "rules", "deploy/prometheus/rules.test.yml"], { cwd: ROOT });
  });
});

describe("the profile observability of Compose", () => {
  const services = (...args: string[]) =>
    execFileSync("docker", ["compose", ...args, "config", "--services"], { cwd: ROOT, encoding: "utf8" })
      .trim()
      .split("\n");

  test("starts Prometheus, Grafana and Jaeger, and nothing without it does", ({ skip }) => {
    needsCommand(skip, "docker", "Debian's package docker.io with docker-compose");
    const added = ["prometheus", "grafana", "jaeger"];
    const without = services();
    expect(without.filter((service) => added.includes(service))).toEqual([]);
    expect(services("--profile", "observability").toSorted()).toEqual([...without, ...added].toSorted());
  });

  test("has a Prometheus that takes its configuration, and scrapes each service's ops port", ({ skip }) => {
    needsCommand(skip, "promtool", "Debian's package prometheus");
    execFileSync("promtool", ["check", "config", "deploy/prometheus/prometheus.yml"], { cwd: ROOT });
    const scraped = [...read("deploy/prometheus/prometheus.yml").matchAll(/names: \[(\w+)\].*port: (\d+)/g)];
    const compose = read("docker-compose.yml");
    for (const [, service, port] of scraped)
      expect(compose).toMatch(new RegExp(`\\n  ${service}:\\n(    .*\\n)*?      OPS_PORT: ${port}\\n`));
    expect(scraped).toHaveLength(3);
  });
});

test("production on a trial's host has volumes of its own", ({ skip }) => {
  needsCommand(skip, "docker", "Debian's package docker.io with docker-compose");
  const nameOf = (...files: readonly string[]) =>
    /^name: (.+)$/m.exec(
      execFileSync("docker", ["compose", ...files.flatMap((file) => ["--file", file]), "config"], {
        cwd: ROOT,
        encoding: "utf8",
        env: {
          PATH: process.env["PATH"],
          WEBHOOK_HOST: "hooks",
          CONSOLE_HOST: "console",
          SECRETS_DIR: "/tmp",
        },
      }),
    )?.[1];
  expect(nameOf("docker-compose.yml")).toBe("dossier");
  expect(nameOf("docker-compose.yml", "compose.production.yaml")).toBe("dossier-production");
});
