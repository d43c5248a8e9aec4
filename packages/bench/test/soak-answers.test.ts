import { expect, test } from "vitest";
import { answerQuestions } from "../src/soak/answers.ts";

const minute = (p99: number, ingest: number, worker: number) => ({
  keys: [""],
  figures: { "p99 ms": [p99], "MB, ingest": [ingest], "MB, worker": [worker] },
});
const answersOf = (unanswered: number) => ({
  keys: [""],
  figures: {
    "answered 200": [50],
    "answered 503": [40],
    "no answer": [unanswered],
    otherwise: [0],
    "not sent, as 4,000 wait": [7],
    "settled after s": [3],
  },
});
const NOTHING_LOST = { accepted: 100, recorded: 101, unsettled: 0 };

function ask(
  soak: readonly ReturnType<typeof minute>[],
  after = minute(10, 0, 0),
  unanswered = 0,
  loss = NOTHING_LOST,
) {
  const answers = [answersOf(0), answersOf(unanswered), answersOf(0)];
  const { rows } = answerQuestions(soak, [minute(0, 250, 60), after], answers, loss);
  return Object.fromEntries(rows.map(({ keys: [question, answer] }) => [question, answer]));
}

const FLAT = [minute(10, 100, 50), minute(50, 100, 50), minute(11, 110, 55)];

test("what grows by a tenth at most is flat, and a soak without loss has lost nothing", () => {
  expect(ask(FLAT)).toEqual({
    "Is the memory flat?": "yes: MB, ingest 100 → 110; worker 50 → 55",
    "Is the p99 flat?": "yes: ms, 10 → 11",
    "Is the excess of the flood answered 503?":
      "yes: 40 were; 50 were accepted, 0 got no answer, 0 another one; 7 that were due could not be sent",
    "What memory does the flood take?": "ingest 110 → 250 MB; worker 55 → 60 MB",
    "Is anything lost?": "no: 100 were answered 200, 101 are recorded, and all are settled",
    "Is it as at first, after the flood?":
      "yes: all was settled 3 s after it; then the p99 was 10 ms; 10 → 11 in the soak",
  });
});

test("what grows by more is named", () => {
  const answers = ask([minute(10, 100, 50), minute(10, 100, 50), minute(14, 112, 55)], minute(14, 0, 0), 1);
  expect(answers).toMatchObject({
    "Is the memory flat?": expect.stringMatching(/^not of ingest: /),
    "Is the p99 flat?": expect.stringMatching(/^no: /),
    "Is the excess of the flood answered 503?": expect.stringMatching(/^no: .* 1 got no answer/),
    // Slower than at first, though as at last.
    "Is it as at first, after the flood?": expect.stringMatching(/^no: /),
  });
});

test.each([
  [{ accepted: 100, recorded: 99, unsettled: 0 }],
  [{ accepted: 100, recorded: 100, unsettled: 1 }],
])("%j is a loss", (loss) => {
  expect(ask(FLAT, undefined, 0, loss)["Is anything lost?"]).toMatch(/^yes: /);
});
