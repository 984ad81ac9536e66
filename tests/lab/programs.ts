/**
 * Programs of others' hosts, in Python.
 *
 * @module
 */

/** Opens connections that say nothing. */
export const FLOOD: string = `import socket, sys, time
held = []
for i in range(int(sys.argv[2])):
    s = socket.socket()
    s.settimeout(2)
    try:
        s.connect((sys.argv[1], 1080))
    except OSError:
        pass
    held.append(s)
print("open", flush=True)
time.sleep(1000)
`;

/** Takes datagrams and connections at the port of the DNS, and answers nothing. */
export const SILENT: string = `import socket, time
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("0.0.0.0", 53))
t = socket.socket()
t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
t.bind(("0.0.0.0", 53))
t.listen(100)
print("there", flush=True)
while True:
    u.recv(2000)
`;

/** Guesses over and over: a connection for each, which is closed at once. */
export const GUESSES: string = `import socket, sys, time
name, word = b"carol", b"guess"
def guess():
    s = socket.create_connection((sys.argv[1], 1080), 5)
    s.sendall(b"\\x05\\x01\\x02" + bytes([1, len(name)]) + name + bytes([len(word)]) + word)
    return s
for s in [guess() for _ in range(int(sys.argv[2]))]:
    s.close()
print("guessing", flush=True)
while True:
    held = [guess() for _ in range(20)]
    for s in held: s.close()
    time.sleep(float(sys.argv[3]))
`;
