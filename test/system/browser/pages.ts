import type { Page } from "playwright-core";

/** One of the console's pages. */
export interface ConsolePage {
  /** As a file may be called. */
  readonly name: string;
  readonly path: string;
}

/** Other people's: Scalar's, which shows the API's document, and bull-board. */
const FOREIGN = new Set(["/docs", "/queue/board"]);

/**
 * Returns the pages that whoever is signed in gets to: those of the navigation, and of each the first page that its list
 * leads to.
 */
export async function findPages(page: Page): Promise<readonly ConsolePage[]> {
  await page.goto("/");
  const links = await linksOf(page, "header nav a");
  const pages: ConsolePage[] = [];
  for (const { path, text } of links.filter((link) => !FOREIGN.has(link.path))) {
    const name = text.toLowerCase().replaceAll(" ", "-");
    pages.push({ name, path });
    if (path === "/") continue;
    await page.goto(path);
    const found = await linksOf(page, "main a");
    const detail = found.find(
      (link) => !FOREIGN.has(link.path) && link.path.startsWith(`${path}/`) && !link.isDownload,
    );
    if (detail !== undefined) pages.push({ name: `${name}-detail`, path: detail.path });
  }
  return pages;
}

interface Link {
  readonly pathname: string;
  readonly search: string;
  readonly textContent: string | null;
  hasAttribute(name: string): boolean;
}

function linksOf(page: Page, selector: string) {
  return page.locator(selector).evaluateAll((links) =>
    (links as unknown as Link[]).map((link) => ({
      path: link.pathname + link.search,
      text: link.textContent ?? "",
      isDownload: link.hasAttribute("download"),
    })),
  );
}
