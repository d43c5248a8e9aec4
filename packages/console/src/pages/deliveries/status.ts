import type { DeliveryStatus, DeliverySummary } from "@dossier/store";
import { html } from "hono/html";
import { toWords } from "../format.ts";
import type { Html } from "../page.ts";

const LEVELS: Readonly<Record<DeliveryStatus, "ok" | "warn" | "bad" | "">> = {
  open: "warn",
  applied: "ok",
  duplicate: "ok",
  "dead-lettered": "bad",
  discarded: "",
};

/** What became of a delivery, as a word with a colour. */
export function statusChip(status: DeliveryStatus, reason: DeliverySummary["reason"] = null): Html {
  return html`<span class="chip ${LEVELS[status]}">${toWords(status)}</span>${
    reason && html`<small>${toWords(reason)}</small>`
  }`;
}
