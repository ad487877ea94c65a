# Who answers: a TCP connection that is made or refused, a UDP datagram that is refused, got there; what times out did not.
# usage: reach.py SECONDS tcp:ADDRESS:PORT udp:ADDRESS:PORT ...    prints one word for each: reached or nothing
#        A "+" before a target: that one shall answer, and half a minute is waited for it.
import select, socket, sys, time

begin = time.monotonic()
waiting = {}
wanted = set()
words = ["nothing"] * len(sys.argv[2:])
for i, target in enumerate(sys.argv[2:]):
    protocol, rest = target.lstrip("+").split(":", 1)
    address, port = rest.rsplit(":", 1)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
    s.setblocking(False)
    error = s.connect_ex((address, int(port)))
    if protocol == "udp":
        s.send(b"?")
    waiting[s] = i
    if target[0] == "+":
        wanted.add(s)
# NB: from when all have been asked.
deadline = time.monotonic() + float(sys.argv[1])
last = begin + 30
while waiting and time.monotonic() < (last if wanted & waiting.keys() else deadline):
    tcp = [s for s in waiting if s.type == socket.SOCK_STREAM]
    ready = select.select(list(waiting), tcp, [], 0.3)
    if not ready[0] and not ready[1]:
        for s in waiting:
            if s.type == socket.SOCK_DGRAM:
                s.send(b"?")
    for s in set(ready[0]) | set(ready[1]):
        error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        words[waiting.pop(s)] = "reached" if error in (0, 111) else "error %d" % error
print(*words)
