/**
 * The check of the origin of WebSocket requests (RFC 6455 section 10.2).
 *
 * @module
 */

/**
 * Whether a request for a WebSocket comes from an allowed origin. Browsers let any page open a WebSocket and send the page's origin
 * (RFC 6455 section 10.2). Other programs send no origin and are allowed.
 *
 * @param allowed Origins of allowed pages: scheme, host and port as browsers write them, such as `https://intranet.example.com`.
 * @throws {TypeError} When an entry of `allowed` is not an origin.
 *
 * @example
 * ```ts
 * import { isOriginAllowed } from "@gssocks/gssocks/socks";
 *
 * const request = new Request("https://proxy.example.com/", { headers: { origin: "https://elsewhere.example" } });
 * if (isOriginAllowed(request, ["https://proxy.example.com"])) throw new Error("a page from elsewhere");
 * ```
 */
export function isOriginAllowed(request: Request, allowed: readonly string[] = []): boolean {
  for (const origin of allowed) {
    if (/^[a-z][a-z0-9+.-]*:\/\/[^/?#@\sA-Z]+$/.test(origin)) continue;
    throw new TypeError(
      `Cannot use allowed origins: ${
        JSON.stringify(origin)
      } is not an origin, which is a scheme, a host and perhaps a port, in lower case`,
    );
  }
  const origin = request.headers.get("origin");
  return origin === null || allowed.includes(origin);
}
