/* Origin and load for the benchmarks, on MIT libgssapi: cheap enough that the proxy under test is what is measured.
 *
 *   load origin                                         HTTP: N zeros for "GET /N", an echo for everything else, and for datagrams; prints "port N"
 *   load handshakes PROXY TARGET LEVEL COUNT WAYS       COUNT connections up to the reply -> "SECONDS"
 *   load drain PROXY TARGET LEVEL OCTETS CONNECTIONS    downloads at once, what comes is thrown away unread -> "SECONDS WIRE_OCTETS"
 *   load ping PROXY TARGET LEVEL COUNT SIZE             round trips one after another -> "MEDIAN P99" in microseconds
 *   load hold PROXY TARGET LEVEL COUNT WAYS             sessions that do nothing -> "held COUNT", until stdin ends
 *   load stall PROXY TARGET LEVEL                       asks for a download and reads none of it -> "stalled", until stdin ends
 *   load pull PROXY TARGET LEVEL                        downloads and throws away -> "pulling", until stdin ends
 *
 * PROXY and TARGET are ports on 127.0.0.1, the service is rcmd@localhost. LEVEL is 0, 1 or 2 (RFC 1961 section 4),
 * "plain" (no authentication), "direct" (no proxy) or "turns" (no proxy: the target echoes as many messages, as long as those of a
 * handshake). Tickets come from the default cache, read once into memory.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static gss_OID_desc krb5_mech = {9, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_name_t service;
static OM_uint32 minor;

static void die(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- sockets ---- */

static int dial(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

static void put(int fd, const void *bytes, size_t length) {
  const char *at = bytes;
  while (length > 0) {
    ssize_t n = write(fd, at, length);
    if (n <= 0) die("write");
    at += n, length -= (size_t)n;
  }
}

static void get(int fd, void *bytes, size_t length) {
  char *at = bytes;
  while (length > 0) {
    ssize_t n = read(fd, at, length);
    if (n <= 0) die("read");
    at += n, length -= (size_t)n;
  }
}

/* ---- SOCKS5 with GSS-API ---- */

static void put_frame(int fd, int type, gss_buffer_desc token) {
  unsigned char frame[4 + 65535] = {1, (unsigned char)type, (unsigned char)(token.length >> 8), (unsigned char)token.length};
  memcpy(frame + 4, token.value, token.length);
  put(fd, frame, 4 + token.length);
}

static gss_buffer_desc get_frame(int fd, int type) {
  static unsigned char token[65535];
  unsigned char head[4];
  get(fd, head, 4);
  if (head[0] != 1 || head[1] != type) die("frame");
  gss_buffer_desc out = {(size_t)(head[2] << 8 | head[3]), token};
  get(fd, token, out.length);
  return out;
}

static void put_wrapped(int fd, gss_ctx_id_t context, int type, int seal, const void *bytes, size_t length) {
  gss_buffer_desc in = {length, (void *)bytes}, out;
  if (GSS_ERROR(gss_wrap(&minor, context, seal, GSS_C_QOP_DEFAULT, &in, NULL, &out))) die("wrap");
  put_frame(fd, type, out);
  gss_release_buffer(&minor, &out);
}

static size_t get_wrapped(int fd, gss_ctx_id_t context, int type, void *bytes, size_t room) {
  gss_buffer_desc in = get_frame(fd, type), out;
  if (gss_unwrap(&minor, context, &in, &out, NULL, NULL) != GSS_S_COMPLETE || out.length > room) die("unwrap");
  size_t length = out.length;
  memcpy(bytes, out.value, length);
  gss_release_buffer(&minor, &out);
  return length;
}

static gss_ctx_id_t authenticate(int fd, int level) {
  gss_ctx_id_t context = GSS_C_NO_CONTEXT;
  gss_buffer_desc in = GSS_C_EMPTY_BUFFER, out;
  OM_uint32 major, flags = GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_INTEG_FLAG | GSS_C_CONF_FLAG;
  do {
    major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &context, service, &krb5_mech, flags, 0, NULL, &in, NULL, &out, NULL, NULL);
    if (GSS_ERROR(major)) die("gss_init_sec_context");
    if (out.length > 0) put_frame(fd, 1, out);
    gss_release_buffer(&minor, &out);
    if (major & GSS_S_CONTINUE_NEEDED) in = get_frame(fd, 1);
  } while (major & GSS_S_CONTINUE_NEEDED);
  unsigned char asked = (unsigned char)level, granted;
  put_wrapped(fd, context, 2, 0, &asked, 1);
  get_wrapped(fd, context, 2, &granted, 1);
  if (granted != asked) die("level");
  return context;
}

struct session {
  int fd, level;
  gss_ctx_id_t context;
};

static void put_message(struct session *s, const void *bytes, size_t length) {
  if (s->level > 0) put_wrapped(s->fd, s->context, 3, s->level == 2, bytes, length);
  else put(s->fd, bytes, length);
}

