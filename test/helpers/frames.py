# Frames as they are, by an interface of the namespace it runs in. Each has a mark in it: "tag:" and four digits.
# usage: frames.py send INTERFACE HEX...      sends them in order
#        frames.py listen INTERFACE SECONDS   prints the digits of each that comes in, after a line that says it is
#                                             listening, and where there is an IPv4 or IPv6 header, source and source port; ends with tag:9999
import os, re, socket, struct, sys

what, interface = sys.argv[1], sys.argv[2]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # ETH_P_ALL
wire.bind((interface, 0))


def source(frame):
    kind = frame[12:14]
    if kind == b"\x08\x00":
        port = 14 + (frame[14] & 15) * 4
        return socket.inet_ntop(socket.AF_INET, frame[26:30]), struct.unpack_from("!H", frame, port)[0]
    if kind == b"\x86\xdd":
        return socket.inet_ntop(socket.AF_INET6, frame[22:38]), struct.unpack_from("!H", frame, 54)[0]
    return "-", 0


if what == "send":
    # By one processor: each has a queue of its own, and what is sent by two may come in another order.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for frame in sys.argv[3:]:
        wire.send(bytes.fromhex(frame))
else:
    wire.settimeout(float(sys.argv[3]))
    print("listening", flush=True)
    while True:
        frame, address = wire.recvfrom(65536)
        mark = re.search(rb"tag:(\d{4})", frame)
        if not mark or address[2] == 4:  # PACKET_OUTGOING
            continue
        if mark[1] == b"9999":
            break
        print(mark[1].decode(), *source(frame), flush=True)
