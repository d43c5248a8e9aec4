import type { JobCounts } from "@dossier/queue";
import type { Health, InstanceSummary } from "@dossier/store";
import { html } from "hono/html";
import { age, formatCount, formatCounted, formatSeconds, toWords } from "../format.ts";
import type { Html } from "../page.ts";

export interface HealthStripOptions {
  readonly health: Health;
  readonly instances: readonly InstanceSummary[];
  readonly queue: { readonly backend: "redis" | "postgres"; readonly jobs: JobCounts | undefined };
  readonly now: number;
}

/** Settled within seconds; an older one waits for a worker, or fails. */
const OLD_SECONDS = 60;

/** Whether webhooks arrive, are settled, and by what, in five numbers. */
export function healthStrip({ health, instances, queue, now }: HealthStripOptions): Html {
  return html`<dl class="strip">
    ${lastWebhook(health, now)}${openDeliveries(health, now)}${workers(instances)}${refused(health, now)}
    ${stores(queue)}
  </dl>`;
}

const LAST_WEBHOOK = { label: "Last webhook accepted", path: "/deliveries" };
const OPEN = { label: "Open deliveries", path: "/deliveries?status=open" };
const WORKERS = { label: "Workers", path: "/system" };
const REFUSED = { label: "Refused, 24 h", path: "#refused" };

type Level = "" | "ok" | "warn" | "bad";

/** Leads to the page that says more. */
function item(
  { label, path }: { readonly label: string; readonly path: string },
  value: Html | string,
  note: Html | string,
  level: Level = "",
): Html {
  return html`<div class="${level}">
    <dt><a href="${path}">${label}</a></dt>
    <dd>${value}<small>${note}</small></dd>
  </div>`;
}

function lastWebhook({ lastAcceptedAt, longestGapSeconds }: Health, now: number): Html {
  if (lastAcceptedAt === null) return item(LAST_WEBHOOK, "None yet", "since this database was made");
  const gap =
    longestGapSeconds === null
      ? "no gap known of the last day"
      : `longest gap of the last day: ${formatSeconds(longestGapSeconds)}`;
  const isSilent =
    longestGapSeconds !== null &&
    now - Date.parse(lastAcceptedAt) > Math.max(600, 2 * longestGapSeconds) * 1_000;
  return item(LAST_WEBHOOK, html`${age(lastAcceptedAt, now)} ago`, gap, isSilent ? "warn" : "");
}

function openDeliveries({ open, oldestOpenAt }: Health, now: number): Html {
  if (oldestOpenAt === null) return item(OPEN, "0", "all are settled");
  const isOld = now - Date.parse(oldestOpenAt) > OLD_SECONDS * 1_000;
  return item(OPEN, formatCount(open), html`oldest ${age(oldestOpenAt, now)}`, isOld ? "warn" : "");
}

function workers(instances: readonly InstanceSummary[]): Html {
  const alive = instances.filter(({ service, state }) => service === "worker" && state === "alive");
  const paused = alive.filter(({ pausedBecause }) => pausedBecause !== null);
  if (alive.length === 0) return item(WORKERS, "None alive", "deliveries wait until one starts", "bad");
  if (paused.length > 0)
    return item(
      WORKERS,
      `${paused.length} of ${alive.length} paused`,
      paused[0]?.pausedBecause ?? "",
      "warn",
    );
  const rate = alive.reduce((sum, one) => sum + (one.rate ?? 0), 0);
  return item(
    WORKERS,
    `${alive.length} alive`,
    `${rate < 10 ? rate.toFixed(1) : Math.round(rate)} deliveries/s`,
  );
}

function refused({ refused: reasons }: Health, now: number): Html {
  const [most] = reasons;
  if (most === undefined) return item({ ...REFUSED, path: "/deliveries" }, "0", "no webhook was refused");
  const count = reasons.reduce((sum, one) => sum + one.count, 0);
  const newest =
    reasons
      .map(({ newestAt }) => newestAt)
      .toSorted()
      .at(-1) ?? most.newestAt;
  return item(
    REFUSED,
    formatCount({ count }),
    html`${toWords(most.reason)}; last ${age(newest, now)} ago`,
    "warn",
  );
}

function stores({ backend, jobs }: HealthStripOptions["queue"]): Html {
  const store = {
    label: backend === "redis" ? "Postgres · Redis" : "Postgres · queue in Postgres",
    path: "/queue",
  };
  if (jobs === undefined)
    return item(store, "Queue is silent", "webhooks are accepted; the sweeper enqueues them later", "bad");
  const waiting = jobs.waiting + jobs.delayed;
  return item(
    store,
    "Ready",
    `${formatCounted({ count: jobs.active }, "job")} active, ${formatCount({ count: waiting })} waiting`,
  );
}
