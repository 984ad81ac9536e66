/**
 * RESOLVE and RESOLVE_PTR, Tor's commands that look a name or an address up at the proxy (socks-extensions.txt section 2).
 *
 * @module
 */
import { reasonText } from "../../../base/reason.ts";
import { abortable } from "../../../base/deadline.ts";
import { SocksReplyError } from "../../errors.ts";
import { judgedAddresses } from "../targets/judged_addresses.ts";
import type { RuleSet } from "../../rules/rule_set.ts";
import type { Resolver, ReverseResolver } from "../../names/resolver.ts";
import { hostName, normalEndpoint } from "../../wire/host_name.ts";
import { parseIp } from "../../wire/ip.ts";
import { closedEvent, type CommandCall, refuse, type TargetRequest } from "./command.ts";
import { connectDeadline, tellSuccess } from "./connect.ts";

/** Looks a host up: the address of a name, or the name of an address. */
export type ResolveHost = (request: TargetRequest, direction: "address" | "name") => Promise<string>;

/** Answers with what was found; there is nothing to relay. */
export async function runResolve(
  call: CommandCall,
  resolve: ResolveHost,
  direction: "address" | "name",
): Promise<void> {
  const { asked, request, options } = call;
  const { connection } = asked.channel;
  try {
    using deadline = connectDeadline(request, options, "not found");
    const { signal } = deadline;
    const found = await abortable(resolve({ ...request, signal }, direction), signal);
    call.answered();
    await tellSuccess(call, { hostname: found, port: 0 });
    // A client that has its answer may be gone already.
    await abortable(connection.closeWrite(), signal).catch(() => {});
  } catch (error) {
    return await refuse(call, error);
  }
  connection.close();
  options.onEvent(closedEvent(call, {}));
}

/** What {@linkcode resolveDirectly} goes by. */
export interface ResolveDirectlyOptions {
  /** Who may look up what. */
  readonly rules: () => RuleSet;
  /** Addresses of a name. */
  readonly resolve: Resolver;
  /** Names of an address. */
  readonly reverse: ReverseResolver;
}

/** Looks up by itself what the rules allow; an address that is denied is not told either. */
export function resolveDirectly({ rules, resolve, reverse }: ResolveDirectlyOptions): ResolveHost {
  return async (request, direction): Promise<string> => {
    const { hostname, signal, identity, source } = normalEndpoint(request);
    const [first] = await judgedAddresses(request, { rules: rules(), resolve });
    if (direction === "address") return first!.address;
    if (parseIp(hostname) === undefined) {
      throw new SocksReplyError("ADDRESS_TYPE_NOT_SUPPORTED", `${hostname} is no address`);
    }
    const [name] = await reverse(hostname, { signal, user: identity.name, source });
    if (name === undefined) throw new SocksReplyError("HOST_UNREACHABLE", `${hostname} has no name`);
    return foundName(hostname, name);
  };
}

/** Whoever owns an address says what its name is, and may say anything. */
function foundName(address: string, name: string): string {
  try {
    return hostName(name);
  } catch (cause) {
    const problem = reasonText(cause);
    throw new SocksReplyError("HOST_UNREACHABLE", `${address} has a name that is none: ${problem}`, { cause });
  }
}
