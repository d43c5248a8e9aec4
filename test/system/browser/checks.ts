/** What holds for each page. */
import axe, { type AxeResults } from "axe-core";
import type { Page } from "playwright-core";

/** Returns what is wider than its room: the page, so that it scrolls sideways, or a part that hides what is beside it. */
export function tooWide(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(
    `Array.from(document.querySelectorAll("html, main *"))
      .filter((part) => part.clientWidth > 1 && part.scrollWidth > part.clientWidth + 1)
      .filter((part) => {
        const { overflowX, textOverflow } = getComputedStyle(part);
        return part.matches("html") || (overflowX === "hidden" && textOverflow !== "ellipsis");
      })
      .map((part) => part.outerHTML.slice(0, 200))`,
  );
}

/** Returns what axe calls serious or critical, as text. */
export async function seriousProblems(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<AxeResults>("axe.run()");
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
}
