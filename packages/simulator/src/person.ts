import { documentedEvents, payload, type EventData, type Payload } from "./payload.ts";
import type { Random } from "./random.ts";
import type { DocumentedEvent } from "./status.ts";

/** One step of a person's way through KYC. */
export type Step = {
  readonly event: DocumentedEvent | UnknownType;
  readonly data: Payload["data"];
  /** It has the id and the time of the step before it. */
  readonly simultaneous?: true;
};

// Types that iComply will never use.
const unknownTypes = ["NaturalPersonNotYetKnown", "LegalEntityNotYetKnown"] as const;
type UnknownType = (typeof unknownTypes)[number];

const names = ["Jane Doe", "John O'Hara", "Ada Lovelace", 'Sam "Sammy" Li', "<b>Eve</b>"];
const namesBeyondAscii = ["Zoë Łukasiewicz", "Nguyễn Thị Ánh", "李小龍", "محمد الفارسي", "Owl 🦉"];
const approvers = ["Milan Doe", "Ana Petrović", "Grace Hopper"];
const documentTypes = ["driverLicense", "passport", "identityCard", "residencePermit"];
const proofs = ["Proof of Income", "Proof of Address", "Bank Statement"];

/** An invented person, who takes random steps through KYC. */
export class SimulatedPerson {
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

  /** Yields all steps in their order, approvals and later updates included. */
  *steps(): Generator<Step> {
    if (this.#random.chance(0.03)) {
      yield this.#unknownEvent();
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

  *#personalInfo(data: EventData): Generator<Step> {
    const submissions = this.#random.chance(0.1) ? 2 : 1;
    for (let n = 0; n < submissions; n++) {
      yield* this.#byClient("NaturalPersonPending", { sessionId: this.#random.opaqueId(), ...data });
    }
  }

  *#identityDocument(data: EventData = {}): Generator<Step> {
    const document = {
      ...data,
      documentType: this.#random.pick(documentTypes),
      sessionId: this.#random.opaqueId(),
    };
    do {
      if (!this.#random.chance(0.03)) yield* this.#byClient("NaturalPersonStartedIDUpload", document);
      if (!this.#random.chance(0.1)) yield* this.#byClient("NaturalPersonUploadedID", document);
      // Sometimes a session has a second document: type and session together identify one.
      if (this.#random.chance(0.2)) document.documentType = this.#random.pick(documentTypes);
    } while (this.#random.chance(0.15));
  }

  *#supportingDocument(data: EventData = {}): Generator<Step> {
    const sessionId = this.#random.opaqueId();
    const supportingDocumentId = this.#random.opaqueId();
    do {
      const supportingDocumentType = this.#random.pick(proofs);
      yield* this.#byClient("NaturalPersonUploadedSupportingDocument", {
        ...data,
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
    // As in iComply's own samples: both kinds with one id and one time.
    else {
      yield this.#approved("NaturalPersonManuallyApproved");
      yield { ...this.#approved("NaturalPersonAutoApproved"), simultaneous: true };
    }
  }

  #approved(event: "NaturalPersonManuallyApproved" | "NaturalPersonAutoApproved"): Step {
    const userName = this.#random.pick(approvers);
    const user = { userName, userEmail: `${userName.slice(0, 3).toLowerCase()}@testing.com` };
    const withoutUser = event === "NaturalPersonAutoApproved" && this.#random.chance(0.3);
    return {
      event,
      data: {
        entity: this.#name,
        ...(withoutUser ? {} : user),
        entityStatus: this.#random.pick(["approved", "Approved", "accepted"]),
        description: `${this.#name} was approved, case ${this.#random.below(1000)}`,
        entityId: this.entityId,
      },
    };
  }

  /** A step that the person takes, with the name and e-mail address of that day. */
  *#byClient(event: DocumentedEvent, data: EventData): Generator<Step> {
    if (this.#random.chance(0.05)) yield this.#unknownEvent();
    if (this.#random.chance(0.02)) yield this.#outOfTurn();
    if (this.#random.chance(0.05)) this.#name = this.#newName();
    if (this.#random.chance(0.05)) this.#email = this.#newEmail();
    yield {
      event,
      data: {
        isClientUpdateRequest: false,
        entity: this.#name,
        ...(this.#random.chance(0.05) ? {} : { email: this.#email }),
        message: `${this.#name}: ${event}`,
        ...data,
        entityId: this.entityId,
      },
    };
  }

  /** Any documented event, as its sample has it, whatever came before: so every event occurs, also a new one. */
  #outOfTurn(): Step {
    const event = this.#random.pick(documentedEvents);
    const { data } = payload({ event, entityId: this.entityId, data: { entity: this.#name } });
    return { event, data };
  }

  /** An event of an unknown type, whose data must not reach the person's state. */
  #unknownEvent(): Step {
    return {
      event: this.#random.pick(unknownTypes),
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
    const choices = this.#random.chance(0.15) ? namesBeyondAscii : names;
    return `${this.#random.pick(choices)} ${this.#random.below(100)}`;
  }

  #newEmail(): string {
    return `person-${this.#random.below(1e6)}@example.com`;
  }
}
