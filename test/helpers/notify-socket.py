# Receives one datagram on a Unix socket as a service manager does, and prints it with its sender's credentials and what each
# descriptor that came along has in it. usage: notify-socket.py NAME (a leading @ is the abstract namespace)
import array, json, os, socket, struct, sys

name = sys.argv[1]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
listener.bind("\0" + name[1:] if name.startswith("@") else name)
listener.settimeout(10)
print("listening", flush=True)
data, control, flags, _ = listener.recvmsg(65536, 4096)
pid, contents = None, []
for level, kind, payload in control:
    if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
        pid = struct.unpack("iII", payload)[0]
    if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
        for fd in array.array("i", payload):
            contents.append(os.pread(fd, 4096, 0).decode())
print(json.dumps({"state": data.decode(), "pid": pid, "contents": contents, "truncated": flags != 0}))
