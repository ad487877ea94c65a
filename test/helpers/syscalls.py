# Holds what a process called, as strace -f wrote it, against a SystemCallFilter= of systemd: what was called and is not allowed,
# and of each word of the filter what was called of it, as JSON. usage: syscalls.py TRACE WORD...
import json, re, subprocess, sys

groups, group = {}, None
for line in subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter"], capture_output=True, text=True).stdout.splitlines():
    if line.startswith("@"):
        group = groups.setdefault(line.strip(), [])
    elif line.strip() and not line.strip().startswith("#") and group is not None:
        group.append(line.strip())

def calls(word):
    return {word} if not word.startswith("@") else set().union(*(calls(each) for each in groups[word]))

words = sys.argv[2:]
called = set(re.findall(r"^\d+ +(?:<\.\.\. )?(\w+)[ (]", open(sys.argv[1]).read(), re.M))
allowed = set().union(*(calls(word) for word in [*words, "@default"]))
print(json.dumps({"refused": sorted(called - allowed), "of": {word: sorted(called & calls(word)) for word in words}}))
