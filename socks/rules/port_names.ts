/**
 * Names of ports, as rules may have them: those of IANA's registry of service names (RFC 6335) that people write in rules of proxies.
 *
 * @module
 */

/** Ports by the names that IANA has registered for them. */
const PORTS: ReadonlyMap<string, number> = new Map(Object.entries({
  "ftp-data": 20,
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  whois: 43,
  domain: 53,
  tftp: 69,
  http: 80,
  kerberos: 88,
  pop3: 110,
  sunrpc: 111,
  ntp: 123,
  imap: 143,
  snmp: 161,
  ldap: 389,
  https: 443,
  "microsoft-ds": 445,
  submissions: 465,
  kpasswd: 464,
  syslog: 514,
  submission: 587,
  ldaps: 636,
  rsync: 873,
  "domain-s": 853,
  ftps: 990,
  imaps: 993,
  pop3s: 995,
  socks: 1080,
  "ms-sql-s": 1433,
  mqtt: 1883,
  nfs: 2049,
  git: 9418,
  mysql: 3306,
  "ms-wbt-server": 3389,
  svn: 3690,
  sip: 5060,
  "xmpp-client": 5222,
  postgresql: 5432,
  amqps: 5671,
  amqp: 5672,
  redis: 6379,
  "http-alt": 8080,
  "secure-mqtt": 8883,
}));

/** The names. */
export const PORT_NAMES: readonly string[] = [...PORTS.keys()];

/** Returns the port of a name, in any case. */
export function portOfName(name: string): number | undefined {
  return PORTS.get(name.toLowerCase());
}
