/**
 * Finds documents by npm:mongodb through a bridge's SOCKS5 port; prints them as JSON. npm:socks, which the driver loads for its options
 * `proxyHost` and `proxyPort`, leaves timers behind, so this is a program of its own.
 *
 * @module
 */
import { MongoClient } from "mongodb";
// Loaded by npm:mongodb itself: named here so that it is there.
import "socks";

const [url, proxyHost, proxyPort] = Deno.args as [string, string, string];
const client = new MongoClient(url, { proxyHost, proxyPort: Number(proxyPort), serverSelectionTimeoutMS: 5_000 });
const orders = await client.db("shop").collection("orders").find().toArray();
await client.close();
// deno-lint-ignore no-console
console.log(JSON.stringify(orders));
