import type { DocumentedEvent, EventData, Payload } from "./payload.ts";
import type { Random } from "./random.ts";

/** One step of a person's way through KYC. */
export type Step = {
  readonly event: DocumentedEvent | UnknownEvent;
  readonly data: Payload["data"];
  /** Sent in the same breath as the step before it: same id, same tick. */
  readonly beside?: true;
};

const unknownEvents = ["NaturalPersonRejected", "NaturalPersonExpired", "LegalEntityPending"] as const;
type UnknownEvent = (typeof unknownEvents)[number];

const names = ["Jane Doe", "John O'Hara", "Ada Lovelace", 'Sam "Sammy" Li', "<b>Eve</b>"] as const;
const namesBeyondAscii = ["Zoë Łukasiewicz", "Nguyễn Thị Ánh", "李小龍", "محمد الفارسي", "Owl 🦉"] as const;
const approvers = ["Milan Doe", "Ana Petrović", "Grace Hopper"] as const;
const documentTypes = ["driverLicense", "passport", "identityCard", "residencePermit"] as const;
const proofs = ["Proof of Income", "Proof of Address", "Bank Statement"] as const;

/** Tells what one person does and what is done with that person, in the order in which it happens. */
export class Story {
  readonly entityId: string;
  readonly #random: Random;
  #name: string;
  #email: string;

  constructor(random: Random) {
    this.entityId = random.opaqueId();
    this.#random = random;
    this.#name = this.#newName();
    this.#email = this.#newEmail();
  }

  /** The whole way, approval and later updates included; who stops pulling abandons it there. */
  *told(): Generator<Step> {
    if (this.#random.chance(0.03)) {
      yield this.#unknown();
      return;
    }
    yield* this.#personalInfo({ entityCreated: true });
    const identityDocuments = 1 + this.#random.below(3);
    for (let n = 0; n < identityDocuments; n++) yield* this.#identityDocument();
    const supportingDocuments = this.#random.below(4);
    for (let n = 0; n < supportingDocuments; n++) yield* this.#supportingDocument();
    if (this.#random.chance(0.15)) return;
    yield* this.#approval();
    while (this.#random.chance(0.35)) {
      yield* this.#clientUpdate();
      if (this.#random.chance(0.5)) yield* this.#approval();
    }
  }

  *#clientUpdate(): Generator<Step> {
    const update = { isClientUpdateRequest: true };
    if (this.#random.chance(0.4)) yield* this.#personalInfo(update);
    if (this.#random.chance(0.4)) yield* this.#identityDocument(update);
    if (this.#random.chance(0.4)) yield* this.#supportingDocument(update);
  }

  *#personalInfo(said: EventData): Generator<Step> {
    const submissions = this.#random.chance(0.1) ? 2 : 1;
    for (let n = 0; n < submissions; n++) {
      yield* this.#client("NaturalPersonPending", { sessionId: this.#random.opaqueId(), ...said });
    }
  }

  *#identityDocument(said: EventData = {}): Generator<Step> {
    const document = {
      ...said,
      documentType: this.#random.pick(documentTypes),
      sessionId: this.#random.opaqueId(),
    };
    do {
      if (!this.#random.chance(0.03)) yield* this.#client("NaturalPersonStartedIDUpload", document);
      if (!this.#random.chance(0.1)) yield* this.#client("NaturalPersonUploadedID", document);
      // A second document within the session now and then: the pair of both names it.
      if (this.#random.chance(0.2)) document.documentType = this.#random.pick(documentTypes);
    } while (this.#random.chance(0.15));
  }

  *#supportingDocument(said: EventData = {}): Generator<Step> {
    const sessionId = this.#random.opaqueId();
    const supportingDocumentId = this.#random.opaqueId();
    do {
      const supportingDocumentType = this.#random.pick(proofs);
      yield* this.#client("NaturalPersonUploadedSupportingDocument", {
        ...said,
        sessionId,
        supportingDocumentId,
        supportingDocumentType,
        supportingDocumentDescription: `${supportingDocumentType}, page ${this.#random.below(99)}`,
      });
    } while (this.#random.chance(0.2));
  }

  *#approval(): Generator<Step> {
    const kind = this.#random.below(10);
    if (kind < 5) yield this.#approved("NaturalPersonManuallyApproved");
    else if (kind < 9) yield this.#approved("NaturalPersonAutoApproved");
    // As in iComply's own samples: both kinds under one id and one time.
    else {
      yield this.#approved("NaturalPersonManuallyApproved");
      yield { ...this.#approved("NaturalPersonAutoApproved"), beside: true };
    }
  }

  #approved(event: "NaturalPersonManuallyApproved" | "NaturalPersonAutoApproved"): Step {
    const userName = this.#random.pick(approvers);
    const by = { userName, userEmail: `${userName.slice(0, 3).toLowerCase()}@testing.com` };
    const byNobody = event === "NaturalPersonAutoApproved" && this.#random.chance(0.3);
    return {
      event,
      data: {
        entity: this.#name,
        ...(byNobody ? {} : by),
        entityStatus: this.#random.pick(["approved", "Approved", "accepted"]),
        description: `${this.#name} was approved, case ${this.#random.below(1000)}`,
        entityId: this.entityId,
      },
    };
  }

  /** Something the person did, under the name and address of the day. */
  *#client(event: DocumentedEvent, said: EventData): Generator<Step> {
    if (this.#random.chance(0.05)) yield this.#unknown();
    if (this.#random.chance(0.05)) this.#name = this.#newName();
    if (this.#random.chance(0.05)) this.#email = this.#newEmail();
    yield {
      event,
      data: {
        isClientUpdateRequest: false,
        entity: this.#name,
        ...(this.#random.chance(0.05) ? {} : { email: this.#email }),
        message: `${this.#name}: ${event}`,
        ...said,
        entityId: this.entityId,
      },
    };
  }

  /** Says much that must leave no trace in the person's file as long as the type is unknown. */
  #unknown(): Step {
    return {
      event: this.#random.pick(unknownEvents),
      data: {
        entity: "Not To Be Seen",
        email: "not-to-be-seen@example.com",
        isClientUpdateRequest: true,
        entityStatus: "rejected",
        entityId: this.entityId,
      },
    };
  }

  #newName(): string {
    const spelling = this.#random.chance(0.15) ? namesBeyondAscii : names;
    return `${this.#random.pick(spelling)} ${this.#random.below(100)}`;
  }

  #newEmail(): string {
    return `person-${this.#random.below(1e6)}@example.com`;
  }
}
