import { expect, test } from "vitest";
import { describeRedisUrl, parseRedisUrl, redisUrlMistake } from "../src/redis-url.ts";

const none = { login: {}, database: 0, master: "", sentinelLogin: {} };

test.each([
  ["redis://cache", { kind: "server", tls: false, addresses: [{ host: "cache", port: 6379 }] }],
  ["redis://[::1]:1/", { kind: "server", addresses: [{ host: "::1", port: 1 }] }],
  [
    "rediss://me:p%40ss@cache:65535/12",
    { tls: true, login: { username: "me", password: "p@ss" }, database: 12 },
  ],
  ["redis://:a:b@c+d@cache", { login: { password: "a:b@c+d" } }],
  [
    "redis+cluster://a,b:7001,10.0.0.1:7002",
    {
      kind: "cluster",
      tls: false,
      addresses: [
        { host: "a", port: 6379 },
        { host: "b", port: 7001 },
        { host: "10.0.0.1", port: 7002 },
      ],
    },
  ],
  ["rediss+cluster://:pw@a/0", { kind: "cluster", tls: true, login: { password: "pw" } }],
  [
    "redis+sentinel://a,b:7001/my%20master/3",
    {
      kind: "sentinel",
      addresses: [
        { host: "a", port: 26379 },
        { host: "b", port: 7001 },
      ],
      master: "my master",
      database: 3,
    },
  ],
  [
    "rediss+sentinel://me:pw@a/m?sentinelPassword=p%26w+&sentinelUsername=you",
    {
      kind: "sentinel",
      tls: true,
      master: "m",
      login: { username: "me", password: "pw" },
      sentinelLogin: { username: "you", password: "p&w+" },
    },
  ],
])("%s is a Redis URL", (url, expected) => {
  expect(parseRedisUrl(url)).toMatchObject({ ...none, ...expected });
  expect(redisUrlMistake(url)).toBeUndefined();
});

test.each([
  ["http://s3cret@cache", "must begin with redis://"],
  ["s3cret", "must begin with redis://"],
  ["redis+s3cret://cache", "must begin with redis://"],
  ["redis://", "has no host in its address"],
  ["redis://:s3cret@", "has no host in its address"],
  ["redis+cluster://a,,s3cret", "has no host in its address 2"],
  ["redis+cluster://a,", "has no host in its address 2"],
  ["redis://[s3cret]", "has a mistake in its address: it must be host:port"],
  ["redis://user:s3cret", "has a port in its address that is not a number from 1 to 65535"],
  ["redis+sentinel://a:1,b:65536/m", "has a port in its address 2 that is not a number"],
  ["redis+sentinel://a:0,b/m", "has a port in its address 1 that is not a number"],
  ["redis://a:1,b:2", "has several addresses; a cluster's URL begins with redis+cluster://"],
  ["redis://s3cret@cache", "has a user without a password in its user or password"],
  ["redis://:s3cret%@cache", "has a % in its user or password that begins no percent-encoded character"],
  ["redis://:s3/cret@cache", "write %2F and %40"],
  ["redis://:s3?cret@cache", "write %3F and %23"],
  ["redis://:s3#cret@cache", "write %3F and %23"],
  ["redis://cache?family=6", "has a ? or a # that begins no known setting"],
  ["redis+sentinel://a/m?password=s3cret", "has a ? or a # that begins no known setting"],
  ["redis+sentinel://a/m?sentinelUsername=s3cret", "has a user without a password in its sentinelUsername"],
  ["redis://cache/s3cret", "has a database that is not a number"],
  ["redis+sentinel://a/m/s3cret", "has a database that is not a number"],
  ["redis+sentinel://a/m/1/2", "has a database that is not a number"],
  ["redis+sentinel://a:1,b:2", "has no name of the master"],
  ["redis+sentinel://a:1,b:2/", "has no name of the master"],
  ["redis+cluster://a/1", "has a path; a cluster has the database 0 alone"],
])("%s is refused, with the part that is wrong, and without the password", (url, mistake) => {
  const message = redisUrlMistake(url);
  expect(message).toContain(mistake);
  expect(message).not.toContain("s3");
});

test.each([
  ["rediss://me:s3cret@cache/2", "Redis at cache:6379"],
  ["redis+cluster://:s3cret@a:1,b:2", "Redis Cluster at a:1, b:2"],
  [
    "redis+sentinel://:s3cret@a,b/m?sentinelPassword=s3cret",
    "Redis master m, by the Sentinels at a:26379, b:26379",
  ],
])("%s is described without its password", (url, description) => {
  expect(describeRedisUrl(url)).toBe(description);
});
