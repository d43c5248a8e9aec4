import type { Result } from "@dossier/service";
import { OWNER_ENVIRONMENT } from "../../database-url.ts";
import { print, printJson } from "../../terminal/print.ts";
import { formatTable, formatTime } from "../../terminal/table.ts";
import { createCommand, formatExitCodes, integerParser, joinParagraphs, reportResult } from "../command.ts";
import { withOwner } from "../owner.ts";
import { createTokenCommand } from "./create.ts";

const listCommand = createCommand("list")
  .summary("list all tokens, with their last use")
  .description(joinParagraphs("Lists every token that was ever created.", OWNER_ENVIRONMENT))
  .option("--json", "print them as JSON")
  .addHelpText("after", formatExitCodes({ success: "the list is printed", failure: "it could not be read" }))
  .action(async ({ json = false }) => reportResult(await list(json)));

const revokeCommand = createCommand("revoke")
  .summary("revoke a token, at once and for good")
  .description(
    joinParagraphs(
      `Revokes the token with this id, which \`dossier token list\` shows. The console refuses its next request.
      DOSSIER_API_TOKEN is revoked by changing it.`,
      OWNER_ENVIRONMENT,
    ),
  )
  .argument("<tokenId>", "the token's id", integerParser(1, 2_147_483_647))
  .addHelpText("after", formatExitCodes({ success: "it is revoked", failure: "there is no such token" }))
  .action(async (tokenId) => reportResult(await revoke(tokenId)));

/** Who may use the console's API. */
export const tokenCommand = createCommand("token")
  .summary("create, list or revoke tokens of the console's API")
  .description(
    joinParagraphs(
      `Tokens say who uses the console's API: each has a name, which every decision made with it carries for ever, and a
      role. DOSSIER_API_TOKEN is one more, with the name bootstrap and the role admin.`,
    ),
  )
  .addCommand(createTokenCommand)
  .addCommand(listCommand)
  .addCommand(revokeCommand);

async function list(json: boolean): Promise<Result<void>> {
  const { listTokens } = await import("@dossier/store");
  const tokens = await withOwner(listTokens);
  if (!tokens.ok) return tokens;
  if (json) printJson(tokens.value);
  else if (tokens.value.length === 0) print("no tokens");
  else {
    const formatTimeOf = (time: string | null) => (time === null ? "never" : formatTime(time));
    const rows = tokens.value.map((token) => [
      String(token.tokenId),
      token.name,
      token.isService ? "service" : "person",
      token.role,
      token.state,
      formatTimeOf(token.createdAt),
      formatTimeOf(token.expiresAt),
      formatTimeOf(token.lastUsedAt),
    ]);
    const heading = ["ID", "NAME", "KIND", "ROLE", "STATE", "CREATED", "EXPIRES", "LAST USED"];
    print(...formatTable([heading, ...rows], [0]));
  }
  return { ok: true, value: undefined };
}

async function revoke(tokenId: number): Promise<Result<void>> {
  const { revokeToken } = await import("@dossier/store");
  const revoked = await withOwner((pool) => revokeToken(pool, tokenId));
  if (!revoked.ok) return revoked;
  if (revoked.value === undefined) return { ok: false, error: `There is no token ${tokenId}.` };
  print(`token ${tokenId} (${revoked.value}) is revoked`);
  return { ok: true, value: undefined };
}
