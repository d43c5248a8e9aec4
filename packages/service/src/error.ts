/** The parts of an error that logs, answers and the record may contain. */
export interface ErrorDescription {
  /** The error's class, such as `DatabaseError`. */
  readonly type: string;
  /** A stable code, such as `ECONNREFUSED` or an SQLSTATE. */
  readonly code?: string;
  readonly message: string;
  /** The stack's frames alone, without the message. */
  readonly stack?: string;
  readonly cause?: ErrorDescription;
}

const MAX_CAUSE_DEPTH = 5;

/**
 * Returns the parts of an error that hold no personal data. Postgres's `detail`, `where`, `parameters` and query hold
 * rows, so they are left out; so is any other property, because its content is unknown.
 */
export function describeError(error: unknown): ErrorDescription {
  return describe(error, 0);
}

/**
 * As `describeError`, of an error that nobody expected, without its message and its causes: these may quote a payload.
 */
export function describeUnexpected(error: unknown): Omit<ErrorDescription, "message" | "cause"> {
  const { message: _, cause: __, ...others } = describeError(error);
  return others;
}

function describe(error: unknown, depth: number): ErrorDescription {
  if (!(error instanceof Error)) {
    return { type: typeof error, message: "a value that is not an Error was thrown" };
  }
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const stack = stackFrames(error.stack);
  // For a host with several addresses, Node collects one error for each under an empty message.
  const cause: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return {
    type: error.constructor.name,
    ...(code !== undefined && { code }),
    message: messageWithoutInput(error, code) || code || "no message",
    ...(stack !== undefined && { stack }),
    ...(cause !== undefined && depth < MAX_CAUSE_DEPTH && { cause: describe(cause, depth + 1) }),
  };
}

/** JSON.parse and Postgres's data exceptions (SQLSTATE class 22) quote the input that they reject. */
function messageWithoutInput(error: Error, code: string | undefined): string {
  const quotesInput = error instanceof SyntaxError || /^22[0-9A-Z]{3}$/.test(code ?? "");
  return quotesInput ? error.message.replace(/".*"/s, '"…"') : error.message;
}

function stackFrames(stack: string | undefined): string | undefined {
  return stack
    ?.split("\n")
    .filter((line) => /^ {4}at /.test(line))
    .join("\n");
}
