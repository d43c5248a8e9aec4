import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProgress } from "@dossier/cli/terminal/progress";
import { describeError } from "@dossier/service";
import { createClient, type Answers } from "./client.ts";
import { startEnvironment } from "./environment.ts";
import { injectFaults } from "./inject.ts";
import { checkLiveness, checkSafety } from "./invariants.ts";
import { createTopology, scheduleFaults, type Fault } from "./schedule.ts";
import { mountSmallDisk } from "./small-disk.ts";
import { createWorkload, sendWorkload } from "./workload.ts";

export interface ChaosRunOptions {
  readonly seed: number;
  /** For how long faults are injected and webhooks are sent. */
  readonly durationMs: number;
  readonly ingests: number;
  readonly workers: number;
}

export interface ChaosRunResult {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly answers: Answers;
  readonly persons: number;
  /** Of invariants, and failures of the run itself. None if it passed. */
  readonly violations: readonly string[];
  /** What happened when. */
  readonly timeline: readonly string[];
  /** The folder with the services' logs, removed if the run passed. */
  readonly logs: string;
}

/** Starts an environment, sends the workload while faults are injected, and checks the invariants. */
export async function run({ seed, durationMs, ingests, workers }: ChaosRunOptions): Promise<ChaosRunResult> {
  await using disk = await mountSmallDisk();
  const topology = createTopology(ingests, workers, disk !== undefined);
  const faults = scheduleFaults(seed, durationMs, topology);
  const workload = createWorkload(seed, durationMs);
  const answers: Answers = { accepted: new Map(), wrong: [], failed: 0, exhausted: 0 };
  const logs = await mkdtemp(join(tmpdir(), `dossier-chaos-${seed}-`));
  const startedAt = performance.now();
  const timeline: string[] = [];
  const violations: string[] = [];
  function announce(phase: string): void {
    process.stderr.write(`seed ${seed}: ${phase}\n`);
  }
  function record(event: string): void {
    timeline.push(`${((performance.now() - startedAt) / 1_000).toFixed(1)} s  ${event}`);
  }
  function onCrash(crash: string): void {
    record(crash);
    violations.push(crash);
  }

  try {
    announce(`starting (ingests: ${ingests}, workers: ${workers})`);
    await using environment = await startEnvironment({ topology, disk, logs, onCrash });
    record("all services are ready");
    {
      const { webhookUrls: urls, secret } = environment;
      using progress = startProgress(`seed ${seed}: webhooks accepted`, workload.bodies.length);
      using client = createClient({ urls, secret, answers, onAccepted: progress.advance });
      await Promise.all([
        sendWorkload(workload, client, durationMs),
        injectFaults(faults, environment, record),
      ]);
    }
    record("all faults are over, nothing more is sent");
    announce("checking the invariants");
    violations.push(...(await checkLiveness(environment, workload, answers)));
    violations.push(...(await environment.stopServices()));
    violations.push(...(await checkSafety(environment.postgres.url, workload, answers)));
  } catch (error) {
    const { message, stack } = describeError(error);
    violations.push(`the run itself failed: ${message}\n${stack ?? ""}`);
  }
  if (violations.length === 0) await rm(logs, { recursive: true });
  return { seed, faults, answers, persons: workload.persons.length, violations, timeline, logs };
}
