# Sends a UDP frame again and again, each time from another port.
# usage: flood.py INTERFACE HEX FIRST LAST    the source ports; the frame has no checksum
import socket, struct, sys

wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind((sys.argv[1], 0))
frame = bytearray.fromhex(sys.argv[2])
for port in range(int(sys.argv[3]), int(sys.argv[4]) + 1):
    struct.pack_into("!H", frame, 34, port)
    wire.send(frame)
