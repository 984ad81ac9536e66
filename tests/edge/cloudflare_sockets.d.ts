/** What is used of the sockets of Cloudflare's workers. */
export function connect(
  address: { readonly hostname: string; readonly port: number },
  options: { readonly allowHalfOpen: boolean },
): {
  readonly opened: Promise<unknown>;
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
};
