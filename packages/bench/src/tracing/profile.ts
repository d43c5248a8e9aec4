import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openScope } from "@dossier/testing";
import { startService, type ServiceOptions } from "../services.ts";

/** As V8 writes it: times in microseconds of the machine's monotonic clock. */
interface Profile {
  readonly startTime: number;
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Node {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

/** Runs a service under V8's profiler while `work` runs. Returns the share of its busy time that code of traces took, in percent. */
export async function profileTraces(
  service: "ingest" | "worker",
  options: ServiceOptions,
  work: (port: number) => Promise<unknown>,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "dossier-profile-"));
  await using scope = openScope();
  scope.onTestFinished(() => rm(folder, { recursive: true }));
  const execArgv = ["--cpu-prof", `--cpu-prof-dir=${folder}`];
  const { port, child, ended } = await startService(scope, service, { ...options, execArgv });
  const since = Number(process.hrtime.bigint() / 1_000n);
  await work(port);
  child.kill("SIGTERM");
  await ended;
  const [file = ""] = await readdir(folder);
  return 100 * shareOfTraces(JSON.parse(await readFile(join(folder, file), "utf8")) as Profile, since);
}

const TRACES = /opentelemetry|\/(?:tracing|trace-requests|rate-limit)\.ts$/;
/** A middleware of traces calls the rest of the application, too. */
const OTHERS = /\/packages\/|\/hono\//;

/** With what this code calls of Node, but not of ours. */
function shareOfTraces({ startTime, nodes, samples, timeDeltas }: Profile, since: number): number {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node])));
  const isOfTraces = (node: Node | undefined): boolean => {
    if (node === undefined) return false;
    if (TRACES.test(node.callFrame.url)) return true;
    return !OTHERS.test(node.callFrame.url) && isOfTraces(parents.get(node.id));
  };
  let [time, busy, ofTraces] = [startTime, 0, 0];
  for (const [index, delta] of timeDeltas.entries()) {
    time += delta;
    const node = byId.get(samples[index] ?? 0);
    if (time < since || node?.callFrame.functionName === "(idle)") continue;
    busy += delta;
    if (isOfTraces(node)) ofTraces += delta;
  }
  return ofTraces / busy;
}
