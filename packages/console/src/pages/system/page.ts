import { version } from "@dossier/service";
import {
  findRebuildNeed,
  listInstances,
  listSecrets,
  listTokens,
  readSchemaLevel,
  type Pool,
  type RebuildNeed,
  type SchemaLevel,
} from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { hasRole } from "../../auth.ts";
import { shareReads } from "../../shared-read.ts";
import { exactTime } from "../format.ts";
import { liveBar } from "../live-bar.ts";
import { page, type Html, type PageEnv } from "../page.ts";
import { instanceTable, settingsOf } from "./instances.ts";
import { secretTable } from "./secrets.ts";
import { tokenTable } from "./tokens.ts";

/** Those alive, and those that ended in the last hour. */
const RECENT_INSTANCES = { limit: 200, seenWithinSeconds: 3_600 };

/** To find out counts all persons, and the page asks every 5 s. */
const NEED_KEPT_MS = 60_000;

/** Returns the handler of the page that says what runs, with which secrets, settings and schema. */
export function systemPage(pool: Pool) {
  const rebuildNeed = shareReads(() => findRebuildNeed(pool), NEED_KEPT_MS);
  return async (c: Context<PageEnv>): Promise<Response> => {
    const isAdmin = hasRole(c.get("caller"), "admin");
    const [instances, secrets, schema, rebuild, tokens] = await Promise.all([
      listInstances(pool, RECENT_INSTANCES),
      listSecrets(pool),
      readSchemaLevel(pool),
      rebuildNeed.read(),
      isAdmin ? listTokens(pool) : undefined,
    ]);
    const now = Date.now();
    return page(c, {
      title: "System",
      assets: ["htmx"],
      body: html`<div class="heading">
          <h1>System</h1>
          <p class="sub">
            What runs, and what it runs with. ${liveBar("5s")}
          </p>
        </div>
        <div class="stack system">
          <div data-live>${instanceTable(instances.items, now)}</div>
          ${secretTable(secrets, now)} ${tokens && tokenTable(tokens, now)}
          <div class="cols">${settingsOf(instances.items)} ${schemaLevel(schema, rebuild)}</div>
        </div>`,
    });
  };
}

function schemaLevel({ migration, migratedAt, missing }: SchemaLevel, rebuild: RebuildNeed): Html {
  return html`<section class="card">
    <h2>Version</h2>
    <dl class="facts">
      <dt>This console</dt>
      <dd>${version}</dd>
      <dt>Schema</dt>
      <dd><code>${migration}</code><small>migrated ${exactTime(migratedAt)}</small></dd>
      <dt>To migrate</dt>
      <dd>
        ${
          missing.length === 0
            ? html`<span class="chip ok">nothing</span>`
            : html`<span class="chip warn">${missing.length} missing</span
                ><small><code>dossier migrate</code> runs ${missing.join(", ")}</small>`
        }
      </dd>
      <dt>To rebuild</dt>
      <dd>
        ${
          rebuild.needed
            ? html`<span class="chip warn">persons' states</span><small><code>dossier rebuild</code> folds them anew</small>`
            : html`<span class="chip ok">nothing</span>`
        }
      </dd>
    </dl>
  </section>`;
}
