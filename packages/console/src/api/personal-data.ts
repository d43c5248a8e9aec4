/** Which of the API's answers hold personal data, to whom it is shown, and what is shown to all others. */
import { type Json, parseJson } from "@dossier/events";
import { isRevealed, type NewAuditEntry, type Pool } from "@dossier/store";
import type { Context, MiddlewareHandler } from "hono";
import type { ApiEnv } from "../auth.ts";
import { maskJson } from "../masking/mask-json.ts";

/** What an answer says of persons. */
export interface PersonalData<Answer> {
  /** The person whom alone it is about, or the delivery; `undefined` if it is a list. */
  readonly subject?: string | undefined;
  /** Returns the answer masked. */
  mask(): Answer;
}

/** Lets the operations behind it disclose personal data. */
export function discloseTo(pool: Pool, record: (entry: NewAuditEntry) => void): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    c.set("disclose", async (operationId, subject) => {
      const { name, isService } = c.get("caller");
      if (!isService && !(await isRevealedTo(c, subject))) return false;
      record({ who: name, action: "read", subject, detail: { operation: operationId } });
      return true;
    });
    return next();
  };

  async function isRevealedTo(c: Context<ApiEnv>, subject: string | undefined): Promise<boolean> {
    return subject !== undefined && (await isRevealed(pool, c.get("bearer"), subject));
  }
}

/** An event, or a change by one, with its data masked. */
export function maskData<Item extends object>(item: Item): Item {
  return "data" in item ? { ...item, data: maskJson(item.data as Json) } : item;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Returns a payload as JSON that is masked; nothing of one that is no JSON.
 *
 * @param isParsed whether it may be parsed here: not if it may have stopped a worker
 */
export function maskBody(body: Buffer, isParsed: boolean): Buffer {
  if (!isParsed) return Buffer.alloc(0);
  try {
    return Buffer.from(JSON.stringify(maskJson(parseJson(utf8.decode(body)))));
  } catch {
    return Buffer.alloc(0);
  }
}
