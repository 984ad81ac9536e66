/** Addresses of Redis and of sentinels: what they say, and that what is wrong is not repeated. */
import assert from "node:assert/strict";
import { redisPlaces } from "../../../proxy/shared/redis_places.ts";

const ACCESS = { tls: false, username: undefined, password: undefined, database: 0 };

Deno.test("redisPlaces(): reads addresses of servers and sentinels", () => {
  assert.deepEqual(redisPlaces("redis://host"), {
    type: "servers",
    servers: [{ address: { host: "host", port: 6379 }, access: ACCESS }],
  });
  assert.deepEqual(redisPlaces(["rediss://u%40x:p%3A%2F%40:q@[::1]:1/15", "redis://:p@b/"]), {
    type: "servers",
    servers: [
      {
        address: { host: "::1", port: 1 },
        access: { tls: true, username: "u@x", password: "p:/@:q", database: 15 },
      },
      { address: { host: "b", port: 6379 }, access: { ...ACCESS, password: "p" } },
    ],
  });
  assert.deepEqual(redisPlaces("rediss+sentinel://u:p@a,b:1,[fd00::1]/my%2Fmaster/2"), {
    type: "sentinels",
    master: "my/master",
    sentinels: [{ host: "a", port: 26379 }, { host: "b", port: 1 }, { host: "fd00::1", port: 26379 }],
    access: { tls: true, username: "u", password: "p", database: 2 },
  });
});

Deno.test("redisPlaces(): refuses a wrong address without showing its text", () => {
  const wrong: (string | string[])[] = [
    "",
    [],
    "s3cret",
    "redis://",
    "redis://u:s3cret@",
    "redis://u:s3cret@host:0",
    "redis://u:s3cret@host:65536",
    "redis://u:s3cret@host:x",
    "redis://u:s3cret@a,b",
    "redis://u:s3cret@host/s3cret",
    "redis://u:s3cret@ho st",
    "redis://u:s3cret%zz@host",
    "redis://s3cret@a@b",
    "http://u:s3cret@host",
    "redis+sentinel://u:s3cret@a,b",
    "redis+sentinel://u:s3cret@a,b/",
    "redis+sentinel://u:s3cret@a,,b/m",
    "redis+sentinel://u:s3cret@a/m/1/2",
    "redis+sentinel://u:s3cret@a/m/x",
    ["redis+sentinel://a/m", "redis://b"],
    ["redis://b", "redis+sentinel://a/m"],
  ];
  for (const url of wrong) {
    assert.throws(
      () => redisPlaces(url),
      (error: Error) => error instanceof TypeError && !/s3cret/.test(Deno.inspect(error)),
      String(url),
    );
  }
});
