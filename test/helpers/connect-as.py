# Connects to a Unix socket as the user, group and supplementary groups of the arguments; stays until its input ends.
# usage: connect-as.py PATH UID GID GROUP,GROUP,...
import os, socket, sys

path, uid, gid, groups = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
os.setgroups([int(group) for group in groups.split(",") if group])
os.setgid(gid)
os.setuid(uid)
peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
peer.connect(path)
sys.stdin.read()
