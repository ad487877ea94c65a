# Answers datagrams that say "ask", on UDP ports, until its standard input ends. Prints a line when it listens.
# usage: answer.py ADDRESS PORT...    or    answer.py ask ADDRESS PORT SECONDS [SOURCE-PORT]: "answered" or "nothing"
import select, socket, sys, time

if sys.argv[1] == "ask":
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if len(sys.argv) > 5:
        s.bind(("0.0.0.0", int(sys.argv[5])))
    s.connect((sys.argv[2], int(sys.argv[3])))
    end = time.monotonic() + float(sys.argv[4])
    answered = False
    while not answered and time.monotonic() < end:
        s.send(b"ask")
        answered = bool(select.select([s], [], [], 0.2)[0])
    print("answered" if answered else "nothing")
    sys.exit()
sockets = []
for port in sys.argv[2:]:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[1], int(port)))
    sockets.append(s)
print("listening", flush=True)
while True:
    ready = select.select(sockets + [sys.stdin], [], [])[0]
    if sys.stdin in ready:
        break
    for s in ready:
        text, who = s.recvfrom(64)
        if text == b"ask":
            s.sendto(b"answer", who)