static void get_message(struct session *s, void *bytes, size_t length) {
  for (size_t at = 0; s->level > 0 && at < length;) at += get_wrapped(s->fd, s->context, 3, (char *)bytes + at, length - at);
  if (s->level <= 0) get(s->fd, bytes, length);
}

/* Up to the reply to CONNECT. */
static struct session open_session(int proxy, int target, const char *level) {
  struct session s = {.level = -1, .context = GSS_C_NO_CONTEXT};
  if (!strcmp(level, "direct") || !strcmp(level, "turns")) {
    static const size_t lengths[] = {3, 640, 36, 76};
    char bytes[640] = {5};
    s.fd = dial(target);
    for (int i = 0; i < 4 && level[0] == 't'; i++) {
      put(s.fd, bytes, lengths[i]);
      get(s.fd, bytes, lengths[i]);
    }
    return s;
  }
  s.fd = dial(proxy);
  int plain = !strcmp(level, "plain");
  unsigned char offer[3] = {5, 1, plain ? 0 : 1}, choice[2];
  put(s.fd, offer, 3);
  get(s.fd, choice, 2);
  if (choice[1] != offer[2]) die("method");
  if (!plain) {
    s.level = atoi(level);
    s.context = authenticate(s.fd, s.level);
  }
  unsigned char request[10] = {5, 1, 0, 1, 127, 0, 0, 1, (unsigned char)(target >> 8), (unsigned char)target}, reply[10];
  put_message(&s, request, 10);
  get_message(&s, reply, 10);
  if (reply[1] != 0) die("reply");
  return s;
}

static void close_session(struct session *s) {
  close(s->fd);
  gss_delete_sec_context(&minor, &s->context, GSS_C_NO_BUFFER);
}

/* The cache is read once: MIT would open and read its file for every context. */
static void tickets_into_memory(void) {
  krb5_context k;
  krb5_ccache from, to;
  krb5_principal who;
  if (krb5_init_context(&k) || krb5_cc_default(k, &from) || krb5_cc_get_principal(k, from, &who)) return;
  if (krb5_cc_resolve(k, "MEMORY:load", &to) || krb5_cc_initialize(k, to, who) || krb5_cc_copy_creds(k, from, to)) die("tickets");
  setenv("KRB5CCNAME", "MEMORY:load", 1);
}

/* ---- commands ---- */

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Each way is a process, since MIT's library keeps locks that threads would wait on. */
static void handshakes(int proxy, int target, const char *level, int count, int ways) {
  struct session first = open_session(proxy, target, level); /* gets the service ticket */
  close_session(&first);
  double start = now();
  for (int i = 0; i < ways; i++) {
    if (fork() != 0) continue;
    for (int n = count / ways; n > 0; n--) {
      struct session s = open_session(proxy, target, level);
      close_session(&s);
    }
    _exit(0);
  }
  int status;
  while (wait(&status) > 0)
    if (status != 0) exit(1);
  printf("%f\n", now() - start);
}

static void hold(int proxy, int target, const char *level, int count, int ways) {
  struct session first = open_session(proxy, target, level);
  close_session(&first);
  int hung[2], ready[2], done = 0;
  if (pipe(hung) < 0 || pipe(ready) < 0) die("pipe");
  for (int i = 0; i < ways; i++) {
    if (fork() != 0) continue;
    close(hung[1]);
    for (int n = count / ways; n > 0; n--) open_session(proxy, target, level);
    put(ready[1], "r", 1);
    char c;
    while (read(hung[0], &c, 1) > 0) continue;
    _exit(0);
  }
  close(ready[1]);
  for (char c; done < ways && read(ready[0], &c, 1) == 1;) done++;
  if (done < ways) exit(1);
  printf("held %d\n", count);
  fflush(stdout);
  for (char c; read(0, &c, 1) > 0;) continue;
}

static void ask(struct session *s, long long octets) {
  char request[64];
  int length = snprintf(request, sizeof request, "GET /%lld HTTP/1.0\r\n\r\n", octets);
  put_message(s, request, (size_t)length);
}

static void stall(int proxy, int target, const char *level) {
  struct session s = open_session(proxy, target, level);
  ask(&s, 1LL << 40);
  puts("stalled");
  fflush(stdout);
  for (char c; read(0, &c, 1) > 0;) continue;
}

static void pull(int proxy, int target, const char *level) {
  static char bytes[1 << 18];
  struct session s = open_session(proxy, target, level);
  struct pollfd ready[2] = {{.fd = 0, .events = POLLIN}, {.fd = s.fd, .events = POLLIN}};
  ask(&s, 1LL << 40);
  puts("pulling");
  fflush(stdout);
  while (poll(ready, 2, -1) > 0 && ready[0].revents == 0)
    if (read(s.fd, bytes, sizeof bytes) <= 0) die("read");
}

