/** What a Redis URL says: one server, some nodes of a cluster, or the Sentinels that know which server is the master. */
export interface RedisUrl {
  readonly kind: "server" | "cluster" | "sentinel";
  readonly tls: boolean;
  /** At least one. Those of the Sentinels, if there are any. */
  readonly addresses: readonly Address[];
  /** For the servers of the queue. */
  readonly login: Login;
  readonly database: number;
  /** The name that the Sentinels have for the master; otherwise empty. */
  readonly master: string;
  readonly sentinelLogin: Login;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

interface Login {
  readonly username?: string;
  readonly password?: string;
}

const KINDS = { "": "server", "+cluster": "cluster", "+sentinel": "sentinel" } as const;
const DEFAULT_PORTS = { server: 6379, cluster: 6379, sentinel: 26379 };

/** The scheme; what stands before the last `@`; the addresses; the path; the query, of which a `#` is a part. */
const PARTS =
  /^rediss?(?<suffix>|\+cluster|\+sentinel):\/\/(?:(?<login>[^/?#]*)@)?(?<addresses>[^/?#@]*)\/?(?<path>[^?#]*)(?<query>[^]*)$/;

/**
 * Parses the URL. Throws if it is of no known form, with what is wrong as the message: a part of a sentence that begins
 * with the URL's name. It quotes nothing of the URL, as any part of a wrong one may be of the password.
 */
export function parseRedisUrl(url: string): RedisUrl {
  const parts = PARTS.exec(url)?.groups;
  if (parts === undefined)
    throw new Error("must begin with redis://, redis+cluster:// or redis+sentinel:// (with TLS: rediss)");
  const { suffix = "", login = "", addresses = "", path = "", query = "" } = parts;
  if (path.includes("@"))
    throw new Error("has a / or an @ too many; in a user or a password, write %2F and %40");
  const kind = KINDS[suffix as keyof typeof KINDS];
  // A ? or a # in a password cuts off what follows, so the query comes first.
  const sentinelLogin = parseQuery(query, kind);
  const colon = login.includes(":") ? login.indexOf(":") : login.length;
  return {
    kind,
    tls: url.startsWith("rediss"),
    addresses: parseAddresses(addresses, kind),
    login: parseLogin("its user or password", login.slice(0, colon), login.slice(colon + 1)),
    ...parsePath(path, kind),
    sentinelLogin,
  };
}

/** Returns what is wrong with the URL, as the end of a sentence, or `undefined`. */
export function redisUrlMistake(url: string): string | undefined {
  try {
    parseRedisUrl(url);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Returns what the URL leads to, for people: without its passwords. */
export function describeRedisUrl(url: string): string {
  const { kind, addresses, master } = parseRedisUrl(url);
  const list = addresses.map(({ host, port }) => `${host}:${port}`).join(", ");
  if (kind === "server") return `Redis at ${list}`;
  return kind === "cluster"
    ? `Redis Cluster at ${list}`
    : `Redis master ${master}, by the Sentinels at ${list}`;
}

function parseAddresses(text: string, kind: RedisUrl["kind"]): readonly Address[] {
  const items = text.split(",");
  if (kind === "server" && items.length > 1)
    throw new Error(
      "has several addresses; a cluster's URL begins with redis+cluster://, and that of Sentinels with redis+sentinel://",
    );
  return items.map((item, index) => {
    const name = items.length === 1 ? "its address" : `its address ${index + 1}`;
    const {
      ipv6,
      host = ipv6,
      port,
    } = /^(?:\[(?<ipv6>[\da-f:.]+)\]|(?<host>[^\s:[\]]*))(?::(?<port>.*))?$/i.exec(item)?.groups ?? {};
    if (host === undefined) throw new Error(`has a mistake in ${name}: it must be host:port`);
    if (host === "") throw new Error(`has no host in ${name}`);
    if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535))
      throw new Error(`has a port in ${name} that is not a number from 1 to 65535`);
    return { host, port: port === undefined ? DEFAULT_PORTS[kind] : Number(port) };
  });
}

function parsePath(path: string, kind: RedisUrl["kind"]): Pick<RedisUrl, "database" | "master"> {
  const names = path.split("/");
  const master = kind === "sentinel" ? decode("its master's name", names.shift() ?? "") : "";
  if (kind === "sentinel" && master === "")
    throw new Error(
      "has no name of the master after the addresses: redis+sentinel://host:port,host:port/MASTER",
    );
  const [database = "", ...more] = names;
  if (more.length > 0 || !/^\d{0,4}$/.test(database))
    throw new Error("has a database that is not a number, at the end of its path");
  if (kind === "cluster" && Number(database) !== 0)
    throw new Error("has a path; a cluster has the database 0 alone, so leave it out");
  return { database: Number(database), master };
}

function parseQuery(query: string, kind: RedisUrl["kind"]): Login {
  const settings = { sentinelUsername: "", sentinelPassword: "" };
  for (const setting of query.slice(1).split("&").filter(Boolean)) {
    const [, name = "", value = ""] = /^([^=]*)=?(.*)$/s.exec(setting) ?? [];
    if (query.includes("#") || kind !== "sentinel" || !(name in settings))
      throw new Error(
        "has a ? or a # that begins no known setting; in a user or a password, write %3F and %23",
      );
    settings[name as keyof typeof settings] = value;
  }
  return parseLogin(
    "its sentinelUsername or sentinelPassword",
    settings.sentinelUsername,
    settings.sentinelPassword,
  );
}

function parseLogin(name: string, username: string, password: string): Login {
  if (password === "" && username !== "")
    throw new Error(
      `has a user without a password in ${name}; a password alone stands after a colon, as in :password@`,
    );
  return {
    ...(username !== "" && { username: decode(name, username) }),
    ...(password !== "" && { password: decode(name, password) }),
  };
}

function decode(name: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(`has a % in ${name} that begins no percent-encoded character; write %25`);
  }
}
