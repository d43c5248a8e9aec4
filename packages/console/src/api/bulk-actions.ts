import { problem } from "@dossier/service";
import {
  abortBulkAction,
  BULK_ACTION_STATES,
  confirmBulkAction,
  createBulkAction,
  findBulkAction,
  listBulkActions,
  listBulkFailures,
  sampleBulkAction,
  type BulkAction,
  type NewBulkAction,
  type Pool,
} from "@dossier/store";
import type { Context } from "hono";
import { z } from "zod";
import type { ApiEnv } from "../auth.ts";
import { HIDDEN } from "../masking/mask.ts";
import { count, page, utc } from "./answers.ts";
import { deadLetter } from "./delivery-history.ts";
import { API, notFoundProblem, operation, type Operation, type Readable } from "./operation.ts";
import { cursor, decimal, limit, nextCursor, wholeNumber } from "./parameters.ts";
import { bulkActionBody } from "./selection.ts";

export const SAMPLE_SIZE = 10;

const bulkActionId = wholeNumber(2_147_483_647);

export const bulkAction = z
  .object({
    bulkActionId,
    action: z.enum(["redrive", "discard", "restore"]),
    filter: z
      .record(z.string(), z.string())
      .describe("What it selected; without a field: all. A `text` is personal data, masked as such."),
    reason: z.string(),
    state: z
      .enum(BULK_ACTION_STATES)
      .describe("`previewed` until it is confirmed; then it is `running` in the background."),
    total: count.describe("How many dead letters it selected when it was made. Exact; no other is touched."),
    decided: count.describe("About how many of them it has decided."),
    missed: count.describe("About how many it could not, as they had changed. `/failures` lists them."),
    queueMissed: count.describe(
      "For how many of those decided the queue may not have taken it: the sweeper enqueues redriven ones, and the jobs of discarded ones have no effect. `/failures` lists them.",
    ),
    createdBy: z.string().describe("The name of the token."),
    createdAt: utc,
    confirmedBy: z.string().nullable().describe("The name of the token, which each decision carries."),
    confirmedAt: utc.nullable(),
    abortedBy: z.string().nullable(),
    endedAt: utc.nullable().describe("When it was completed or aborted, or failed."),
    error: z.string().nullable().describe("Why it failed. What it decided before stays."),
  })
  .describe("A decision about all dead letters that a filter selected at one moment, and how far it is.")
  .meta({ id: "BulkAction" });

export type BulkActionAnswer = z.infer<typeof bulkAction>;

const preview = bulkAction
  .extend({
    sample: z
      .array(deadLetter.extend({ deliveryId: z.uuid() }))
      .max(SAMPLE_SIZE)
      .describe("The latest of those that it selected; none 90 days after its end."),
  })
  .meta({ id: "BulkActionPreview" });

const bulkActionPage = page(bulkAction).meta({ id: "BulkActionPage" });

export type BulkActionPage = z.infer<typeof bulkActionPage>;

const failurePage = page(
  z.object({
    deliveryId: z.uuid(),
    failure: z
      .enum(["changed", "queue-missed"])
      .describe(
        "`changed`: nothing was decided, as somebody had decided about it, or it was dead-lettered anew, since the action was made. `queue-missed`: it was decided, and the queue may not have taken it.",
      ),
  }),
).meta({ id: "BulkFailurePage" });

export type BulkFailurePage = z.infer<typeof failurePage>;

export const bulkActionPath = z.strictObject({ bulkActionId: decimal(bulkActionId) });
export const bulkActionPosition = z.strictObject({ bulkActionId });
export const failurePosition = z.strictObject({
  deadLetterId: z
    .string()
    .regex(/^\d{1,18}$/)
    .transform(BigInt),
});

/** A bulk action without the text that it searched payloads for, which may be a name. */
export function maskBulkAction<Action extends Pick<BulkAction, "filter">>(action: Action): Action {
  return hasText(action) ? { ...action, filter: { ...action.filter, text: HIDDEN } } : action;
}

function hasText({ filter }: Pick<BulkAction, "filter">): boolean {
  return filter["text"] !== undefined;
}

/** What of an answer is personal data. */
function personalBulkAction<Action extends Pick<BulkAction, "filter">>(action: Action) {
  return hasText(action) ? { mask: () => maskBulkAction(action) } : undefined;
}

const NOT_FOUND = "There is no such bulk action.";
const noBody = z.strictObject({}, "must be a JSON object");

/** Makes a bulk action, and names it in the answer's header `Location`. Returns its id. */
export async function makeBulkAction(
  pool: Pool,
  c: Context<ApiEnv>,
  action: Omit<NewBulkAction, "createdBy">,
): Promise<number> {
  const id = await createBulkAction(pool, { ...action, createdBy: c.get("caller").name });
  c.header("location", `${API}/bulk-actions/${id}`);
  return id;
}

