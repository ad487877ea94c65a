# Prints the source of the first ICMP echo request that this namespace receives, after a line that says it is listening.
# usage: far-side.py 4|6 SECONDS
import socket, struct, sys

family, seconds = sys.argv[1], float(sys.argv[2])
ethertype, echo = (0x0800, 8) if family == "4" else (0x86DD, 128)
far = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ethertype))
far.settimeout(seconds)
print("listening", flush=True)
while True:
    packet, (_, _, direction, _, _) = far.recvfrom(65536)
    if direction == 4:  # PACKET_OUTGOING
        continue
    start = (packet[0] & 15) * 4 if family == "4" else 40
    protocol = packet[9] if family == "4" else packet[6]
    if protocol in (1, 58) and packet[start] == echo:
        source = packet[12:16] if family == "4" else packet[8:24]
        print(socket.inet_ntop(socket.AF_INET if family == "4" else socket.AF_INET6, source))
        break
