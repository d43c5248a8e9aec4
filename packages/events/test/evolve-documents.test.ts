import { describe, expect, test } from "vitest";
import { given, minute, passport, pending, started, supporting, uploaded } from "./state-change.ts";

const passportAgain = { documentType: "passport", sessionId: "s2" };
const licence = { documentType: "driverLicense", sessionId: "s1" };
const document = (startedAt: number | null, uploadedAt: number | null, key = passport) => ({
  type: key.documentType,
  sessionId: key.sessionId,
  startedAt: startedAt === null ? null : minute(startedAt),
  uploadedAt: uploadedAt === null ? null : minute(uploadedAt),
});
const proof = (id: string, uploadedAt: number, type: string | null = null, description = type) => ({
  id,
  type,
  description,
  uploadedAt: minute(uploadedAt),
});

describe("identityDocuments", () => {
  test("a start adds a document, and its upload completes it", () => {
    expect(given(pending(1)).when(started(2))).toEqual({
      status: "id-upload-started",
      identityDocuments: [document(2, null)],
    });
    expect(given(started(2)).when(uploaded(3))).toEqual({
      status: "id-uploaded",
      identityDocuments: [document(2, 3)],
    });
  });
  test("an upload without a start adds a document too", () => {
    expect(given(pending(1)).when(uploaded(3))).toEqual({
      status: "id-uploaded",
      identityDocuments: [document(null, 3)],
    });
  });
  test("a start after its upload completes the document, and the status stays", () => {
    expect(given(uploaded(3)).when(started(4))).toEqual({ identityDocuments: [document(4, 3)] });
  });
  test("the earliest start and the latest upload count", () => {
    expect(given(started(1)).when(started(2))).toEqual({});
    expect(given(started(1), uploaded(2)).when(uploaded(3))).toEqual({ identityDocuments: [document(1, 3)] });
  });
  test("there is one document for each type and session; equal first times sort by these", () => {
    expect(given(started(1)).when(started(1, passportAgain))).toEqual({
      identityDocuments: [document(1, null), document(1, null, passportAgain)],
    });
    expect(given(started(1), started(1, passportAgain)).when(started(1, licence))).toEqual({
      identityDocuments: [document(1, null, licence), document(1, null), document(1, null, passportAgain)],
    });
  });
  test("documents sort by their first time, whichever event has it", () => {
    expect(given(uploaded(1), started(2, licence)).when(started(3))).toEqual({
      identityDocuments: [document(3, 1), document(2, null, licence)],
    });
  });
});

describe("supportingDocuments", () => {
  test("there is one document for each id, with its last type, description and time", () => {
    expect(
      given(
        supporting(1, { supportingDocumentType: "Income", supportingDocumentDescription: "Page 1" }),
      ).when(supporting(2, { supportingDocumentType: "Address", supportingDocumentDescription: "Page 2" })),
    ).toEqual({ supportingDocuments: [proof("d1", 2, "Address", "Page 2")] });
  });
  test("an upload without type and description keeps those before", () => {
    expect(
      given(
        supporting(1, { supportingDocumentType: "Income", supportingDocumentDescription: "Page 1" }),
      ).when(supporting(2)),
    ).toEqual({ supportingDocuments: [proof("d1", 2, "Income", "Page 1")] });
  });
  test("documents sort by their first time, then by id", () => {
    expect(
      given(
        supporting(1, { supportingDocumentId: "d3" }),
        supporting(2, { supportingDocumentId: "d2" }),
      ).when(supporting(2, { supportingDocumentId: "d1" })),
    ).toEqual({ supportingDocuments: [proof("d3", 1), proof("d1", 2), proof("d2", 2)] });
    expect(
      given(
        supporting(1, { supportingDocumentId: "d3" }),
        supporting(2, { supportingDocumentId: "d1" }),
      ).when(supporting(3, { supportingDocumentId: "d3" })),
    ).toEqual({ supportingDocuments: [proof("d3", 3), proof("d1", 2)] });
  });
});
