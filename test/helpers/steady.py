# A TCP stream that shows every hole: `serve ADDRESS PORT` sends back what it gets; `send ADDRESS PORT` sends a numbered block
# every 5 ms and reads it back, until standard input ends, and prints what came of it as JSON.
import json, select, socket, struct, sys, time

mode, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
if mode == "serve":
    listener = socket.create_server((address, port))
    print("listening", flush=True)
    peer, _ = listener.accept()
    while data := peer.recv(65536):
        peer.sendall(data)
    sys.exit()

stream = socket.create_connection((address, port), timeout=30)
stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
print("connected", flush=True)
sent = echoed = 0
longest = 0.0
while not select.select([sys.stdin], [], [], 0.005)[0]:
    begin = time.monotonic()
    stream.sendall(struct.pack(">Q", sent) * 128)
    sent += 1
    back = b""
    while len(back) < 1024:
        more = stream.recv(1024 - len(back))
        if not more:
            break
        back += more
    echoed += back == struct.pack(">Q", sent - 1) * 128
    longest = max(longest, time.monotonic() - begin)
info = stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 220)
# tcpi_total_retrans and tcpi_dsack_dups of <linux/tcp.h>: what was sent again, and what of it had come already (RFC 2883).
again, needless = struct.unpack_from("I", info, 100)[0], struct.unpack_from("I", info, 216)[0]
print(json.dumps({"sent": sent, "echoed": echoed, "retransmitted": again - needless, "longest": longest}))
