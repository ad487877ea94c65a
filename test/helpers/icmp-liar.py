# Answers each echo request that arrives with things that are no answer to it, and 30 ms later with the right one, TTL 99.
# Run where the kernel itself does not answer (icmp_echo_ignore_all).
import socket
import struct
import time

s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 99)


def message(kind, code, rest, payload):
    data = struct.pack('!BBH4s', kind, code, 0, rest) + payload
    words = struct.unpack(f'!{len(data + b"0") // 2}H', data + b'\0' * (len(data) % 2))
    total = sum(words)
    total = (total >> 16) + (total & 0xFFFF)
    total = ~(total + (total >> 16)) & 0xFFFF
    return data[:2] + struct.pack('!H', total) + data[4:]


print('ready', flush=True)
while True:
    packet, (peer, _) = s.recvfrom(65535)
    start = (packet[0] & 15) * 4
    icmp = packet[start:]
    if icmp[0] != 8:
        continue
    identifier, sequence = struct.unpack('!HH', icmp[4:8])
    payload = icmp[8:]
    changed = bytes([payload[0] ^ 1]) + payload[1:]
    echo = lambda i, n, p: message(0, 0, struct.pack('!HH', i & 0xFFFF, n & 0xFFFF), p)
    request = lambda i, p: message(8, 0, struct.pack('!HH', i & 0xFFFF, sequence), p)
    elsewhere = packet[:16] + socket.inet_aton('10.9.9.9')
    for lie in [
        echo(identifier + 1, sequence, payload),
        echo(identifier, sequence + 1, payload),
        echo(identifier, 0, payload),
        echo(identifier, sequence, changed),
        echo(identifier, sequence, payload[:-1]),
        echo(identifier, sequence, payload + b'x'),
        # A wrong checksum.
        echo(identifier, sequence, payload)[:2] + b'\x12\x34' + echo(identifier, sequence, payload)[4:],
        message(3, 1, b'\0' * 4, packet[:20] + request(identifier + 1, payload)),
        message(3, 1, b'\0' * 4, packet[:20] + request(identifier, changed)),
        message(3, 1, b'\0' * 4, elsewhere + request(identifier, payload)),
        message(3, 1, b'\0' * 4, packet[:20] + request(identifier, payload)[:7]),
    ]:
        s.sendto(lie, (peer, 0))
    time.sleep(0.03)
    s.sendto(echo(identifier, sequence, payload), (peer, 0))
