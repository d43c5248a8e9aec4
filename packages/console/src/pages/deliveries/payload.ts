import { parseJson, type Issue, type Json } from "@dossier/events";
import { html } from "hono/html";
import { maskJson } from "../../masking/mask-json.ts";
import { formatBytes } from "../format.ts";
import type { Html } from "../page.ts";
import { prettyJson, TURNS } from "./pretty-json.ts";
import { rawBytes } from "./raw-bytes.ts";

/** Characters that a page shows of a payload, pretty and raw. In UTF-8 and HTML, each may take six bytes. */
const ROOM = 32 * 1024;

export interface PayloadOptions {
  readonly body: Buffer;
  /** Whether it may be parsed here: not if it may have stopped a worker. */
  readonly isParsed: boolean;
  /** What is wrong with it, where that is known. */
  readonly issues: readonly Issue[];
  /** Of the character at which it is no JSON, if that is known. */
  readonly position: number | undefined;
  readonly isRevealed: boolean;
  /** Asks for a reveal; empty for who may not. */
  readonly revealForm: Html | string;
}

/** The payload as the sender wrote it: pretty, with the wrong places marked, and raw; masked until it is revealed. */
export function payload(options: PayloadOptions): Html {
  const { body, isParsed, issues, isRevealed, revealForm } = options;
  const value = isParsed ? parse(body) : undefined;
  return html`<section class="card" aria-labelledby="payload">
    <h2 id="payload">Payload, ${formatBytes(body.length)}</h2>
    ${
      isRevealed
        ? ""
        : html`<p class="muted">Masked: it holds personal data. The exact bytes are shown once it is revealed.</p>
          ${revealForm}`
    }
    ${value === undefined ? notParsed(options) : pretty(isRevealed ? value : maskJson(value), issues)}
    ${isRevealed ? raw(options, value === undefined) : ""}
  </section>`;
}

function notParsed({ isParsed, isRevealed }: PayloadOptions): Html {
  const why = isParsed ? "It is no JSON" : "It is not parsed here, as it may be what stopped a worker";
  return html`<p>${why}${isRevealed ? ": see its bytes below." : ", so nothing of it can be shown masked."}</p>`;
}

function pretty(value: Json, issues: readonly Issue[]): Html {
  const { pieces, isCut, unmarked } = prettyJson(value, issues, ROOM);
  return html`<pre class="payload" tabindex="0" role="region" aria-label="Payload, pretty"><code>${pieces.map(
    (piece) =>
      typeof piece === "string"
        ? piece
        : html`<mark>${piece.line}</mark> <b class="wrong">← ${piece.message}</b>\n`,
  )}</code></pre>
    ${isCut ? html`<p class="hint">This is its beginning; the rest is left out here.</p>` : ""}
    ${unmarked > 0 ? html`<p class="hint">${unmarked} of the wrong places cannot be marked here.</p>` : ""}`;
}

function raw({ body, position }: PayloadOptions, isOpen: boolean): Html {
  const { before, marked, after, note } = rawBytes(body, position, ROOM);
  return html`<details ${isOpen ? html`open` : ""}>
    <summary>Exact bytes</summary>
    <pre class="payload" tabindex="0" role="region" aria-label="Payload, exact bytes"><code>${framed(before)}${
      marked === "" ? "" : html`<mark>${framed(marked)}</mark>`
    }${framed(after)}</code></pre>
    <p class="hint">${note} A control character is shown as its number in a frame.</p>
  </details>`;
}

/** Frames the numbers of control characters: an escape, as JSON writes it, would look as if the sender had written it. */
function framed(text: string): readonly (Html | string)[] {
  const numbers = [...text.matchAll(TURNS)].map(([one]) => one.charCodeAt(0).toString(16).toUpperCase());
  return text
    .split(TURNS)
    .flatMap((part, n) => (n === 0 ? [part] : [html`<i>U+${numbers[n - 1]?.padStart(4, "0")}</i>`, part]));
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function parse(body: Buffer): Json | undefined {
  try {
    return parseJson(utf8.decode(body));
  } catch {
    return undefined;
  }
}
