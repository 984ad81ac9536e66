/* profile_dump: what MIT's library makes of krb5.conf.  Reads commands from standard input, one a line, with %XX in their
 * argument, and answers each with lines that end with ".":
 *   file LIST       files as in KRB5_CONFIG: "v" with the names and the value of each relation, tab between; then settings
 *                   as libkrb5 reads them: "permitted N...", "ccache NAME", "boolean NAME N", "integer NAME N"
 *   deltat TEXT     "seconds N"
 * What the library refuses is answered by "error CODE" or left out. */
#include <ctype.h>
#include <krb5.h>
#include <profile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 100

static void put_field(const char *text)
{
  const unsigned char *p;
  for (p = (const unsigned char *)text; *p; p++) {
    if (isalnum(*p)) putchar(*p);
    else printf("%%%02X", *p);
  }
}

static void decode(char *text)
{
  char *to = text;
  for (; *text; text++) {
    if (*text == '%' && text[1] && text[2]) {
      char digits[3] = { text[1], text[2], 0 };
      *to++ = (char)strtol(digits, NULL, 16);
      text += 2;
    } else
      *to++ = *text;
  }
  *to = 0;
}

static long dump_relations(profile_t profile, const char **names, int depth)
{
  void *iterator = NULL;
  char *name, *value;
  int i;
  long code = profile_iterator_create(profile, names, PROFILE_ITER_LIST_SECTION | PROFILE_ITER_RELATIONS_ONLY, &iterator);
  while (code == 0 && iterator != NULL) {
    code = profile_iterator(&iterator, &name, &value);
    if (code != 0 || name == NULL) break;
    putchar('v');
    for (i = 0; i < depth; i++) {
      putchar('\t');
      put_field(names[i]);
    }
    putchar('\t');
    put_field(name);
    putchar('\t');
    put_field(value);
    putchar('\n');
    profile_release_string(name);
    profile_release_string(value);
  }
  profile_iterator_free(&iterator);
  return code;
}

static long dump_section(profile_t profile, const char **names, int depth)
{
  char **sections, **other, **section;
  long code = dump_relations(profile, names, depth);
  if (code != 0 || depth == MAX_DEPTH) return code;
  code = profile_get_subsection_names(profile, names, &sections);
  if (code != 0) return code;
  for (section = sections; *section != NULL && code == 0; section++) {
    /* A section that is in several files is listed once for each. */
    for (other = sections; strcmp(*other, *section) != 0; other++);
    if (other != section) continue;
    names[depth] = *section;
    names[depth + 1] = NULL;
    code = dump_section(profile, names, depth + 1);
    names[depth] = NULL;
  }
  profile_free_list(sections);
  return code;
}

static void dump_settings(profile_t profile)
{
  static const char *booleans[] = { "forwardable", "proxiable", "canonicalize", "dns_lookup_kdc", NULL };
  krb5_context context;
  krb5_enctype *list;
  int i, number;
  for (i = 0; booleans[i] != NULL; i++) {
    if (profile_get_boolean(profile, "libdefaults", booleans[i], NULL, 0, &number) == 0)
      printf("boolean\t%s\t%d\n", booleans[i], number);
  }
  if (profile_get_integer(profile, "libdefaults", "udp_preference_limit", NULL, -1, &number) == 0)
    printf("integer\tudp_preference_limit\t%d\n", number);
  if (krb5_init_context_profile(profile, 0, &context) != 0) return;
  if (krb5_get_permitted_enctypes(context, &list) == 0) {
    printf("permitted");
    for (i = 0; list[i] != 0; i++) printf("\t%d", list[i]);
    putchar('\n');
    krb5_free_enctypes(context, list);
  }
  printf("ccache\t");
  put_field(krb5_cc_default_name(context) ? krb5_cc_default_name(context) : "");
  putchar('\n');
  krb5_free_context(context);
}

static void dump_file(const char *list)
{
  const char *names[MAX_DEPTH + 2] = { NULL };
  profile_t profile;
  long code = profile_init_path(list, &profile);
  if (code == 0) {
    code = dump_section(profile, names, 0);
    if (code == 0) dump_settings(profile);
    profile_release(profile);
  }
  if (code != 0) printf("error\t%ld\n", code);
}

int main(void)
{
  static char line[1 << 16];
  krb5_deltat seconds;
  while (fgets(line, sizeof line, stdin) != NULL) {
    char *argument;
    line[strcspn(line, "\n")] = 0;
    argument = strchr(line, ' ');
    if (argument == NULL) return 2;
    *argument++ = 0;
    decode(argument);
    if (strcmp(line, "file") == 0) dump_file(argument);
    else if (krb5_string_to_deltat(argument, &seconds) == 0) printf("seconds\t%d\n", (int)seconds);
    puts(".");
    fflush(stdout);
  }
  return 0;
}
