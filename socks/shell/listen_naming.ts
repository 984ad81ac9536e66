/**
 * Errors of listening, in words for users.
 *
 * @module
 */

/**
 * Listens, and says in the message of an error what failed, why, and what to do: the system's error does not even name the address. The
 * class of the error stays.
 */
export function listenNaming<T>(what: string, listen: () => T): T {
  try {
    return listen();
  } catch (error) {
    if (error instanceof Error) error.message = `${what}: ${listenReason(error)}`;
    throw error;
  }
}

function listenReason(error: Error & { readonly code?: unknown }): string {
  const reason = error.message.replace(/ \(os error \d+\)$/, "");
  if (error.code === "EADDRINUSE") return "something listens there already; end it, or choose another port";
  if (error.code === "EADDRNOTAVAIL") return "this machine does not have that address";
  if (error.code === "EACCES" || error.code === "EPERM") {
    return `${reason}; ports below 1024 need a right of their own (CAP_NET_BIND_SERVICE)`;
  }
  return /failed to lookup|[Nn]ame or service not known|nodename/.test(reason)
    ? "there is no host of that name; write an address"
    : reason;
}