static void drain(int proxy, int target, const char *level, long long octets, int connections) {
  static char bytes[1 << 18];
  int epoll = epoll_create1(0), open = connections;
  struct session *sessions = calloc((size_t)connections, sizeof *sessions);
  struct epoll_event event = {.events = EPOLLIN}, events[256];
  for (int i = 0; i < connections; i++) sessions[i] = open_session(proxy, target, level);
  unsigned long long total = 0;
  double start = now();
  for (int i = 0; i < connections; i++) {
    ask(&sessions[i], octets);
    event.data.fd = sessions[i].fd;
    epoll_ctl(epoll, EPOLL_CTL_ADD, sessions[i].fd, &event);
  }
  while (open > 0) {
    int n = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < n; i++) {
      ssize_t got = read(events[i].data.fd, bytes, sizeof bytes);
      if (got < 0) die("read");
      if (got == 0) close(events[i].data.fd), open--;
      total += (unsigned long long)got;
    }
  }
  printf("%f %llu\n", now() - start, total);
}

static void ping(int proxy, int target, const char *level, int count, int size) {
  struct session s = open_session(proxy, target, level);
  double *took = calloc((size_t)count, sizeof *took);
  char *bytes = calloc(1, (size_t)size);
  for (int i = -count / 4; i < count; i++) { /* the first quarter warms up */
    double start = now();
    put_message(&s, bytes, (size_t)size);
    get_message(&s, bytes, (size_t)size);
    if (i >= 0) took[i] = (now() - start) * 1e6;
  }
  qsort(took, (size_t)count, sizeof *took, by_size);
  printf("%f %f\n", took[count / 2], took[count * 99 / 100]);
}

/* ---- origin ---- */

struct client {
  int fd;
  long long left; /* octets to send; -1 while it echoes */
};

static void serve_client(int epoll, struct client *c) {
  static char bytes[1 << 18], zeros[1 << 18];
  if (c->left < 0) {
    ssize_t n = read(c->fd, bytes, sizeof bytes);
    if (n > 5 && n < 1000 && !memcmp(bytes, "GET /", 5)) {
      bytes[n] = 0;
      c->left = atoll(bytes + 5);
      n = snprintf(bytes, sizeof bytes, "HTTP/1.0 200 OK\r\ncontent-length: %lld\r\n\r\n", c->left);
      struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
      epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
    }
    if (n > 0 && write(c->fd, bytes, (size_t)n) == n) return;
  } else {
    for (int i = 0; i < 4 && c->left > 0; i++) {
      ssize_t n = write(c->fd, zeros, c->left < (long long)sizeof zeros ? (size_t)c->left : sizeof zeros);
      if (n < 0 && errno == EAGAIN) return;
      if (n < 0) c->left = 0;
      else c->left -= n;
    }
    if (c->left > 0) return;
  }
  close(c->fd);
  free(c);
}

static void echo_datagrams(int fd) {
  static char bytes[1 << 16];
  struct sockaddr_in from;
  socklen_t length = sizeof from;
  for (ssize_t n; (n = recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from, &length)) >= 0;)
    sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, length);
}

static void origin(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), epoll = epoll_create1(0), on = 1;
  if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 4096) < 0) die("listen");
  getsockname(listener, (struct sockaddr *)&address, &length);
  int datagrams = socket(AF_INET, SOCK_DGRAM, 0);
  if (bind(datagrams, (struct sockaddr *)&address, length) < 0) die("bind");
  printf("port %d\n", ntohs(address.sin_port));
  fflush(stdout);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  event.data.ptr = &datagrams;
  epoll_ctl(epoll, EPOLL_CTL_ADD, datagrams, &event);
  for (;;) {
    int n = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < n; i++) {
      if (events[i].data.ptr == &datagrams) {
        echo_datagrams(datagrams);
        continue;
      }
      if (events[i].data.ptr != NULL) {
        serve_client(epoll, events[i].data.ptr);
        continue;
      }
      for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct client *c = malloc(sizeof *c);
        *c = (struct client){fd, -1};
        event.data.ptr = c;
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
      }
    }
  }
}

int main(int argc, char **argv) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);
  const char *command = argc > 1 ? argv[1] : "";
  if (!strcmp(command, "origin")) origin();
  if (argc < 5) return fprintf(stderr, "load: see the head of load.c\n"), 2;
  int proxy = atoi(argv[2]), target = atoi(argv[3]), more = argc > 6 ? atoi(argv[6]) : 1;
  long long count = argc > 5 ? atoll(argv[5]) : 1;
  gss_buffer_desc name = {14, "rcmd@localhost"};
  if (GSS_ERROR(gss_import_name(&minor, &name, GSS_C_NT_HOSTBASED_SERVICE, &service))) die("name");
  tickets_into_memory();
  if (!strcmp(command, "handshakes")) handshakes(proxy, target, argv[4], (int)count, more);
  else if (!strcmp(command, "drain")) drain(proxy, target, argv[4], count, more);
  else if (!strcmp(command, "ping")) ping(proxy, target, argv[4], (int)count, more);
  else if (!strcmp(command, "hold")) hold(proxy, target, argv[4], (int)count, more);
  else if (!strcmp(command, "stall")) stall(proxy, target, argv[4]);
  else if (!strcmp(command, "pull")) pull(proxy, target, argv[4]);
  else return 2;
  return 0;
}
