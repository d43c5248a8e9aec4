import type { Json } from "@dossier/events";
import { isRevealed, type Pool } from "@dossier/store";
import { html } from "hono/html";
import type { RedriveDryRun } from "../../api/dry-run.ts";
import type { Readable } from "../../api/operation.ts";
import { personPagePath } from "../../person-path.ts";
import { differences } from "../differences.ts";
import { formatCount, formatCounted, toWords } from "../format.ts";
import type { Html } from "../page.ts";

/** Of the persons and of the deliveries that would fail again, so many are shown. */
const MAX_LISTED = 20;

/** What a redrive would change for each person, and what would fail again. */
export async function dryRun(
  pool: Pool,
  sessionId: string | undefined,
  result: Readable<RedriveDryRun>,
): Promise<Html> {
  const { persons, personsOmitted, unsettled, notRun } = result;
  const listed = await Promise.all(
    persons.slice(0, MAX_LISTED).map(async (change) => ({
      ...change,
      isRevealed: await isRevealed(pool, sessionId, change.entityId),
    })),
  );
  const morePersons = personsOmitted + persons.length - listed.length;
  return html`<section class="card" aria-labelledby="dry-run">
      <h2 id="dry-run">Dry run: nothing was changed</h2>
      <p>${chips(result)}${notRun > 0 ? ` ${formatCount({ count: notRun })} more were not run.` : ""}</p>
    </section>
    <section class="card" aria-labelledby="changes">
      <h2 id="changes">What would change</h2>
      ${listed.length === 0 ? html`<p class="muted">No person's state.</p>` : ""}
      ${listed.map(
        ({ entityId, before, after, isRevealed }) =>
          html`<h3>
              <a href="${personPagePath(entityId)}"><bdi>${entityId}</bdi></a>${before === null ? " · a new person" : ""}
            </h3>
            ${differences(before as unknown as Json, after as unknown as Json, isRevealed)}`,
      )}
      ${morePersons > 0 ? html`<p class="hint">${formatCounted({ count: morePersons }, "more person")}.</p>` : ""}
    </section>
    ${unsettled.length === 0 ? "" : failures(unsettled)}`;
}

const OUTCOMES = {
  applied: "would be applied",
  duplicate: "would be a duplicate",
  "dead-lettered": "would be dead-lettered again",
  failed: "would fail",
  "not-dead-lettered": "is no dead letter now",
} as const;

/** What goes well, and what an operator must look at. Of the others, nothing follows. */
const LEVELS: Readonly<Record<string, string>> = { applied: "ok", "dead-lettered": "bad", failed: "bad" };

function chips({ outcomes: counts }: Pick<Readable<RedriveDryRun>, "outcomes">): Html {
  const listed = Object.entries(OUTCOMES).flatMap(([outcome, words]) => {
    const count = counts[outcome as keyof typeof OUTCOMES];
    return count === undefined
      ? []
      : [html`<span class="chip ${LEVELS[outcome] ?? ""}">${formatCount({ count })} ${words}</span> `];
  });
  return html`${listed.length === 0 ? "There is no dead letter to run." : listed}`;
}

/** Whether a redrive would have an effect: something would leave the dead letters. */
export function hasEffect({ outcomes }: Pick<Readable<RedriveDryRun>, "outcomes">): boolean {
  return (outcomes.applied ?? 0) + (outcomes.duplicate ?? 0) > 0;
}

function failures(unsettled: Readable<RedriveDryRun>["unsettled"]): Html {
  return html`<section class="card" aria-labelledby="again">
    <h2 id="again">What would fail again</h2>
    <ul class="entries">
      ${unsettled.slice(0, MAX_LISTED).map(
        (one) =>
          html`<li>
            <a href="/deliveries/${one.deliveryId}"><code>${one.deliveryId}</code></a><small>${why(one)}</small>
          </li>`,
      )}
    </ul>
    ${
      unsettled.length > MAX_LISTED
        ? html`<p class="hint">${formatCount({ count: unsettled.length - MAX_LISTED })} more.</p>`
        : ""
    }
  </section>`;
}

function why(one: Readable<RedriveDryRun>["unsettled"][number]): string {
  switch (one.outcome) {
    case "dead-lettered":
      return `${toWords(one.reason)}: ${one.message.slice(0, 500)}`;
    case "failed":
      // Its message may quote the payload.
      return `it fails with ${one.error.type}${one.error.code === undefined ? "" : ` ${one.error.code}`}`;
    case "not-dead-lettered":
      return "it is no dead letter now";
  }
}
