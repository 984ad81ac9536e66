/**
 * Python programs that run on other hosts of the lab.
 *
 * @module
 */

/** Opens silent connections. */
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

/** Receives datagrams and connections on port 53, and answers nothing. */
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

/** Guesses passwords: one connection for each guess, closed at once. */
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

/**
 * Opens connections of slow clients, the same number of each kind: silent, one byte, a slow token, part of a token. Prints
 * the seconds after which the first and the last of each kind are closed.
 */
export const SLOW: string = `import json, select, socket, sys, time
kinds = {"silent": b"", "one byte": b"\\x05", "half a token": b"\\x05\\x01\\x01\\x01\\x01\\x04\\x00" + bytes(512),
         "a token that drips": b"\\x05\\x01\\x01\\x01\\x01\\x04\\x00"}
open_ones, ends = {}, {kind: [] for kind in kinds}
for kind, first in kinds.items():
    for i in range(int(sys.argv[2])):
        s = socket.create_connection((sys.argv[1], 1080), 5)
        s.sendall(first)
        open_ones[s] = (kind, time.monotonic())
print("open", flush=True)
while open_ones:
    for s in select.select(list(open_ones), [], [], 0.1)[0]:
        kind, begun = open_ones[s]
        try:
            more = s.recv(4096)
        except OSError:
            more = b""
        if not more:
            ends[kind].append(time.monotonic() - begun)
            del open_ones[s]
    for s, (kind, begun) in list(open_ones.items()):
        if kind == "a token that drips":
            try:
                s.sendall(b"\\x60")
            except OSError:
                pass
print("closed " + json.dumps({kind: [min(all), max(all)] for kind, all in ends.items()}), flush=True)
`;

/** Makes the system compute checksums itself, so that forwarded frames are complete. */
export const OWN_CHECKSUMS: string = `import fcntl, socket, struct, ctypes
value = ctypes.create_string_buffer(struct.pack("II", 0x17, 0))  # ETHTOOL_STXCSUM, off
request = struct.pack("16sP", b"eth0", ctypes.addressof(value)) + bytes(16)
fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8946, request)  # SIOCETHTOOL
`;

/**
 * Carries frames between two interfaces: IF IF DELAY JITTER (milliseconds) LOST DOUBLED (percent) RATE (kilobits per second,
 * 0 for no limit). For kernels without netem.
 */
export const CABLE: string = `import heapq, random, select, socket, sys, time
delay, jitter, loss, twice, rate = map(float, sys.argv[3:8])
def end(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((name, 0))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    s.setsockopt(263, 23, 1)  # PACKET_IGNORE_OUTGOING
    s.setblocking(False)
    return s
one, two = end(sys.argv[1]), end(sys.argv[2])
other, free, way, count = {one: two, two: one}, {one: 0.0, two: 0.0}, [], 0
print("there", flush=True)
while True:
    wait = max(0, min(1, way[0][0] - time.monotonic())) if way else 1
    for s in select.select([one, two], [], [], wait)[0]:
        for _ in range(64):
            try:
                frame = s.recv(65536)
            except BlockingIOError:
                break
            address_question = frame[12:14] == b"\\x08\\x06"
            if not address_question and random.random() * 100 < loss:
                continue
            for _ in range(2 if random.random() * 100 < twice else 1):
                at = time.monotonic()
                if rate > 0:
                    start = max(at, free[other[s]])
                    if start - at > 0.5:
                        continue
                    at = free[other[s]] = start + len(frame) * 8 / (rate * 1000)
                count += 1
                heapq.heappush(way, (at + max(0, delay + random.uniform(-jitter, jitter)) / 1000, count, other[s], frame))
    while way and way[0][0] <= time.monotonic():
        _, _, to, frame = heapq.heappop(way)
        try:
            to.send(frame)
        except OSError:
            pass
`;
