/* listen_once PORT: accepts one connection, sends a line, and prints the line that comes back.  Unlike nc it calls accept() and
 * not accept4(), which is what Dante's preloaded client library knows. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  char line[256];
  ssize_t count;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  int peer;

  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons((unsigned short)atoi(argc > 1 ? argv[1] : "0"));
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1) != 0) {
    perror("listen");
    return 1;
  }
  /* Dante's accept() writes the address without asking whether there is room for it. */
  peer = accept(listener, (struct sockaddr *)&address, &length);
  if (peer < 0) {
    perror("accept");
    return 1;
  }
  if (write(peer, "from the client\n", 16) != 16) perror("write");
  count = read(peer, line, sizeof line);
  if (count > 0) fwrite(line, 1, (size_t)count, stdout);
  close(peer);
  return 0;
}
