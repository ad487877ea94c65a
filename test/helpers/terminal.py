# Drives commands in a terminal of their own, as a person would: terminal.py MODE NODE MAIN. Prints one JSON object.
import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import tempfile
import termios
import time

LIMIT = 60  # seconds, for each thing that is waited for


class Terminal:
    def __init__(self, argv, env=None, rows=33, columns=101):
        self.text = ""
        # NB: as it is before the command has it, which begins when that is known.
        known, tell = os.pipe()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.close(tell)
            os.read(known, 1)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.environ.update(env or {})
            os.execvp(argv[0], argv)
        self.before = self.modes()
        os.close(known)
        os.close(tell)

    def read(self):
        """Whether there may be more."""
        ready, _, _ = select.select([self.fd], [], [], 0.05)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # EIO: nobody has the other end any more
            return False
        self.text += data.decode(errors="replace")
        return len(data) > 0

    def until(self, pattern):
        end = time.monotonic() + LIMIT
        while not re.search(pattern, self.text):
            if not self.read() or time.monotonic() > end:
                raise SystemExit(f"no {pattern!r} at the end of {self.text[-800:]!r}")

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def state(self):
        """As wait(2) tells it, once it has changed; of one that has ended, all that it said has been read."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
            if pid:
                while not os.WIFSTOPPED(status) and self.read() and time.monotonic() < end:
                    pass
                return status
        raise SystemExit(f"still running: {self.text[-800:]!r}")

    def modes(self):
        return termios.tcgetattr(self.fd)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


# NB: by a descriptor. A handler alone would wait for the end of a read(2) that begins just when the signal comes.
INSIDE = """
import os, select, signal, sys
came, tell = os.pipe2(os.O_NONBLOCK)
signal.set_wakeup_fd(tell)
signal.signal(signal.SIGINT, lambda *_: None)
size = os.get_terminal_size()
foreground = os.isatty(0) and os.isatty(1) and os.tcgetpgrp(0) == os.getpgrp()
print("size", size.lines, size.columns, foreground, flush=True)
while True:
    ready, _, _ = select.select([0, came], [], [])
    if came in ready and os.read(came, 16):
        print("caught SIGINT", flush=True)
    if 0 in ready:
        line = os.read(0, 256).decode().strip()
        if line == "end":
            sys.exit(3)
        print("read " + line, flush=True)
"""


def job(run):
    """From a shell with job control: one without a shell above it is never stopped by Ctrl-Z."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write(INSIDE)
        script.flush()
        it = Terminal(["bash", "--norc", "--noprofile", "-i"], {"PS1": "prompt> "})
        it.until("prompt> ")
        it.type(f"{' '.join(run)} ns exec ns0 -- python3 {script.name}\n")
        it.until(r"size \d.*\n")
        size = re.search(r"size (\d+ \d+) (\w+)", it.text)
        it.type("\x03")
        it.until("caught SIGINT")
        it.type("\x1a")
        it.until("Stopped")
        it.type("fg\n")
        it.type("again\n")
        it.until("read again")
        it.type("end\n")
        it.type("echo status=$?\n")
        it.until(r"status=\d+")
        status = re.search(r"status=(\d+)", it.text).group(1)
        it.type("exit\n")
        it.state()
    return {"size": size.group(1), "foreground": size.group(2) == "True", "status": int(status)}


def shell(run):
    it = Terminal([*run, "ns", "shell", "ns0"], {"SHELL": "/bin/sh", "PS1": "prompt> "})
    it.until("prompt> ")
    it.type("ip -br addr show dev eth0\n")
    it.until(r"10\.64\.0\.2/16")
    it.type("exit 5\n")
    status = it.state()
    return {"status": os.WEXITSTATUS(status), "text": it.text, "address": True}


def top(run):
    told = {}
    ends = {"q": lambda it: it.type("q"), "ctrl-c": lambda it: it.type("\x03"), "SIGTERM": lambda it: os.kill(it.pid, 15)}
    for name, end in ends.items():
        it = Terminal([*run, "top", "--interval", "0.2"], rows=12, columns=100)
        it.until("NAMESPACE")
        raw = it.modes()[3] & termios.ICANON == 0
        if name == "q":
            it.resize(12, 60)
            mark = len(it.text)
            it.type("x")  # is no key of ours
            it.until(r"(?s)^.{%d}.*DROPPED[^ ]*\x1b\[K.*\x1b\[J" % mark)  # totals have no room now
        lines = it.text.split("\x1b[J")[-2].split("\x1b[H")[-1]
        end(it)
        status = it.state()
        told[name] = {
            "raw": raw,
            "restored": it.modes() == it.before and it.text.rstrip().endswith("\x1b[?25h\x1b[?1049l"),
            "status": os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status),
            "screen": [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line) for line in lines.split("\r\n")],
        }
    return told


def colours(run):
    told = {}
    for name, env in {"plain": {}, "NO_COLOR": {"NO_COLOR": "1"}, "dumb": {"TERM": "dumb"}}.items():
        it = Terminal([*run, "ns", "ls"], {"TERM": "xterm", "NO_COLOR": "", "CI": "true", **env}, columns=40)
        it.state()
        told[name] = it.text
    return told


print(json.dumps({"job": job, "shell": shell, "top": top, "colours": colours}[sys.argv[1]](sys.argv[2:4])))