/** @param wake has this console carry out what is confirmed */
export function bulkActionOperations(pool: Pool, wake: () => void): readonly Operation[] {
  async function findWithSample(id: number): Promise<Readable<z.output<typeof preview>> | Response> {
    const [found, sample] = await Promise.all([
      findBulkAction(pool, id),
      sampleBulkAction(pool, id, SAMPLE_SIZE),
    ]);
    return found === undefined ? notFound(id) : { ...found, sample };
  }

  return [
    operation({
      method: "get",
      path: "/bulk-actions",
      operationId: "listBulkActions",
      summary: "List bulk actions",
      role: "viewer",
      description: "The latest first.",
      input: { query: z.strictObject({ limit, cursor: cursor(bulkActionPosition) }) },
      answer: bulkActionPage,
      async handle({ query: { limit, cursor } }) {
        const { items, next } = await listBulkActions(pool, { limit, after: cursor?.bulkActionId });
        return { items, nextCursor: nextCursor(next && { bulkActionId: next }) };
      },
      personal: (answer) =>
        answer.items.some(hasText)
          ? { mask: () => ({ ...answer, items: answer.items.map(maskBulkAction) }) }
          : undefined,
    }),
    operation({
      method: "post",
      path: "/bulk-actions",
      operationId: "createBulkAction",
      summary: "Select dead letters for a decision about all of them",
      role: "operator",
      description:
        "Records which dead letters match now, for a restore discarded ones, and decides nothing until it is confirmed.",
      input: { body: bulkActionBody },
      status: 201,
      answer: preview,
      async handle({ body: { action, reason, filter = {} } }, c) {
        return findWithSample(await makeBulkAction(pool, c, { action, filter, reason }));
      },
      personal: personalBulkAction,
    }),
    operation({
      method: "get",
      path: "/bulk-actions/{bulkActionId}",
      operationId: "getBulkAction",
      summary: "Read how far a bulk action is",
      role: "viewer",
      notFound: NOT_FOUND,
      input: { path: bulkActionPath },
      answer: preview,
      handle: ({ path: { bulkActionId } }) => findWithSample(bulkActionId),
      personal: personalBulkAction,
    }),
    operation({
      method: "post",
      path: "/bulk-actions/{bulkActionId}/confirm",
      operationId: "confirmBulkAction",
      summary: "Carry out a bulk action",
      role: "operator",
      description: "In the background, after those confirmed before it: one runs at a time. May be repeated.",
      notFound: NOT_FOUND,
      conflict: "It was aborted.",
      input: { path: bulkActionPath, body: noBody },
      status: 202,
      answer: bulkAction,
      async handle({ path: { bulkActionId } }, c) {
        await confirmBulkAction(pool, bulkActionId, c.get("caller").name);
        wake();
        return answerUnless("aborted", bulkActionId, await findBulkAction(pool, bulkActionId));
      },
      personal: personalBulkAction,
    }),
    operation({
      method: "post",
      path: "/bulk-actions/{bulkActionId}/abort",
      operationId: "abortBulkAction",
      summary: "Abort a bulk action",
      role: "operator",
      description:
        "Waits for the batch at hand; nothing is decided after the answer. What was decided stays. May be repeated.",
      notFound: NOT_FOUND,
      conflict: "It was completed.",
      input: { path: bulkActionPath, body: noBody },
      answer: bulkAction,
      async handle({ path: { bulkActionId } }, c) {
        await abortBulkAction(pool, bulkActionId, c.get("caller").name);
        return answerUnless("completed", bulkActionId, await findBulkAction(pool, bulkActionId));
      },
      personal: personalBulkAction,
    }),
    operation({
      method: "get",
      path: "/bulk-actions/{bulkActionId}/failures",
      operationId: "listBulkFailures",
      summary: "List the deliveries with which a bulk action did not succeed",
      role: "viewer",
      description: "In the order in which it decides: the earliest dead letter first.",
      notFound: NOT_FOUND,
      input: { path: bulkActionPath, query: z.strictObject({ limit, cursor: cursor(failurePosition) }) },
      answer: failurePage,
      async handle({ path: { bulkActionId }, query: { limit, cursor } }) {
        if ((await findBulkAction(pool, bulkActionId)) === undefined) return notFound(bulkActionId);
        const page = { limit, after: cursor?.deadLetterId };
        const { items, next } = await listBulkFailures(pool, bulkActionId, page);
        return { items, nextCursor: nextCursor(next && { deadLetterId: String(next) }) };
      },
    }),
  ];
}

function answerUnless(
  ended: "aborted" | "completed",
  id: number,
  found: BulkAction | undefined,
): BulkAction | Response {
  if (found === undefined) return notFound(id);
  if (found.state !== ended) return found;
  return problem(409, `already-${ended}`, `Bulk action ${id} is ${ended} already.`);
}

function notFound(id: number): Response {
  return notFoundProblem(`There is no bulk action ${id}.`);
}
