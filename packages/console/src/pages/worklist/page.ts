import type { DeliveryQueue } from "@dossier/queue";
import {
  listDecisionsNeeded,
  listInstances,
  listWaitingPersons,
  readHealth,
  type Pool,
} from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { page, type PageEnv } from "../page.ts";
import { decisionsNeeded } from "./decisions-needed.ts";
import { healthStrip } from "./health-strip.ts";
import { refusedWebhooks } from "./refused-webhooks.ts";
import { stuckLongest, wherePersonsAre } from "./waiting-persons.ts";
import { welcome } from "./welcome.ts";

/** Of each step. */
const WAITING_LISTED = 2;

/** Instances that were not seen for so long are lost. */
const ALIVE_INSTANCES = { limit: 200, seenWithinSeconds: 30 };

/** Returns the handler of the first page: what needs a person now, and whether the system is healthy. */
export function worklistPage(pool: Pool, queue: DeliveryQueue) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const [health, needed, persons, instances, jobs] = await Promise.all([
      readHealth(pool),
      listDecisionsNeeded(pool),
      listWaitingPersons(pool, WAITING_LISTED),
      listInstances(pool, ALIVE_INSTANCES),
      queue.counts().catch(() => undefined),
    ]);
    const now = Date.now();
    const queueHealth = { backend: queue.backend, jobs };
    const isNew = health.lastAcceptedAt === null;
    return page(c, {
      title: "Worklist",
      body: html`<div class="heading">
          <h1>Worklist</h1>
          <p class="sub">
            What needs a person now. <span id="live" hidden>Live · <kbd>r</kbd> pauses</span>
          </p>
        </div>
        <div data-live="health">${healthStrip({ health, instances: instances.items, queue: queueHealth, now })}</div>
        <div class="cols">
          <div class="stack">
            <div data-live="decisions">${isNew ? welcome() : decisionsNeeded(needed, now)}</div>
            <div data-live="refused">${refusedWebhooks(health.refused, now)}</div>
          </div>
          <div class="stack">
            <div data-live="persons">${wherePersonsAre(persons.counts)}</div>
            <div data-live="stuck">${stuckLongest(persons.waiting, now)}</div>
          </div>
        </div>`,
    });
  };
}
