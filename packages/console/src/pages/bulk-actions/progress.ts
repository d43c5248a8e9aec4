import type { BulkAction } from "@dossier/store";
import { html } from "hono/html";
import { maskBulkAction } from "../../api/bulk-actions.ts";
import { formatCount } from "../format.ts";
import type { Html } from "../page.ts";

const LEVELS: Readonly<Record<BulkAction["state"], string>> = {
  previewed: "warn",
  running: "warn",
  completed: "ok",
  aborted: "",
  failed: "bad",
};

const WORDS: Readonly<Record<BulkAction["state"], string>> = {
  previewed: "waits for a confirmation",
  running: "running",
  completed: "completed",
  aborted: "aborted",
  failed: "failed",
};

export function stateChip({ state }: BulkAction): Html {
  return html`<span class="chip ${LEVELS[state]}">${WORDS[state]}</span>`;
}

/** How far it is, as a bar and in words. */
export function progress({ total, decided, missed, queueMissed }: BulkAction): Html {
  const done = decided + missed;
  const percent = total === 0 ? 100 : Math.min(100, (100 * done) / total);
  return html`<svg class="progress" width="100%" height="8" role="presentation">
      <rect width="100%" height="8" rx="4" class="track" />
      <rect width="${percent.toFixed(1)}%" height="8" rx="4" class="fill" />
    </svg>
    ${formatCount({ count: decided })} of ${formatCount({ count: total })} decided${
      missed > 0 ? `, ${formatCount({ count: missed })} not, as they had changed` : ""
    }${queueMissed > 0 ? `, ${formatCount({ count: queueMissed })} not enqueued` : ""}`;
}

/** What it selected, in words. Nobody is shown the text that it searched payloads for. */
export function filterWords(action: BulkAction): string {
  const { filter } = maskBulkAction(action);
  const words = Object.entries(filter).map(([name, value]) => `${name}: ${value}`);
  return words.length === 0 ? "all" : words.join(", ");
}
