# Makes one socket of each kind named, in the network namespace of the file given, and holds it from outside of it.
# Prints a line once they are there; ends when its standard input does.
import ctypes
import os
import socket
import sys

path, *kinds = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
home = os.open("/proc/self/ns/net", os.O_RDONLY)


def enter(fd):
    if libc.setns(fd, 0x40000000) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def abstract():
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind("\0egressd-test")
    made.listen()
    return made


def listening(family):
    made = socket.socket(family, socket.SOCK_STREAM)
    made.listen()
    return made


def netlink():
    made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    made.bind((0, 0))
    return made


def bound():
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("", 5353))
    return made


makers = {
    "tcp": lambda: listening(socket.AF_INET),
    "tcp6": lambda: listening(socket.AF_INET6),
    "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "udp-bound": bound,
    "raw": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "raw6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
    "packet": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300),
    "netlink": netlink,
    "unix": abstract,
}


enter(os.open(path, os.O_RDONLY))
held = [makers[kind]() for kind in kinds]
enter(home)
print("there", flush=True)
sys.stdin.read()
