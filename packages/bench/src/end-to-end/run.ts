import { join } from "node:path";
import { openScope } from "@dossier/testing";
import { startChild } from "../child.ts";
import { watchCpu } from "../cpu.ts";
import type { Load, Measured } from "../load.ts";
import type { Options } from "../options.ts";
import type { Table } from "../result.ts";
import { takeTurns, type Side } from "../rounds.ts";
import { startServers } from "../servers.ts";
import { dossier, expressAndBullmq, expressInline, type System } from "../systems/systems.ts";
import { waitUntilSettled } from "../wait.ts";

const SYSTEMS = {
  "Dossier, one worker": dossier(1),
  "Dossier, two workers": dossier(2),
  "Dossier, four workers": dossier(4),
  "Express, each webhook in a transaction": expressInline,
  "Express and BullMQ, one transaction a job": expressAndBullmq,
};

/** Measures webhooks from the first one that is sent to the last one that is settled, beside peers. */
export async function run({ size }: Options): Promise<readonly Table[]> {
  await using outer = openScope();
  const servers = await startServers(outer);
  const load = startChild(outer, join(import.meta.dirname, "../load.ts"));
  const send = ({ port }: System, seconds: number, seed: number) =>
    load.call<Measured>({
      port,
      connections: size("connections"),
      seconds,
      webhooks: size("webhooks"),
      seed,
      again: false,
    } satisfies Load);

  const sides: Side[] = [];
  for (const [index, [name, start]] of Object.entries(SYSTEMS).entries()) {
    const system = await start(outer, servers, `system ${index}`);
    let accepted = 0;
    const run = async (seconds: number, seed: number) => {
      // So that the webhooks are invented beforehand.
      await send(system, 0, seed);
      const usedCpu = await watchCpu({
        processes: system.pids,
        postgres: servers.postgres.pid,
        redis: servers.redis.pid,
      });
      const startedAt = performance.now();
      const sent = await send(system, seconds, seed);
      if (sent.refused > 0) throw new Error(`${name} refused ${sent.refused} webhooks`);
      accepted += sent.webhooks;
      await waitUntilSettled(system, accepted);
      return { ...sent, took: (performance.now() - startedAt) / 1_000, cpu: await usedCpu() };
    };
    process.stderr.write(`warming up: ${name}\n`);
    await run(size("warm"), 0);
    sides.push({
      keys: [name],
      async measure(round) {
        const { webhooks, seconds, took, cpu } = await run(size("seconds"), round + 1);
        return {
          "webhooks/s": webhooks / took,
          "accepted/s": webhooks / seconds,
          "µs CPU a webhook": (cpu.processes * 1e6) / webhooks,
          "µs CPU, Postgres": (cpu.postgres * 1e6) / webhooks,
          "µs CPU, Redis": (cpu.redis * 1e6) / webhooks,
        };
      },
    });
  }
  return [
    {
      title: "Webhooks sent, accepted and settled",
      keys: ["system"],
      rows: await takeTurns(sides, size("rounds")),
      bars: ["webhooks/s"],
      compare: ["webhooks/s"],
    },
  ];
}
