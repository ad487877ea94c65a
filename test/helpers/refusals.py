# Connects anew for each request until standard input ends; prints how many were answered, and what was wrong with others.
# usage: refusals.py SOCKET PATH
import json, select, socket, sys

path, target = sys.argv[1], sys.argv[2]
answered, wrong = 0, []
print("begun", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(30)
            one.connect(path)
            one.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            head = one.recv(64)
            if head.startswith(b"HTTP/1.1 200"):
                answered += 1
            else:
                wrong.append(head.decode())
            while one.recv(65536):
                pass
    except OSError as error:
        wrong.append(str(error))
print(json.dumps({"answered": answered, "wrong": wrong}))
