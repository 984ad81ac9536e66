/**
 * `gssocks kswitch`.
 *
 * @module
 */
import { loadConfig } from "../../kerberos/system.ts";
import { type Command, exclude, ExitCode, UsageError } from "../command/command.ts";
import { cacheNamed, cacheOfPrincipal, defaultCache } from "../command/options.ts";

/** The command. */
export const command: Command = {
  summary: "choose the primary cache of a collection",
  usage: "-c CACHE | -p PRINCIPAL",
  options: {
    ccache: { value: "CACHE", short: "c", help: "The cache, such as DIR::/path/tktNAME or KCM:NAME" },
    principal: { value: "PRINCIPAL", short: "p", help: "The principal whose cache it is" },
  },
  details: `
The collection is that of the default cache (KRB5CCNAME, krb5.conf). gssocks klist -l shows its caches.`,
  async run(args): Promise<number> {
    exclude(args, "ccache", "principal");
    const [name, principal] = [args.value("ccache"), args.value("principal")];
    if (name === undefined && principal === undefined) throw new UsageError("--ccache or --principal is needed");
    const cache = name === undefined
      ? await cacheOfPrincipal(defaultCache(loadConfig()), principal!)
      : cacheNamed(name);
    if (cache.makePrimary === undefined) {
      const problem = cache.collection === undefined ? "it is in no collection (DIR:, KCM:)" : "it names a collection";
      throw new UsageError(`there is no switching to ${cache.name}: ${problem}; gssocks klist -l shows the caches`);
    }
    await cache.makePrimary();
    return ExitCode.Ok;
  },
};
