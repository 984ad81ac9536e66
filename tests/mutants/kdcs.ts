// deno-fmt-ignore-file -- a line a rule
/**
 * Rules about which KDC is asked, and about clocks that are set, each with the change that switches it off.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const RACE = ["tests/kerberos/reach/race_test.ts"];
const LAST_ANSWERS = ["tests/kerberos/reach/last_answers_test.ts"];
const ATTEMPTS = ["tests/kerberos/reach/attempts_test.ts"];
const ANSWER = ["tests/kerberos/reach/answer_test.ts"];
const ADDRESSES = ["tests/kerberos/reach/addresses_test.ts"];
const DATAGRAM = ["tests/kerberos/reach/datagram_test.ts"];
const FRAMING = ["tests/kerberos/reach/framing_test.ts"];
const PRIMARY = ["tests/kerberos/reach/primary_kdc_test.ts"];
const SOCKETS = ["tests/kerberos/reach/socket_transport_test.ts"];
const REACH = ["tests/kerberos/reach/kdc_client_test.ts"];
const LOCATE = ["tests/kerberos/reach/locate_test.ts"];
const CLOCK = ["tests/kerberos/credentials/tickets/kdc_clock_test.ts"];
const TICKETS = ["tests/kerberos/credentials/tickets/tickets_test.ts"];
const GONE = ["tests/proxy/kdc_gone_test.ts"];

const EYES = "RFC 8305 section 5";
const DEAD = "a KDC that is dead costs time once";
const LIVES = "no platform's error ends the process";
const STEPS = "an offset does not outlive its reason";

/** The rules. */
export const KDCS_MUTANTS: readonly Mutant[] = [
  ...rules("kerberos/reach/race.ts", RACE, [
    ["the next one is asked beside a slow one", EYES, "if (await this.#isQuietFor(delay)) this.#due++;", "await this.#isQuietFor(delay);", "beside one that"],
    ["the next one is asked at once when one fails", EYES, "      this.#due++;\n    }).finally", "    }).finally", "at once when one fails"],
    ["attempts under way have a limit", "a stranger's list", "while (this.#due > 0 && this.#underWay < this.#options.atOnce) {", "while (this.#due > 0) {", "no more are under way"],
    ["the other attempts are ended", EYES, "    this.#over.abort(new Error(\"Another attempt has succeeded\"));\n", "", "ends the losers"],
    ["a race ends with its signal", "a stranger's time", "      signal.throwIfAborted();\n      if (this.#answer", "      if (this.#answer", "ends with its signal"],
    ["nothing is begun for a signal that was aborted", "a stranger's time", "  options.signal.throwIfAborted();\n", "", "ends with its signal"],
    ["an error that is thrown at once is a failure of the attempt", LIVES, "const attempt = new Promise<T>((resolve) => resolve(this.#attempt(candidate, this.#over.signal)));", "const attempt = this.#attempt(candidate, this.#over.signal);", "all fail"],
  ]),
  ...rules("kerberos/reach/last_answers.ts", LAST_ANSWERS, [
    ["an answer is forgotten after minutes", DEAD, "if (last === undefined || this.#now() < last.until) return last?.member;", "return last?.member;"],
    ["a member that fails is forgotten", DEAD, "if (this.#last.get(group)?.member === member) this.#last.delete(group);", ""],
    ["the failure of one member does not make another forgotten", DEAD, "if (this.#last.get(group)?.member === member) this.#last.delete(group);", "this.#last.delete(group);"],
    ["the memory is bounded", "a stranger's realms", "if (this.#last.size === MAX_GROUPS) this.#last.delete(this.#last.keys().next().value!);", ""],
  ]),
  ...rules("kerberos/reach/attempts.ts", ATTEMPTS, [
    ["the KDC that answered last goes first", DEAD, "if (remembered > 0) this", "if (false) this"],
    ["a host that has failed is the last resort", DEAD, "if (!this.#failed.has(hostText(address))) return address;", "return address;"],
    ["no attempt is made twice", "a reply may be known over TCP", "}).filter((address) => !known.has(addressText(address)));", "});"],
    ["a KDC for UDP is asked over TCP too", "RFC 4120 section 7.2", "return protocol === \"udp\" ? \"tcp\" : undefined;", "return undefined;"],
  ]),
  ...rules("kerberos/reach/answer.ts", ANSWER, [
    ["an answer is of the type asked for", "RFC 4120 section 3.3.4", "applicationTag(message) === TGS_REQ ? TgsRep : AsRep", "applicationTag(answer) === 13 ? TgsRep : AsRep"],
    ["an answer is whole", "RFC 4120 section 7.2", "    readMessage(applicationTag(message) === TGS_REQ ? TgsRep : AsRep, answer);\n", ""],
    ["an error of another realm is no answer", "RFC 4120 section 5.9.1", "return known || error.realm.toUpperCase() === realm.toUpperCase() ? \"good\" : \"of another realm\"", "return \"good\""],
    ["a KDC that refuses a secret knows the client", "a proof that is wrong costs one attempt", "return known || error.realm", "return error.realm"],
    ["an unavailable KDC gives no answer", "RFC 4120 section 7.5.9", "  if (error.errorCode === ErrorCode.KDC_ERR_SVC_UNAVAILABLE) return \"unavailable\";\n", ""],
  ]),
  ...rules("kerberos/reach/kdc_client.ts", REACH, [
    ["the KDC that answered is remembered", DEAD, "if (!run.primary) this.#lastAnswers.answered(realm, addressText(address));", "", "costs time once"],
    ["the KDC that failed is forgotten", DEAD, "        if (!stop.aborted) this.#lastAnswers.failed(realm, addressText(address));\n", "", "costs time once"],
    ["an attempt that lost the race has not failed", DEAD, "        if (!stop.aborted) this.#lastAnswers.failed(realm,", "        this.#lastAnswers.failed(realm,", "not waited for"],
    ["clients of one transport share the last answers", DEAD, "    LAST_ANSWERS.set(transport, this.#lastAnswers);\n", "", "costs time once"],
    ["a host that failed is the last resort", DEAD, "        attempts.failed(address);\n", "", "last resort"],
    ["another realm's error counts if there is no better answer", "RFC 4120 section 5.9.1", "if (fallback === undefined) throw realmUnreachable(realm, error.failures);", "throw realmUnreachable(realm, error.failures);", "passes over"],
    ["KDCs that are asked at once have a limit", "a stranger's list", "atOnce: AT_ONCE, signal };", "atOnce: Infinity, signal };", "many silent"],
  ]),
  ...rules("kerberos/reach/kdc_client.ts", PRIMARY, [
    ["a secret is proved at the primary KDC too", "MIT's primary_kdc", "const located = isVerdict(error) ? await this.#locatePrimary(run) : undefined;", "const located = undefined;"],
    ["the primary KDC is asked after a refusal only", "MIT's primary_kdc", "const located = isVerdict(error) ? await this.#locatePrimary(run) : undefined;", "const located = await this.#locatePrimary(run);"],
    ["the primary KDC is another host", "MIT's primary_kdc", "found.length > 0 && !found.some((endpoint) => isSameHost(hostText(endpoint), host))", "found.length > 0"],
    ["the answer of the primary KDC is final", "MIT's primary_kdc", "throw isVerdict(again) ? again : error;", "throw again;"],
  ]),
  ...rules("kerberos/reach/ask_kdc.ts", REACH, [
    ["a reply too big for UDP is fetched over TCP at the same host", "RFC 4120 section 7.2.1", "if (kind === \"too big\" && address.protocol === \"udp\") {", "if (false) {", "too big for UDP"],
    ["the next KDC is asked if one is not available", "RFC 4120 section 7.5.9", "if (kind === \"unavailable\") throw", "if (false) throw", "passes over"],
    ["each failure names its KDC", "what each of them did", "throw kdcFailure(address, `: ${reasonText(error)}`, error);", "throw error;", "passes over"],
  ]),
  ...rules("kerberos/reach/addresses.ts", [...ADDRESSES, ...SOCKETS], [
    ["the families of addresses alternate", "RFC 8305 section 4", "return interleaved(found).slice(0, MAX_ADDRESSES);", "return found.slice(0, MAX_ADDRESSES);"],
    ["addresses of one name have a limit", "a stranger's list", "return interleaved(found).slice(0, MAX_ADDRESSES);", "return interleaved(found);"],
    ["look-ups under way have a limit", "each takes a thread", "      await this.#semaphore.acquire({ signal: stop });\n", ""],
    ["a name is looked up once for all callers", "each takes a thread", "return await this.#requests.once(hostname, signal, (stop) => this.#look(hostname, stop));", "return await this.#look(hostname, signal);", "looked up once"],
    ["a look-up under way serves the next caller", "each takes a thread", "      this.#underWay.set(hostname, found);\n", "", "gives up its turn"],
    ["a look-up without callers gives up its turn", "a stranger's names", "acquire({ signal: stop })", "acquire()", "gives up its turn"],
    ["a name without an address is not found", LIVES, "if (found.length === 0) throw", "if (false) throw"],
  ]),
  ...rules("kerberos/reach/socket_transport.ts", SOCKETS, [
    ["the next address does not wait for the one before", EYES, "delay: DELAY, atOnce: found.length, signal }", "delay: 60_000, atOnce: found.length, signal }", "keep the next one"],
    ["the address that answered goes first", DEAD, "      lastAnswers.answered(of, one);\n", "", "every address"],
    ["an attempt that lost the race has not failed", DEAD, "if (!stop.aborted) lastAnswers.failed(of, one);", "lastAnswers.failed(of, one);", "not forgotten"],
    ["a name is used as it is if only that is permitted", "Deno's permissions", "if (address.protocol === \"tcp\" && !mayReach(hostname)) return await byName();", "", "only that is permitted"],
    ["addresses that may not be reached are not tried", "Deno's permissions", "if (address.protocol === \"tcp\" && !mayReachAll) return await byName();", "", "only that is permitted"],
  ]),
  ...rules("kerberos/reach/datagram.ts", DATAGRAM, [
    ["a reply over UDP comes from the address asked", "RFC 4120 section 7.2.1", "if (from.port === port && plainAddress(from.address) === wanted) resolve", "resolve", "and no other"],
    ["a reply over UDP comes from the port asked", "RFC 4120 section 7.2.1", "if (from.port === port && plainAddress", "if (plainAddress", "and no other"],
    ["an invalid address fails the call", LIVES, "  const wanted = plainAddress(address);\n", "", "an invalid address"],
    ["the zone of an address is not compared", "RFC 4007 section 11", "const address = text.replace(/%.*$/, \"\");", "const address = text;", "and no other"],
    ["an error of the socket fails the call", LIVES, "      socket.on(\"error\", reject);\n", "", "whatever a socket"],
    ["an error of sending fails the call", LIVES, "        if (error !== null) reject(error);\n", "", "whatever a socket"],
    ["a socket is closed whatever happened", LIVES, "    closeQuietly(socket);\n", "", "whatever a socket"],
    ["a socket that cannot be closed hides nothing", LIVES, "    closeQuietly(socket);\n", "    socket.close();\n", "whatever a socket"],
    ["an abort ends the wait", "a stranger's time", "return await abortable(reply, signal);", "return await reply;", "an abort ends"],
    ["nothing is opened for a signal that was aborted", "a stranger's time", "  signal.throwIfAborted();\n", "", "an abort ends"],
  ]),
  ...rules("kerberos/reach/datagram.ts", GONE, [
    ["no error is thrown where nothing catches it", LIVES, "    lookup: (name, _options, found) => found(null, name, six ? 6 : 4),\n", "    lookup: undefined as never,\n", "without leave"],
  ]),
  ...rules("kerberos/reach/framing.ts", FRAMING, [
    ["nothing is written to a stream after an abort", "a stranger's time", "    signal.throwIfAborted();\n    await stream", "    await stream", "established only after"],
    ["a stream that cannot be closed ends the call alone", LIVES, "using _closing = onAbort(signal, () => closeQuietly(stream));", "using _closing = onAbort(signal, () => stream.close());", "cannot be closed"],
    ["an abort closes the stream", "a stranger's time", "  using _closing = onAbort(signal, () => closeQuietly(stream));\n", "", "established only after"],
  ]),
  ...rules("kerberos/reach/locate.ts", LOCATE, [
    ["configured KDCs do not wait for the DNS", "RFC 4120 section 7.2.3", "  if (configured.length > 0) {", "  if (false) {", "silent DNS"],
  ]),
  ...rules("kerberos/reach/srv.ts", LOCATE, [
    ["the DNS is waited for a bounded time", "a stranger's time", "const records = await abortable(answer, deadline.signal);", "const records = await answer;", "silent DNS"],
    ["hosts that are known do not wait for the rest", "a stranger's time", "  using grace = startDeadline({ milliseconds: GRACE,", "  using grace = startDeadline({ milliseconds: Infinity,", "silent DNS"],
    ["look-ups of no use are ended", "each takes a thread", "    deadline.abort(new Error(\"enough hosts are known\"));\n", "", "silent DNS"],
    ["a missing permission is reported", "Deno's permissions", "    if (failure === undefined || signal.aborted) return [];\n", "    return [];\n", "silent DNS"],
    ["the caller's signal ends it with its reason", "a stranger's time", "      options.signal?.throwIfAborted();\n", "", "silent DNS"],
    ["the preferred protocol comes first", "RFC 4120 section 7.2", "const lookUps = [preferred, preferred === \"tcp\" ? \"udp\" as const : \"tcp\" as const]", "const lookUps = [\"tcp\" as const, \"udp\" as const]", "preferred"],
  ]),
  ...rules("kerberos/credentials/tickets/kdc_clock.ts", CLOCK, [
    ["an offset is doubtful after a clock was set", STEPS, "this.#doubtful || Math.abs((wall - this.#reference.wall) - (monotonic - this.#reference.monotonic)) > STEP", "this.#doubtful"],
    ["an offset is not doubtful after a small drift", STEPS, "const STEP = 5_000;", "const STEP = 100;", "drifts a little"],
    ["an offset is doubtful after a refusal", STEPS, "    this.#doubtful = true;\n", "", "believed once"],
    ["an offset is not measured again at once", "any peer can claim it", "if (this.#monotonic() - this.#lastAttempt < RECENT) return false;", "", "believed once"],
    ["a failed measurement is not tried again at once", "any peer can claim it", "    this.#lastAttempt = this.#reference.monotonic;\n", "", "asked again"],
    ["the offset that another call has measured is used", STEPS, "      if (this.#measured !== undefined && used !== this.#measured) return true;\n", "", "beside another"],
    ["a KDC that cannot be asked is not waited for each time", STEPS, "  unmeasurable(): void {\n    this.#settle();\n", "  unmeasurable(): void {\n", "cannot be asked"],
  ]),
  ...rules("kerberos/credentials/tickets/tickets.ts", CLOCK, [
    ["tickets by a doubtful clock are requested anew", STEPS, "    if (this.#clock.isDoubtful) return true;\n", ""],
    ["a cached ticket is used if the KDC cannot be asked", STEPS, "if (held === undefined || !(error instanceof KerberosError) || error.code !== \"KDC_UNREACHABLE\") throw error;", "throw error;", "cannot be asked"],
    ["a cache that contradicts the clock is not believed", STEPS, "return initial === undefined && this.#store.contradictsClock(data);", "return false;", "another time"],
    ["without timesync nothing is learnt", "krb5.conf's kdc_timesync", "return kdc !== undefined && config.kdcTimesync && this.#clock", "return kdc !== undefined && this.#clock", "without timesync"],
    ["with a secret tickets are requested anew", STEPS, "    if (this.#options.initial !== undefined) {\n", "    if (false as boolean && this.#options.initial !== undefined) {\n", "believed once"],
  ]),
  ...rules("kerberos/credentials/tickets/tgs_client.ts", CLOCK, [
    ["the KDC's clock is taken from its refusal", "RFC 4120 section 3.1.5", "      const shown = significantOffset(error.clockOffset);\n", "      const shown = request.kdcOffset;\n", "another time"],
  ]),
  ...rules("kerberos/credentials/tickets/ticket_store.ts", CLOCK, [
    ["the cache learns the offset", STEPS, "      await this.#cache.initialize({ ...data, kdcOffset }, { replaces: data });\n", "", "learns the offset"],
  ]),
  ...rules("kerberos/credentials/tickets/ticket_store.ts", TICKETS, [
    ["a ticket about to end is used if no other can be had", "RFC 4120 section 3.2.3", "return renewable ? terms : { ...terms, margin: 0 };", "return terms;", "about to end"],
  ]),
  ...rules("kerberos/credentials/tickets/tickets.ts", TICKETS, [
    ["one password is proved once for several services", "one request for all callers", "return this.#requests.once(\"initial, ours\", signal, (stop) => this.#acquire(stop, { onlyOurs: true }));", "return this.#acquire(signal, { onlyOurs: true });", "proved once"],
  ]),
  ...rules("kerberos/mech/initiator.ts", CLOCK, [
    ["a refusal for the time reaches the tickets", STEPS, "return isAboutTime(error) && refusedForTime?.(ticket) ? worthAnother(refused) : refused;", "return refused;", "another time"],
    ["a refusal tells the offset used", STEPS, "stored === 0\n", "stored !== Infinity\n", "tells the offset"],
  ]),
  ...rules("socks/client/request.ts", ["tests/socks/client/retry_test.ts"], [
    ["a proxy is asked once more after the clock was corrected", STEPS, "if (signal.aborted || !(cause instanceof GssError) || !cause.again) throw error;", "throw error;"],
    ["a proxy is asked once more for no other reason", "a stranger's time", "if (signal.aborted || !(cause instanceof GssError) || !cause.again) throw error;", "if (signal.aborted || !(cause instanceof GssError)) throw error;"],
  ]),
  ...rules("kerberos/kdc/shell/listener.ts", GONE, [
    ["a KDC without a free descriptor accepts again when there is one", LIVES, "        if (!this.#closed) await pause(RETRY);\n", "        return;\n", "descriptor"],
  ]),
  ...rules("kerberos/kdc/shell/listener.ts", ["tests/kerberos/kdc/shell/listener_test.ts"], [
    ["a datagram that cannot be answered ends nothing", LIVES, "  } catch {\n    // A datagram has no other effect.\n", "  } catch (error) {\n    throw error;\n", "cannot be answered"],
  ]),
  ...rules("kerberos/kdc/shell/own_addresses.ts", ["tests/kerberos/kdc/shell/listener_test.ts"], [
    ["krb5.conf names addresses that can be connected to", "RFC 4291 section 2.5.2", "if (all === undefined) return [hostname];", "return [hostname];", "all addresses"],
  ]),
];
