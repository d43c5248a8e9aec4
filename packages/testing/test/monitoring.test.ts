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
  const targets = [...read(RULES).matchAll(/runbook_url: docs\/runbook\.md#(\w+)/g)].map(([, name]) => name);
  const headings = [...read("docs/runbook.md").matchAll(/^## (Dossier\w+)$/gm)].map(([, name]) =>
    name?.toLowerCase(),
  );
  expect(read(RULES).match(/- alert:/g)).toHaveLength(targets.length);
  expect(new Set(targets)).toEqual(new Set(headings));
});

describe("the alerts", () => {
  test("fire when they should, and not before (promtool)", ({ skip }) => {
    if (spawnSync("promtool", ["--version"]).error !== undefined) {
      if (config.ci) throw new Error("there is no promtool; Debian's package prometheus has it");
      skip("there is no promtool; Debian's package prometheus has it");
    }
    const alerts = [...read(RULES).matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
    const tests = read("deploy/prometheus/rules.test.yml");
    expect(alerts.filter((name) => !tests.includes(`alertname: ${name}\n`))).toEqual([]);
    execFileSync("promtool", ["test", "rules", "deploy/prometheus/rules.test.yml"], { cwd: ROOT });
  });
});
