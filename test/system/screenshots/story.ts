/** Invented persons whose webhooks came in over some weeks, and all that can go wrong with one. */
import { encode, payload } from "@dossier/simulator";
import type { Dossier } from "../browser/dossier.ts";

/** One webhook, and how many hours before now it happened and was received. */
interface Told {
  readonly happened: number;
  readonly received: number;
  readonly body: Buffer;
}

const HOUR_MS = 3_600_000;
const now = Date.now();

const idOf = (n: number) => `5f0c2a${String(n).padStart(2, "0")}-3b1d-4c7e-9a42-7d1e0c9b${1000 + n}`;
export const JANE = idOf(0);

const NAMES = [
  "Jane Doe",
  "John O'Hara",
  "Amélie Laurent",
  "Zoë Łukasiewicz",
  "Nguyễn Thị Ánh",
  "Kwame Mensah",
  "Ingrid Solheim",
  "Mateo Fernández",
  "Li Xiaolong",
  "Priya Raman",
  "Tomáš Novák",
  "Fatima al-Sayed",
  "Oluwaseun Adeyemi",
  "Hannah Weiss",
  "Luca Moretti",
  "Sofia Papadaki",
  "Mikael Lindqvist",
  "Chiara Conti",
  "Daniel Kim",
  "Noor Haddad",
];

const APPROVER = { userName: "Milan Petrov", userEmail: "milan@bank.example" };

function tell(
  n: number,
  event: string,
  id: number,
  happened: number,
  data: object = {},
  received = happened,
): Told {
  const name = NAMES[n] ?? "";
  const email = `${name.toLowerCase().replaceAll(/[^a-z]+/g, ".")}@mail.example`;
  const approval = event.endsWith("Approved");
  const body = payload({
    event,
    id: String(1_000 + id),
    entityId: idOf(n),
    creationTimeUtc: new Date(now - happened * HOUR_MS).toISOString(),
    data: {
      entity: name,
      ...(approval
        ? { ...APPROVER, description: `${name} was approved` }
        : { email, message: `${name}: ${event}` }),
      ...(event === "NaturalPersonPending" ? { sessionId: `session-${n}` } : {}),
      ...data,
    },
  });
  return { happened, received, body: encode(body) };
}

/** Jane Doe's identity document was learned two days late, and her approval is a dead letter since this night. */
function jane(): Told[] {
  const licence = { documentType: "driverLicense", sessionId: "session-0-id" };
  const proof = {
    isClientUpdateRequest: false,
    sessionId: "session-0-doc",
    supportingDocumentId: "doc-0",
    supportingDocumentType: "Proof of Income",
    supportingDocumentDescription: "Payslips of three months",
  };
  return [
    tell(0, "NaturalPersonPending", 1, 120),
    tell(0, "NaturalPersonStartedIDUpload", 2, 119, licence),
    tell(0, "NaturalPersonUploadedID", 3, 118, licence, 70),
    tell(0, "NaturalPersonUploadedSupportingDocument", 4, 96, proof),
    tell(0, "NaturalPersonUploadedSupportingDocument", 4, 96, proof, 60),
    tell(0, "NaturalPersonManuallyApproved", 5, 8, { entityStatus: 7 }),
  ];
}

/** Each goes on to one of the five states; every third is a little later in it. */
function others(): Told[] {
  return NAMES.slice(1).flatMap((_, index) => {
    const n = index + 1;
    const start = 480 - 20 * n;
    const id = { documentType: n % 2 ? "passport" : "driverLicense", sessionId: `session-${n}-id` };
    const proof = {
      isClientUpdateRequest: false,
      sessionId: `session-${n}-doc`,
      supportingDocumentId: `doc-${n}`,
      supportingDocumentType: "Proof of Address",
      supportingDocumentDescription: "Bank statement",
    };
    const all = [
      tell(n, "NaturalPersonPending", 10 * n, start),
      tell(n, "NaturalPersonStartedIDUpload", 10 * n + 1, start - 1, id),
      tell(n, "NaturalPersonUploadedID", 10 * n + 2, start - 2, id),
      tell(n, "NaturalPersonUploadedSupportingDocument", 10 * n + 3, start - 4, proof),
      tell(n, n % 2 ? "NaturalPersonAutoApproved" : "NaturalPersonManuallyApproved", 10 * n + 4, start - 30),
    ];
    const steps = n % 3 === 1 ? all : all.slice(0, 1 + (n % 5));
    // An update by the client after the approval: it needs a review.
    if (n === 1 || n === 7)
      steps.push(
        tell(n, "NaturalPersonPending", 10 * n + 5, start - 60, {
          sessionId: `session-${n}-update`,
          entityCreated: false,
          isClientUpdateRequest: true,
        }),
      );
    return steps;
  });
}

function trouble(): Told[] {
  const at = (hours: number, body: Buffer | string): Told => ({
    happened: hours,
    received: hours,
    body: Buffer.from(body),
  });
  const [first] = jane();
  return [
    ...Array.from({ length: 6 }, (_, n) => at(30 - n, `{"id": "${2000 + n}", "event": "NaturalPersonPend`)),
    tell(4, "NaturalPersonUploadedID", 900, 26, { documentType: 7, sessionId: "session-4-id" }),
    tell(2, "NaturalPersonPending", 20, 20, { email: "amelie@other.example", sessionId: "session-2" }),
    tell(5, "NaturalPersonRiskScored", 901, 28, { riskScore: 0.25 }),
    tell(9, "NaturalPersonRiskScored", 902, 6, { riskScore: 0.5 }),
    tell(13, "NaturalPersonRejected", 903, 3),
    ...(first === undefined ? [] : [at(2, first.body)]),
  ];
}

/** What the code of yesterday failed at, and today's takes. */
export const FAILED_YESTERDAY = tell(2, "NaturalPersonUploadedSupportingDocument", 99, 22, {
  isClientUpdateRequest: false,
  sessionId: "session-2-doc",
  supportingDocumentId: "doc-2",
  supportingDocumentType: "Proof of Address",
  supportingDocumentDescription: "Bank statement",
}).body;

/** The columns that say when something happened to a delivery. */
const TIMES = ["deliveries.received_at", "settlements.settled_at", "dead_letters.dead_lettered_at"];

/** Has all of it received, in its order. What the database takes for now is then, meanwhile. */
export async function tellStory({ rows, send, settled }: Dossier): Promise<void> {
  const told = [...jane(), ...others(), ...trouble()].toSorted((a, b) => b.received - a.received);
  const turnBack = async (hours: number) => {
    for (const [table, column] of TIMES.map((time) => time.split(".")))
      await rows(`alter table ${table} alter ${column} set default now() - interval '${hours} hours'`);
  };
  for (const [hours, webhooks] of Map.groupBy(told, ({ received }) => received)) {
    await turnBack(hours);
    await send(webhooks.map(({ body }) => body));
    await settled();
  }
  await turnBack(0);
}
