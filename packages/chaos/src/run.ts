import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describeError } from "@dossier/service";
import { befall } from "./befall.ts";
import { mountDisk } from "./disk.ts";
import { plan, REST_MS, type Fault } from "./plan.ts";
import { quiet } from "./quiet.ts";
import { createSender, type Ledger } from "./sender.ts";
import { openStage, type Stage } from "./stage.ts";
import { drive, traffic } from "./traffic.ts";
import { verdict } from "./verdict.ts";

export interface RunOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly ingests: number;
  readonly workers: number;
  /** Called now and then with how far the run is. */
  readonly onProgress: (line: string) => void;
}

export interface Run {
  readonly faults: readonly Fault[];
  readonly ledger: Ledger;
  readonly persons: number;
  /** What was wrong; empty where nothing was. */
  readonly findings: readonly string[];
  /** What happened when, for whoever looks into a finding. */
  readonly timeline: readonly string[];
  /** The services' logs, kept where something was wrong. */
  readonly logs: string;
}

/** Plays one seed: everything runs, webhooks come, faults befall it; in the end all must be as if none had. */
export async function play({ seed, durationMs, ingests, workers, onProgress }: RunOptions): Promise<Run> {
  await using disk = await mountDisk();
  const logs = await mkdtemp(join(tmpdir(), `dossier-chaos-${seed}-`));
  const findings: string[] = [];
  const timeline: string[] = [];
  const began = performance.now();
  const note = (what: string) =>
    void timeline.push(`${((performance.now() - began) / 1_000).toFixed(1)} s  ${what}`);
  const onDeath = (how: string) => {
    note(how);
    findings.push(how);
  };

  await using stage = await openStage({ ingests, workers, disk, logs, onDeath });
  const faults = plan(seed, durationMs, stage.cast);
  const sent = traffic(seed, durationMs);
  const sender = createSender(stage.webhookUrls, stage.secret);
  const progress = setInterval(() => {
    const { accepted, sends } = sender.ledger;
    onProgress(
      `${accepted.size} of ${sent.bodies.length} accepted in ${sends} sends; ${timeline.at(-1) ?? ""}`,
    );
  }, 1_000);
  try {
    const [unaccepted] = await Promise.all([drive(sent, sender, durationMs), storm(faults, stage, note)]);
    findings.push(...unaccepted);
    note("quiet: nothing more is sent, and the last fault is over");
    findings.push(...(await quiet(stage)));
    note("settled");
    const ends = await Promise.all([...stage.services.values()].map((service) => service.stop()));
    findings.push(...ends.filter((end) => end !== undefined));
    findings.push(...(await verdict(stage.postgres.url, sent, sender.ledger)));
  } catch (error) {
    const { message, stack } = describeError(error);
    findings.push(`the run itself failed: ${message}\n${stack ?? ""}`);
  } finally {
    clearInterval(progress);
    sender.close();
  }
  if (findings.length === 0) await rm(logs, { recursive: true });
  return { faults, ledger: sender.ledger, persons: sent.persons.length, findings, timeline, logs };
}

/** Lets each fault befall at its time, or, where one before it lasts longer than planned, when its targets are free. */
async function storm(faults: readonly Fault[], stage: Stage, note: (what: string) => void): Promise<void> {
  const began = performance.now();
  const busy = new Map<string, Promise<void>>();
  for (const fault of faults) {
    const free = Promise.all(fault.targets.flatMap((target) => busy.get(target) ?? []));
    const over = free.then(() => strike(fault));
    for (const target of fault.targets) busy.set(target, over);
  }
  await Promise.all(busy.values());

  async function strike(fault: Fault): Promise<void> {
    const wait = began + fault.atMs - performance.now();
    if (wait > 0) await delay(wait);
    const what = `${fault.kind}: ${fault.targets.join(", ")}`;
    note(`${what}, for ${fault.lastsMs} ms`);
    await befall(fault, stage, note);
    note(`over: ${what}`);
    await delay(REST_MS);
  }
}
