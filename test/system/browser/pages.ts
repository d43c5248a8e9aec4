import type { Page } from "playwright-core";

/** One of the console's pages. */
export interface ConsolePage {
  /** As a file may be called. */
  readonly name: string;
  readonly path: string;
}

/** Other people's: Scalar's, which shows the API's document, and bull-board. */
const FOREIGN = new Set(["/docs", "/queue/board"]);

/** Where a list leads to that has no pages of its own. */
const DETAILS: Readonly<Record<string, string>> = { "/dead-letters": "/deliveries" };

/**
 * Returns the pages that whoever is signed in gets to: those of the navigation, of each the first page that its list
 * leads to, and of that one the dry run.
 */
export async function findPages(page: Page): Promise<readonly ConsolePage[]> {
  await page.goto("/");
  const links = await linksOf(page, "header nav a");
  const pages: ConsolePage[] = [];
  for (const { path, text } of links.filter((link) => !FOREIGN.has(link.path))) {
    const name = text.toLowerCase().replaceAll(" ", "-");
    pages.push({ name, path });
    if (path === "/") continue;
    const detail = await findBelow(page, path, DETAILS[path] ?? path);
    if (detail === undefined) continue;
    pages.push({ name: `${name}-detail`, path: detail });
    const dryRun = await findBelow(page, detail, detail);
    if (dryRun !== undefined) pages.push({ name: `${name}-dry-run`, path: dryRun });
  }
  return pages;
}

/** Returns the first page below a path to which a page leads. */
async function findBelow(page: Page, path: string, above: string): Promise<string | undefined> {
  await page.goto(path);
  const found = await linksOf(page, "main a");
  return found.find(
    (link) => !FOREIGN.has(link.path) && link.path.startsWith(`${above}/`) && !link.isDownload,
  )?.path;
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
