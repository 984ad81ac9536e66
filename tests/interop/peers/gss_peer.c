/* A GSS-API token peer on MIT libgssapi_krb5, driven by lines on stdin; one line of answer each on stdout.
 *
 *   init SERVICE@HOST FLAGS        start an initiator (default credentials); FLAGS = OR of GSS_C_* in decimal
 *   accept                         start an acceptor on the default keytab, any principal in it
 *   bind HEX                       application data of the channel bindings for what follows
 *   step HEX|-                     token in  ->  "token HEX|- MAJOR FLAGS"  or  "fail HEX|- MAJOR TEXT"
 *   wrap 0|1 HEX|-                 ->  "token HEX CONF"
 *   unwrap HEX                     ->  "data HEX|- CONF MAJOR"
 *   mic HEX|-                      ->  "token HEX"
 *   verify HEX|- HEX               message, MIC  ->  "status MAJOR"
 *   limit 0|1 N                    gss_wrap_size_limit  ->  "limit N"
 *   names                          ->  "names INITIATOR ACCEPTOR"
 *   delegated                      ->  "delegated 0|1"
 */
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gss_OID_desc spnego_mech = {6, "\x2b\x06\x01\x05\x05\x02"};
static gss_OID_desc krb5_mech = {9, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_ctx_id_t context = GSS_C_NO_CONTEXT;
static gss_cred_id_t acceptor_cred = GSS_C_NO_CREDENTIAL, delegated = GSS_C_NO_CREDENTIAL;
static gss_name_t target = GSS_C_NO_NAME;
static struct gss_channel_bindings_struct bindings;
static gss_channel_bindings_t binding = GSS_C_NO_CHANNEL_BINDINGS;
static OM_uint32 wanted, major, minor;
static int initiator;

static gss_buffer_desc parse_hex(const char *text) {
  gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
  if (text == NULL || text[0] == '-') return out;
  out.length = strlen(text) / 2;
  unsigned char *bytes = malloc(out.length + 1);
  for (size_t i = 0; i < out.length; i++) {
    unsigned v;
    sscanf(text + 2 * i, "%2x", &v);
    bytes[i] = (unsigned char)v;
  }
  out.value = bytes;
  return out;
}

static void print_hex(gss_buffer_desc b) {
  static const char digits[] = "0123456789abcdef";
  if (b.length == 0) putchar('-');
  for (size_t i = 0; i < b.length; i++) {
    unsigned char c = ((unsigned char *)b.value)[i];
    putchar(digits[c >> 4]);
    putchar(digits[c & 15]);
  }
}

static void print_failure(gss_buffer_desc token) {
  OM_uint32 ignored, more = 0;
  gss_buffer_desc text;
  printf("fail ");
  print_hex(token);
  printf(" %u ", major);
  gss_display_status(&ignored, minor, GSS_C_MECH_CODE, &krb5_mech, &more, &text);
  printf("%.*s\n", (int)text.length, (char *)text.value);
}

static void do_step(const char *hex) {
  gss_buffer_desc in = parse_hex(hex), out = GSS_C_EMPTY_BUFFER;
  OM_uint32 flags = 0;
  if (initiator)
    major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &context, target,
        getenv("GSS_PEER_SPNEGO") ? &spnego_mech : &krb5_mech, wanted, 0, binding, &in, NULL, &out,
                                 &flags, NULL);
  else
    major = gss_accept_sec_context(&minor, &context, acceptor_cred, &in, binding, NULL, NULL, &out, &flags, NULL, &delegated);
  if (GSS_ERROR(major)) {
    print_failure(out);
  } else {
    printf("token ");
    print_hex(out);
    printf(" %u %u\n", major, flags);
  }
}

static void do_names(void) {
  gss_name_t src = GSS_C_NO_NAME, dst = GSS_C_NO_NAME;
  gss_buffer_desc a = GSS_C_EMPTY_BUFFER, b = GSS_C_EMPTY_BUFFER;
  OM_uint32 ignored;
  major = gss_inquire_context(&minor, context, &src, &dst, NULL, NULL, NULL, NULL, NULL);
  if (src) gss_display_name(&ignored, src, &a, NULL);
  if (dst) gss_display_name(&ignored, dst, &b, NULL);
  printf("names %.*s %.*s\n", (int)a.length, (char *)a.value, (int)b.length, (char *)b.value);
}

int main(void) {
  char *line = NULL;
  size_t capacity = 0;
  gss_buffer_desc none = GSS_C_EMPTY_BUFFER;
  setvbuf(stdout, NULL, _IOLBF, 1 << 16);
  while (getline(&line, &capacity, stdin) > 0) {
    char *command = strtok(line, " \r\n"), *a = strtok(NULL, " \r\n"), *b = strtok(NULL, " \r\n");
    gss_buffer_desc in, out = GSS_C_EMPTY_BUFFER, mic;
    int conf = 0;
    if (command == NULL) continue;
    if (!strcmp(command, "init")) {
      gss_buffer_desc name = {strlen(a), a};
      initiator = 1;
      wanted = (OM_uint32)atoi(b);
      major = gss_import_name(&minor, &name, GSS_C_NT_HOSTBASED_SERVICE, &target);
      puts(GSS_ERROR(major) ? "fail" : "ok");
    } else if (!strcmp(command, "accept")) {
      initiator = 0;
      major = gss_acquire_cred(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, GSS_C_NO_OID_SET, GSS_C_ACCEPT, &acceptor_cred, NULL, NULL);
      puts(GSS_ERROR(major) ? "fail" : "ok");
    } else if (!strcmp(command, "bind")) {
      bindings.application_data = parse_hex(a);
      binding = &bindings;
      puts("ok");
    } else if (!strcmp(command, "step")) {
      do_step(a);
    } else if (!strcmp(command, "wrap")) {
      in = parse_hex(b);
      major = gss_wrap(&minor, context, atoi(a), GSS_C_QOP_DEFAULT, &in, &conf, &out);
      if (GSS_ERROR(major)) {
        print_failure(none);
      } else {
        printf("token ");
        print_hex(out);
        printf(" %d\n", conf);
      }
    } else if (!strcmp(command, "unwrap")) {
      in = parse_hex(a);
      major = gss_unwrap(&minor, context, &in, &out, &conf, NULL);
      if (GSS_ERROR(major)) {
        print_failure(none);
      } else {
        printf("data ");
        print_hex(out);
        printf(" %d %u\n", conf, major);
      }
    } else if (!strcmp(command, "mic")) {
      in = parse_hex(a);
      major = gss_get_mic(&minor, context, GSS_C_QOP_DEFAULT, &in, &out);
      if (GSS_ERROR(major)) {
        print_failure(none);
      } else {
        printf("token ");
        print_hex(out);
        putchar('\n');
      }
    } else if (!strcmp(command, "verify")) {
      in = parse_hex(a);
      mic = parse_hex(b);
      major = gss_verify_mic(&minor, context, &in, &mic, NULL);
      if (GSS_ERROR(major))
        print_failure(none);
      else
        printf("status %u\n", major);
    } else if (!strcmp(command, "limit")) {
      OM_uint32 limit = 0;
      major = gss_wrap_size_limit(&minor, context, atoi(a), GSS_C_QOP_DEFAULT, (OM_uint32)atoi(b), &limit);
      printf("limit %u\n", limit);
    } else if (!strcmp(command, "names")) {
      do_names();
    } else if (!strcmp(command, "delegated")) {
      printf("delegated %d\n", delegated != GSS_C_NO_CREDENTIAL);
    } else {
      puts("fail - 0 unknown command");
    }
  }
  return 0;
}
