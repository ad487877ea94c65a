"""Prints the entries of an xtables legacy table as hex, straight from the kernel: xt-entries.py 4|6 TABLE.

What the kernel keeps in an entry for itself (comefrom) and what counts (counters) is printed as zeros unless --all is given.
"""

import ctypes
import socket
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)


def getsockopt(fd, level, option, buffer):
    size = ctypes.c_uint32(len(buffer))
    if libc.getsockopt(fd, level, option, buffer, ctypes.byref(size)) != 0:
        raise OSError(ctypes.get_errno(), "getsockopt")


def main():
    six = sys.argv[1] == "6"
    name = sys.argv[2].encode()
    level = 41 if six else 0
    with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, 255) as s:
        info = ctypes.create_string_buffer(name.ljust(32, b"\0"), 84)  # struct ipt_getinfo
        getsockopt(s.fileno(), level, 64, info)  # IPT_SO_GET_INFO
        size = struct.unpack_from("=I", info, 80)[0]
        reply = ctypes.create_string_buffer(struct.pack("=32sI4x", name, size), 40 + size)  # struct ipt_get_entries
        getsockopt(s.fileno(), level, 65, reply)  # IPT_SO_GET_ENTRIES
    entries = bytearray(reply.raw[40:])
    comefrom = 144 if six else 92
    counters = 152 if six else 96
    at = 0
    while at < len(entries):
        following = at + struct.unpack_from("=H", entries, at + comefrom - 2)[0]
        if "--all" not in sys.argv:
            entries[at + comefrom : at + comefrom + 4] = bytes(4)
            entries[at + counters : at + counters + 16] = bytes(16)
        print(entries[at:following].hex())
        at = following


main()
