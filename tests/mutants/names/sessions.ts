/**
 * Sessions, limits and relays.
 *
 * @module
 */
import { type Mutant, rules } from "../mutant.ts";
import { ANSWERS, LIMITS, RELAY, SERVER } from "./shared.ts";

/** The rules. */
export const SESSIONS: readonly Mutant[] = [
  ...rules("socks/server/session.ts", [SERVER], [
    [
      "the handshake has a time",
      "connection floods",
      "  clock.limit(\n    milliseconds,",
      "  clock.limit(\n    Infinity,",
    ],
    [
      "the request has its own time",
      "connection floods",
      "    clock.limit(Infinity, NO_LIMIT);\n",
      "",
    ],
  ]),
  ...rules("socks/server/commands/commands.ts", [SERVER], [
    [
      "BIND only where it is served",
      "deny by default",
      'new SocksReplyError("COMMAND_NOT_SUPPORTED"',
      'new SocksReplyError("GENERAL_FAILURE"',
    ],
  ]),
  ...rules("socks/server/session.ts", [ANSWERS], [
    [
      "a refusal in the handshake can be read",
      "RFC 1928 section 6",
      "    if (!clock.signal.aborted) await drain(channel?.connection ?? accepted, { signal: clock.signal });\n",
      "",
    ],
    [
      "no command is taken for another",
      "RFC 1928 section 4",
      "if (!isKnown(command)) return void await refuseUnknown(received, options);",
      "if (!isKnown(command)) return;",
    ],
    [
      "what is not known is told as what it is",
      "RFC 1928 section 4",
      "identity: channel.identity, command, target, error }",
      'identity: channel.identity, command: "connect", target, error }',
    ],
    [
      "limits hold before a request is carried out",
      "limits",
      "const entering = enter(context.request.identity);",
      "const entering: Bandwidth | Promise<Bandwidth> = void enter ?? { gate: undefined, admit: () => true };",
    ],
    [
      "the connection is closed at the end",
      "RFC 1928 section 6",
      "    closeQuietly(this.#accepted);",
      "",
    ],
  ]),
  ...rules("socks/server/commands/refuse.ts", [ANSWERS], [
    [
      "a refusal can be read",
      "RFC 1928 section 6",
      "  await drain(connection, { tell, signal });\n",
      "  await tell();\n",
    ],
  ]),
  ...rules("socks/server/front/request.ts", [ANSWERS], [
    [
      "unknown commands have no name of another",
      "RFC 1928 section 4",
      "return { command: unknownCommand(number) };",
      'return { command: "connect" };',
    ],
  ]),
  ...rules("socks/stream/drain.ts", [ANSWERS], [
    ["a client that is gone is one refusal", "one event", "  } catch {\n", "  } catch (error) {\n    throw error;\n"],
    [
      "a refusal ends with the connection",
      "RFC 1928 section 6",
      "    await abortable(connection.closeWrite(), deadline.signal);\n    for",
      "    for",
    ],
    [
      "a client that does not close is closed",
      "RFC 1928 section 6",
      "abortable(connection.read(), deadline.signal)",
      "connection.read()",
    ],
  ]),
  ...rules("socks/server/commands/connect.ts", [ANSWERS], [
    [
      "success is told after the target is reached",
      "success before the decision",
      "  let opened: OpenedTarget;\n  try {",
      '  let opened: OpenedTarget;\n  try {\n    await client.reply({ reply: 0, hostname: "0.0.0.0", port: 0 });',
    ],
  ]),
  ...rules("socks/server/commands/step_deadline.ts", [SERVER], [
    [
      "a target has a time",
      "connectTimeout",
      "  return startDeadline({\n    milliseconds,",
      "  return startDeadline({\n    milliseconds: Infinity,",
    ],
  ]),
  ...rules("socks/server/server.ts", [LIMITS], [
    ["accepts have a rate", "limits", "if (owed > 0) await pause(owed, signal);", ""],
  ]),
  ...rules("socks/server/sessions.ts", [LIMITS], [
    [
      "sessions under way are cut at the end",
      "shutdown",
      "for (const { record } of this.#running) record.clock.abort(reason);",
      "",
    ],

    [
      "sessions have a limit",
      "limits",
      "while (this.#running.size >= this.#shares.sessions && !signal.aborted)",
      "while (false)",
    ],

    [
      "a user gives back what he had",
      "limits",
      "if (this.#running.has(running)) running.leave = running.leave.concat(leave);",
      "if (this.#running.has(running)) return true;",
    ],

    [
      "a user has a limit",
      "limits",
      'if (!entered) throw new SocksLimitError("USER_LIMIT", `${user} has ${limit} sessions already`);',
      "",
    ],
  ]),
  ...rules("socks/server/limits/source_limits.ts", [LIMITS], [
    [
      "a source gives back what it had",
      "limits",
      "    return () => {\n      this.#sources.leave(source);\n",
      "    return () => {\n",
    ],

    [
      "a source has a limit",
      "limits",
      "if (!this.#sources.enter(source, sessionsPerSource)) {",
      "if (false) {",
    ],
  ]),
  ...rules("socks/server/sessions.ts", [LIMITS], [
    [
      "a session's bytes have a rate",
      "limits",
      "if (bandwidthPerSession !== Infinity) rates.push",
      "if (false) rates.push",
    ],

    ["a user's bytes have a rate", "limits", 'if (user !== "" && bandwidthPerUser !== Infinity) {', "if (false) {"],

    ["client rules are asked", "clients", "if (verdict?.allowed === false) {", "if (false) {"],

    [
      "half-open clients have a limit",
      "connection floods",
      "if (this.#halfOpen.size > halfOpen) {",
      "if (false) {",
    ],
  ]),
  ...rules("socks/server/options.ts", [LIMITS], [
    [
      "a server has a method",
      "deny by default",
      'if (!Array.isArray(auth) || auth.length === 0) throw new TypeError("Cannot serve',
      'if (false) throw new TypeError("Cannot serve',
    ],
  ]),
  ...rules("socks/server/server.ts", [SERVER], [
    [
      "an accept that fails is tried again",
      "EMFILE",
      "          await this.#sessions.freed(ACCEPT_PAUSE, signal);\n          continue;",
      "          return;",
    ],
  ]),
  ...rules("socks/server/relay/idle_clock.ts", [RELAY], [
    ["silence ends a relay", "idleTimeout", "if (left <= 0) return", "if (left <= -Infinity) return"],
    ["half of a relay has its own time", "halfCloseTimeout", "if (milliseconds >= this.#limit) return;", "return;"],
  ]),
  ...rules("socks/server/relay/relay.ts", [RELAY], [
    ["an end is handed on", "half-close", "  await to.closeWrite();\n", ""],
    [
      "a failure ends both sides",
      "relay",
      "        close(client);\n",
      "",
    ],
    ["a slow reader holds up two writes and no more", "backpressure", "    await before;\n", ""],
    ["bytes are held up by a rate", "limits", "      await delay;\n", ""],
    ["bytes are counted", "events", "    this.#counts[key] += length;\n", ""],
  ]),
];
