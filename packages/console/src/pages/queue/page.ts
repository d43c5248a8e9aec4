import type { DeliveryQueue, FailedJob, JobCounts } from "@dossier/queue";
import type { Context } from "hono";
import { html } from "hono/html";
import { age, formatCount } from "../format.ts";
import { liveBar } from "../live-bar.ts";
import { page, type Html, type PageEnv } from "../page.ts";

export const BOARD_PATH = "/queue/board";

const FAILED_LISTED = 50;

const STATES: Readonly<Record<keyof JobCounts, { label: string; means: string }>> = {
  waiting: { label: "Waiting", means: "a worker takes them next" },
  active: { label: "Active", means: "workers hold them now" },
  delayed: { label: "Delayed", means: "retries, at their time" },
  failed: { label: "Failed", means: "the latest dead letters' jobs, 1,000 at most" },
  completed: { label: "Completed", means: "of the last hour, 1,000 at most" },
};

/** Returns the handler of the queue's page: how many jobs there are, and those that failed last. */
export function queuePage(queue: DeliveryQueue) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const now = Date.now();
    const jobs = await Promise.all([queue.counts(), queue.failedJobs(FAILED_LISTED)]).catch(() => undefined);
    return page(c, {
      title: "Queue",
      assets: ["htmx"],
      body: html`<div class="heading">
          <h1>Queue</h1>
          <p class="sub">
            Jobs in ${queue.backend === "redis" ? "Redis" : "Postgres"}. A job holds ids alone: what is recorded, and what
            became of it, is in Postgres.
            ${liveBar("5s")}
          </p>
        </div>
        <div data-live class="stack">${
          jobs === undefined ? silent() : [strip(jobs[0]), failedTable(jobs[1], now)]
        }</div>
        <p class="hint"><a href="${BOARD_PATH}">All jobs, in bull-board</a> · read-only</p>`,
    });
  };
}

function silent(): Html {
  return html`<section class="card">
    <h2>The queue is silent</h2>
    <p>
      Webhooks are accepted all the same, and the sweeper enqueues them once the queue answers. The console's log says why
      it does not: <code>queue-unavailable</code>.
    </p>
  </section>`;
}

function strip(counts: JobCounts): Html {
  return html`<dl class="strip">
    ${Object.entries(STATES).map(
      ([state, { label, means }]) =>
        html`<div>
          <dt>${label}</dt>
          <dd>${formatCount({ count: counts[state as keyof JobCounts] })}<small>${means}</small></dd>
        </div>`,
    )}
  </dl>`;
}

function failedTable(failed: readonly FailedJob[], now: number): Html {
  if (failed.length === 0)
    return html`<section class="card calm">
      <h2>Failed jobs</h2>
      <p><b>None.</b> A job fails when its delivery becomes a dead letter.</p>
    </section>`;
  return html`<section class="card flush" aria-labelledby="failed">
    <h2 id="failed">${failed.length < FAILED_LISTED ? "Failed jobs" : `Failed jobs, the last ${FAILED_LISTED}`}</h2>
    <table class="list">
      <thead>
        <tr>
          <th scope="col">Delivery</th>
          <th scope="col">Why</th>
          <th scope="col" class="num">Failed</th>
        </tr>
      </thead>
      <tbody>
        ${failed.map(
          ({ deliveryIds, reason, failedAt }) =>
            html`<tr>
              <th scope="row">
                ${deliveryIds.map((id) => html`<a href="/deliveries/${id}"><code>${id}</code></a> `)}
              </th>
              <td data-label="Why">${reason}</td>
              <td class="num" data-label="Failed">${failedAt === undefined ? "–" : age(failedAt, now)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}
