import type { Status } from "@dossier/events";
import type { BoundedCount } from "@dossier/store";
import { html } from "hono/html";
import type { Html } from "./page.ts";

const numbers = new Intl.NumberFormat("en");

/** Returns `1,204`, or `10,000+` if there are more. */
export function formatCount({ count, isMore }: BoundedCount | { count: number; isMore?: false }): string {
  return `${numbers.format(count)}${isMore === true ? "+" : ""}`;
}

/** Returns `1 job` or `1,204 jobs`. */
export function formatCounted(
  count: BoundedCount | { count: number; isMore?: false },
  one: string,
  many = `${one}s`,
): string {
  return `${formatCount(count)} ${count.count === 1 && count.isMore !== true ? one : many}`;
}

const UNITS = [
  { unit: "d", seconds: 86_400 },
  { unit: "h", seconds: 3_600 },
  { unit: "min", seconds: 60 },
] as const;

/** Returns a duration by its largest unit: `41 d`, `12 min`, `0 s`. */
export function formatSeconds(seconds: number): string {
  const { unit, seconds: size } = UNITS.find((one) => seconds >= one.seconds) ?? { unit: "s", seconds: 1 };
  return `${Math.max(0, Math.floor(seconds / size))} ${unit}`;
}

/** Returns a time as `formatTicks` writes it for people: `2026-01-31 12:00:00Z`. */
function formatTime(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}Z`;
}

/** How long ago a time is. The exact time is on hover: the script adds the reader's zone. */
export function age(iso: string, now: number): Html {
  return html`<time datetime="${iso}" title="${formatTime(iso)}"
    >${formatSeconds((now - Date.parse(iso)) / 1_000)}</time
  >`;
}

/** Returns what the ages on a page count to: the time of the past that it is at, if any, else now. */
export function pageTime(past: string | undefined, now: number): number {
  return past === undefined ? now : Math.min(now, Date.parse(past));
}

/** A time to the second. The reader's zone is on hover. */
export function exactTime(iso: string): Html {
  return html`<time datetime="${iso}" title="${iso}">${formatTime(iso)}</time>`;
}

/** Returns words of a code: `conflicting-duplicate` becomes `conflicting duplicate`. `dead-lettered` is a word. */
export function toWords(code: string): string {
  return code === "dead-lettered" ? code : code.replaceAll("-", " ");
}

/** Returns a size: `312 B`, `4.2 KiB`, `1.0 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  return bytes < 1_024 * 1_024
    ? `${(bytes / 1_024).toFixed(1)} KiB`
    : `${(bytes / 1_024 / 1_024).toFixed(1)} MiB`;
}

export function capitalize(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Returns a person's status in words: `ID upload started`. */
export function statusLabel(status: Status): string {
  return capitalize(toWords(status).replace(/^id\b/, "ID"));
}
