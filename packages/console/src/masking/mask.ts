import { errorClass } from "@dossier/events";

/** What stands for a value of which nothing is shown. */
export const HIDDEN = "•••";

/** Returns an error as it is recorded, without its message. */
export function maskError(error: string): string {
  return `${errorClass(error)}: ${HIDDEN}`;
}

/** Names of four words are enough to tell persons apart; further words would only show how many there are. */
const MAX_WORDS = 4;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Returns a name of which each word shows its first character alone: `J••• D••`. */
export function maskName(name: string): string {
  return words(name)
    .slice(0, MAX_WORDS)
    .map((word) => maskWord(word))
    .join(" ");
}

/** Returns an e-mail address that shows the first characters and the top-level domain alone: `j•••@m•••.com`. */
export function maskEmail(email: string): string {
  const at = email.lastIndexOf("@");
  if (at < 1) return maskName(email);
  const [host, topLevel] = splitAtLast(email.slice(at + 1), ".");
  const shown = /^[a-z]{2,6}$/i.test(topLevel) ? `.${topLevel}` : "";
  return `${initial(email.slice(0, at))}•••@${initial(host)}•••${shown}`;
}

/** A short word has as many bullets as it hides, and at least one; a long one does not tell its length. */
function maskWord(word: string): string {
  const [first = "", ...hidden] = firstCharacters(word, 4);
  return first + "•".repeat(Math.max(1, hidden.length));
}

/** Control characters, such as those that turn the direction of a text, are no part of a word. */
function words(text: string): string[] {
  return text
    .slice(0, 200)
    .replaceAll(/\p{C}/gu, "")
    .split(/[\p{Z}\s]+/u)
    .filter((word) => word !== "");
}

function initial(text: string): string {
  return firstCharacters(words(text)[0] ?? "", 1).join("");
}

/** A word of letters of which each is a character by itself. Intl takes 20 times as long to find that out. */
const LATIN = /^[!-~¡-¬®-ɏ]*$/;

function firstCharacters(word: string, count: number): readonly string[] {
  if (LATIN.test(word)) return word.slice(0, count).split("");
  return Iterator.from(graphemes.segment(word))
    .take(count)
    .map(({ segment }) => segment)
    .toArray();
}

function splitAtLast(text: string, separator: string): [string, string] {
  const index = text.lastIndexOf(separator);
  return index === -1 ? [text, ""] : [text.slice(0, index), text.slice(index + 1)];
}
