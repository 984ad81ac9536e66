/* Both ends of GSS-API contexts in one process, on MIT's libgssapi, and on Heimdal's with -DHEIMDAL. Reads commands from
 * stdin; each runs for SECONDS and is answered by a line "COUNT SECONDS PROCESSOR_SECONDS":
 *
 *   wrap SEALED SIZE SECONDS      messages of zeros; SEALED is 0 or 1
 *   unwrap SEALED SIZE SECONDS    as many messages out of fresh tokens, in order; making them is not counted
 *   pairs SECONDS                 contexts established, both ends
 *
 * Contexts notice replays and keep to the order, as this package's do by default.
 *
 * Tickets come from the default cache, read once into memory; the keytab is the default one. The service is rcmd@localhost.
 */
#include <gssapi/gssapi.h>
#include <krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static gss_OID_desc krb5_mech = {9, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_ctx_id_t initiator = GSS_C_NO_CONTEXT, acceptor = GSS_C_NO_CONTEXT;
static gss_cred_id_t service_key;
static gss_name_t service;
static OM_uint32 minor;

static void die(const char *what) {
  fprintf(stderr, "ends: %s: %u\n", what, minor);
  exit(1);
}

static double clock_of(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void tickets_into_memory(void) {
  krb5_context k;
  krb5_ccache from, to;
  krb5_principal who;
  if (krb5_init_context(&k) || krb5_cc_default(k, &from) || krb5_cc_get_principal(k, from, &who)) die("cache");
  if (krb5_cc_resolve(k, "MEMORY:ends", &to)) die("memory");
#ifdef HEIMDAL
  if (krb5_cc_copy_cache(k, from, to)) die("tickets");
#else
  if (krb5_cc_initialize(k, to, who) || krb5_cc_copy_creds(k, from, to)) die("tickets");
#endif
  setenv("KRB5CCNAME", "MEMORY:ends", 1);
}

/* Establishes both ends. */
static void pair(int i) {
  (void)i;
  gss_buffer_desc token = GSS_C_EMPTY_BUFFER, answer;
  OM_uint32 flags = GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG | GSS_C_CONF_FLAG |
                    GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG, ours, theirs = GSS_S_CONTINUE_NEEDED;
  gss_delete_sec_context(&minor, &initiator, GSS_C_NO_BUFFER);
  gss_delete_sec_context(&minor, &acceptor, GSS_C_NO_BUFFER);
  do {
    ours = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &initiator, service, &krb5_mech, flags, 0, NULL, &token, NULL, &answer, NULL, NULL);
    if (GSS_ERROR(ours)) die("gss_init_sec_context");
    gss_release_buffer(&minor, &token);
    if (answer.length > 0) {
      theirs = gss_accept_sec_context(&minor, &acceptor, service_key, &answer, NULL, NULL, NULL, &token, NULL, NULL, NULL);
      if (GSS_ERROR(theirs)) die("gss_accept_sec_context");
    }
    gss_release_buffer(&minor, &answer);
  } while (ours != GSS_S_COMPLETE || theirs != GSS_S_COMPLETE);
}

/* Tokens of a round: few enough for the processor's caches, so many that the clocks do not count. */
enum { MOST_TOKENS = 256, LEAST_TOKENS = 16, BYTES_OF_A_ROUND = 1 << 21 };

static gss_buffer_desc message, tokens[MOST_TOKENS];
static int confidential;

static void wrap(int i) {
  if (GSS_ERROR(gss_wrap(&minor, initiator, confidential, GSS_C_QOP_DEFAULT, &message, NULL, &tokens[i]))) die("gss_wrap");
}

static void wrap_and_release(int i) {
  wrap(i);
  gss_release_buffer(&minor, &tokens[i]);
}

static void unwrap(int i) {
  gss_buffer_desc out;
  if (GSS_ERROR(gss_unwrap(&minor, acceptor, &tokens[i], &out, NULL, NULL))) die("gss_unwrap");
  gss_release_buffer(&minor, &out);
}

/* Repeats rounds of work, each after what is not counted. */
static void repeat(void (*prepare)(int), void (*work)(int), int round, double seconds) {
  double elapsed = 0, used = 0;
  long count = 0;
  for (; elapsed < seconds; count += round) {
    for (int i = 0; prepare != NULL && i < round; i++) prepare(i);
    double start = clock_of(CLOCK_MONOTONIC), before = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < round; i++) work(i);
    elapsed += clock_of(CLOCK_MONOTONIC) - start;
    used += clock_of(CLOCK_PROCESS_CPUTIME_ID) - before;
    for (int i = 0; prepare != NULL && i < round; i++) gss_release_buffer(&minor, &tokens[i]);
  }
  printf("%ld %f %f\n", count, elapsed, used);
}

int main(void) {
  char line[200], command[20];
  gss_buffer_desc name = {14, "rcmd@localhost"};
  setvbuf(stdout, NULL, _IOLBF, 1 << 12);
  tickets_into_memory();
  if (GSS_ERROR(gss_import_name(&minor, &name, GSS_C_NT_HOSTBASED_SERVICE, &service))) die("name");
  if (GSS_ERROR(gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, GSS_C_ACCEPT, &service_key, NULL, NULL))) die("keytab");
  pair(0);
  while (fgets(line, sizeof line, stdin) != NULL) {
    size_t size;
    double seconds;
    if (sscanf(line, "pairs %lf", &seconds) == 1) {
      repeat(NULL, pair, 16, seconds);
    } else if (sscanf(line, "%19s %d %zu %lf", command, &confidential, &size, &seconds) == 4) {
      message = (gss_buffer_desc){size, calloc(1, size)};
      int round = size < BYTES_OF_A_ROUND / MOST_TOKENS ? MOST_TOKENS : (int)(BYTES_OF_A_ROUND / size);
      if (round < LEAST_TOKENS) round = LEAST_TOKENS;
      if (command[0] == 'w') repeat(NULL, wrap_and_release, round, seconds);
      else repeat(wrap, unwrap, round, seconds);
      free(message.value);
    } else {
      die(line);
    }
  }
  return 0;
}
