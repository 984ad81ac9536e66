/**
 * A smart HTTP server of git: its own CGI program behind a handler of requests.
 *
 * @module
 */
import assert from "node:assert/strict";
import { peer } from "./peers.ts";
import { run } from "./process.ts";

/** A repository that is served. */
export interface GitServer {
  /** Answers a request. */
  handle(request: Request): Promise<Response>;
  /** Returns a file of its branch. */
  show(path: string): Promise<string>;
}

/** Makes `repo.git` with one commit in a folder, and serves it. */
export async function gitServer(folder: string): Promise<GitServer> {
  const repository = `${folder}/repo.git`;
  const git = async (...args: string[]) => {
    const result = await run(peer("git"), args, { env: { HOME: folder, GIT_CONFIG_NOSYSTEM: "1" } });
    assert.equal(result.code, 0, result.stderr);
    return result.stdout;
  };
  await git("init", "-q", "-b", "main", `${folder}/work`);
  await Deno.writeTextFile(`${folder}/work/file`, "first\n");
  await git("-C", `${folder}/work`, "add", "file");
  await git("-C", `${folder}/work`, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first");
  await git("clone", "-q", "--bare", `${folder}/work`, repository);
  await git("-C", repository, "config", "http.receivepack", "true");
  return {
    handle: (request) => cgi(request, folder),
    show: (path) => git("-C", repository, "show", `main:${path}`),
  };
}

/** Answers a request by `git http-backend` (RFC 3875). */
async function cgi(request: Request, root: string): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const body = await request.bytes();
  const child = new Deno.Command(peer("git"), {
    args: ["http-backend"],
    env: {
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      REQUEST_METHOD: request.method,
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: request.headers.get("content-type") ?? "",
      HTTP_CONTENT_ENCODING: request.headers.get("content-encoding") ?? "",
      CONTENT_LENGTH: String(body.length),
      REMOTE_ADDR: "127.0.0.1",
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(body).catch(() => {});
  await writer.close().catch(() => {});
  const { stdout } = await child.output();
  const text = Array.from(stdout.subarray(0, 4_096), (byte) => String.fromCharCode(byte)).join("");
  const end = text.indexOf("\r\n\r\n");
  const fields = text.slice(0, end).split("\r\n").map((line) => line.split(": ") as [string, string]);
  const status = Number(fields.find(([name]) => name === "Status")?.[1].slice(0, 3) ?? 200);
  const headers = fields.filter(([name]) => name !== "Status");
  return new Response(stdout.slice(end + 4), { status, headers });
}
