import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { Result } from "@dossier/service";
import type { Role } from "@dossier/store";
import { OWNER_ENVIRONMENT } from "../../database-url.ts";
import { print, printError, printJson } from "../../terminal/print.ts";
import { createCommand, formatExitCodes, joinParagraphs, parseDuration, reportResult } from "../command.ts";
import { withOwner } from "../owner.ts";

// Not from the store, which loads the Postgres client. The compiler compares the two.
const ROLES = Object.keys({ viewer: true, operator: true, admin: true } satisfies Record<
  Role,
  true
>) as Role[];

export const createTokenCommand = createCommand("create")
  .summary("create a token, and print it for the only time")
  .description(
    joinParagraphs(
      `Creates a token and prints it, for the only time: the record keeps its hash alone. A viewer reads, an operator also
      redrives and discards dead letters, an admin may do everything.`,
      OWNER_ENVIRONMENT,
    ),
  )
  .requiredOption("--name <name>", "who acts with it; every decision carries this name for ever", parseName)
  .addOption(new Option("--role <role>", "what it may do").choices(ROLES).makeOptionMandatory())
  .option("--service", "a program uses it, and no person")
  .option("--expires <age>", "when it expires: after 90d, 12h, 30m (default: never)", parseExpiry)
  .option("--json", "print { tokenId, token } as JSON")
  .addHelpText("after", formatExitCodes({ success: "it is created", failure: "it failed" }))
  .action(async (options) => reportResult(await create(options)));

interface CreateOptions {
  readonly name: string;
  readonly role: Role;
  readonly service?: true;
  readonly expires?: number;
  readonly json?: true;
}

async function create({ name, role, service, expires, json }: CreateOptions): Promise<Result<void>> {
  const { createToken } = await import("@dossier/store");
  const created = await withOwner((pool) =>
    createToken(pool, { name, role, isService: service === true, expiresIn: expires }),
  );
  if (!created.ok) return created;
  if (json) {
    printJson(created.value);
    return { ok: true, value: undefined };
  }
  print(created.value.token);
  printError(
    `token ${created.value.tokenId} of ${name}, with the role ${role}: keep it, as it is shown only now. ` +
      "A console that was started without any token must be restarted to listen beyond loopback.",
  );
  return { ok: true, value: undefined };
}

function parseName(text: string): string {
  const name = text.trim();
  if (name === "bootstrap") throw new InvalidArgumentError("This is the name of DOSSIER_API_TOKEN.");
  if (/^[^\p{C}]{1,100}$/u.test(name)) return name;
  throw new InvalidArgumentError("It must be 1 to 100 printable characters.");
}

function parseExpiry(text: string): number {
  const seconds = parseDuration(text);
  if (seconds !== undefined && seconds > 0) return seconds;
  throw new InvalidArgumentError("It must be an age such as 90d, 12h, 30m.");
}
