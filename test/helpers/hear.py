# What sockets of this namespace are given: a UDP socket on each of the ports, of both families, in all groups that there are for all nodes.
# usage: hear.py SECONDS PORT...    prints the digits of each datagram with a mark ("tag:" and four digits), after a line that says it is
#                                   listening; ends with tag:9999
import re, select, socket, sys, time

deadline = time.monotonic() + float(sys.argv[1])
sockets = []
for port in sys.argv[2:]:
    for family, any in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((any, int(port)))
        sockets.append(s)
print("listening", flush=True)
while time.monotonic() < deadline:
    # NB: whichever socket is ready, all are read: what came before the last datagram may be for another one.
    over = False
    select.select(sockets, [], [], 0.5)
    for s in sockets:
        while True:
            try:
                mark = re.search(rb"tag:(\d{4})", s.recv(65536, socket.MSG_DONTWAIT))
            except BlockingIOError:
                break
            if mark and mark[1] == b"9999":
                over = True
            elif mark:
                print(mark[1].decode(), flush=True)
    if over:
        sys.exit(0)
sys.exit(1)
