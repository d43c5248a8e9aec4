import type { Result } from "@dossier/service";
import { describeError } from "@dossier/service/error";
import { readOpsConfig } from "../config.ts";
import { print, printJson } from "../terminal/print.ts";
import { formatTable } from "../terminal/table.ts";
import { findTrial } from "../trial.ts";
import { createCommand, formatExitCodes, joinParagraphs, parseHttpUrl, reportResult } from "./command.ts";

/** What `/readyz` answers. A service's own port leaves out the checks. */
interface Readiness {
  readonly status: string;
  readonly checks?: Readonly<Record<string, string>>;
}

/** Far longer than any check may take. */
const TIMEOUT_MS = 10_000;

export const readyCommand = createCommand("ready")
  .summary("show whether a process can do its work, and why not")
  .description(
    joinParagraphs(
      `Asks a process on its ops port (/readyz), and prints each of its checks: ok, or why it failed. It needs neither
      the console nor the database.`,
      `Environment: OPS_PORT (default: the trial's, in DOSSIER_DATA_DIR). In a service's container it is set.`,
    ),
  )
  .argument(
    "[url]",
    "the ops port, such as http://127.0.0.1:9080 (default: this machine's OPS_PORT)",
    parseHttpUrl,
  )
  .option("--json", "print the answer as JSON")
  .addHelpText("after", formatExitCodes({ success: "ready", failure: "not ready, or nothing answers" }))
  .action(async (url, { json = false }) => reportResult(await runReady(url, json)));

async function runReady(named: URL | undefined, json: boolean): Promise<Result<void>> {
  const url = named === undefined ? await findOpsUrl() : { ok: true as const, value: named };
  if (!url.ok) return url;
  const asked = await askReadiness(url.value);
  if (!asked.ok) return asked;
  const { status, checks = {} } = asked.value;
  if (json) printJson(asked.value);
  else print(...formatTable([["status", status], ...Object.entries(checks)]));
  if (status !== "ready") return { ok: false, error: `${url.value.origin} is not ready: ${status}` };
  const failed = Object.values(checks).some((result) => result !== "ok");
  if (!json && failed) print("It works all the same: what failed is only used, and not needed.");
  return { ok: true, value: undefined };
}

async function findOpsUrl(): Promise<Result<URL>> {
  const config = readOpsConfig();
  if (!config.ok) return config;
  const port = config.value.OPS_PORT ?? (await findTrial(config.value.DOSSIER_DATA_DIR))?.ports.ops;
  if (port !== undefined) return { ok: true, value: new URL(`http://127.0.0.1:${port}`) };
  return {
    ok: false,
    error: "OPS_PORT is not set: name the ops port, as in `dossier ready http://127.0.0.1:9080`",
  };
}

async function askReadiness({ origin }: URL): Promise<Result<Readiness>> {
  try {
    const response = await fetch(`${origin}/readyz`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const answer: unknown = await response.json().catch(() => undefined);
    if (isReadiness(answer)) return { ok: true, value: answer };
    return {
      ok: false,
      error: `What answers at ${origin} is no service of Dossier's (HTTP ${response.status}).`,
    };
  } catch (error) {
    const { message, cause } = describeError(error);
    return {
      ok: false,
      error: `Nothing answers at ${origin} (${cause?.message ?? message}): start the process.`,
    };
  }
}

function isReadiness(answer: unknown): answer is Readiness {
  return (
    typeof answer === "object" && answer !== null && "status" in answer && typeof answer.status === "string"
  );
}
