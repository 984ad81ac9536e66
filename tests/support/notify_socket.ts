/**
 * A service manager's socket: prints each message that a service sends there. Run it with `--unstable-net`.
 *
 * @module
 */
const [path] = Deno.args;
const socket = Deno.listenDatagram({ transport: "unixpacket", path: path! });
const print = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
print("waiting");
for await (const [message] of socket) print(`told ${new TextDecoder().decode(message).replaceAll("\n", " | ")}`);
