import type { Status } from "@dossier/events";
import { toWords } from "../format.ts";

/** Returns a status in words: `ID upload started`. */
export function statusLabel(status: Status): string {
  const words = toWords(status).replace(/^id\b/, "ID");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
