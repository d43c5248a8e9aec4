import type { Result } from "@dossier/service";
import type { DeliveryHistory } from "@dossier/store";
import { command, conclude, exitCodes, paragraphs } from "../command.ts";
import { uuid } from "../values.ts";
import { ENVIRONMENT, withRecord } from "./record.ts";

export function showCommand() {
  return command("show")
    .summary("show all that is known of a dead letter")
    .description(
      paragraphs(
        `Shows a delivery that died at least once, whatever became of it: why, every attempt, what people did,
        and the exact bytes, which hold personal data.`,
        ENVIRONMENT,
      ),
    )
    .argument("<deliveryId>", "the delivery", uuid)
    .option("--json", "print it as JSON; the bytes as text and in base64")
    .addHelpText(
      "after",
      exitCodes({ done: "it is shown", failed: "the delivery never died, or cannot be read" }),
    )
    .action(async (deliveryId, { json = false }) => conclude(await run(deliveryId, json)));
}

function run(deliveryId: string, json: boolean): Promise<Result<void>> {
  return withRecord(async (pool) => {
    const { findDeadLetter } = await import("@dossier/store");
    const story = await findDeadLetter(pool, deliveryId);
    if (story === undefined) return { ok: false, error: `Delivery ${deliveryId} never died.` };
    const { body, ...rest } = story;
    const bytes = { text: body.toString("utf8"), base64: body.toString("base64") };
    console.log(json ? JSON.stringify({ ...rest, body: bytes }) : inWords(story));
    return { ok: true, value: undefined };
  });
}

function inWords(story: DeliveryHistory): string {
  const { deliveryId, outcome, receivedAt, verifiedBy, secretFingerprint, headers, body } = story;
  const events = [
    ...story.deadLetters.map(
      ({ deadLetteredAt: at, reason, message, issues, event, id, entityId, codeVersion }) => ({
        at,
        told: [
          `died as ${reason}: ${message} (code ${codeVersion})`,
          ...(event === null ? [] : [`    event ${event} ${id ?? ""} of ${entityId ?? ""}`]),
          ...issues.map(({ path, message: fault }) => `    ${path}: ${fault}`),
        ],
      }),
    ),
    ...story.attempts.map(({ failedAt: at, attempt, error, stack, codeVersion }) => ({
      at,
      told: [`attempt ${attempt} failed: ${error} (code ${codeVersion})`, ...(stack === null ? [] : [stack])],
    })),
    ...story.decisions.map(({ at, action, operator, reason }) => ({
      at,
      told: [`${action} by ${operator}: ${reason}`],
    })),
  ];
  return [
    `delivery ${deliveryId}, now ${outcome}`,
    `received ${receivedAt}, verified by ${verifiedBy} (${secretFingerprint})`,
    ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`),
    "",
    ...events.toSorted((a, b) => (a.at < b.at ? -1 : 1)).map(({ at, told }) => `${at}  ${told.join("\n")}`),
    "",
    `${body.length} bytes:`,
    body.toString("utf8"),
  ].join("\n");
}
