"""The work of one namespace by pyroute2, on lines: see src/bench/sides/line-side.ts."""
import subprocess
import sys
import time

from pyroute2 import IPRoute, NetNS, netns

host = IPRoute()
network = {}


def address(n):
    return f"{network['prefix']}.{(n + 2) >> 8}.{(n + 2) & 255}"


def nft(text):
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)


def open_network(_mode, name, gateway):
    address, prefix = gateway.split("/")
    host.link("add", ifname=name, kind="bridge")
    index = host.link_lookup(ifname=name)[0]
    host.addr("add", index=index, address=address, prefixlen=int(prefix))
    host.link("set", index=index, state="up")
    network.update(index=index, gateway=address, prefix=".".join(address.split(".")[:2]))
    # Its own support for nf_tables does not do named sets: one rule for all, made once and out of the count.
    nft(
        f"table ip py {{ chain post {{ type nat hook postrouting priority 100;"
        f" ip saddr {network['prefix']}.0.0/16 masquerade; }}\n}}\n"
    )
    return []


def create(n):
    name = f"py-{n}"
    netns.create(name)
    host.link("add", ifname=f"pyo{n}", kind="veth", peer={"ifname": "eth0", "net_ns_fd": name})
    outer = host.link_lookup(ifname=f"pyo{n}")[0]
    host.link("set", index=outer, master=network["index"], state="up")
    with NetNS(name) as inside:
        inside.link("set", index=1, state="up")
        inner = inside.link_lookup(ifname="eth0")[0]
        inside.link("set", index=inner, state="up")
        inside.addr("add", index=inner, address=address(n), prefixlen=16)
        inside.route("add", dst="default", gateway=network["gateway"])


def drop(n):
    netns.remove(f"py-{n}")


def each(work):
    def run(first, count):
        durations = []
        for n in range(int(first), int(first) + int(count)):
            start = time.monotonic_ns()
            work(n)
            durations.append(time.monotonic_ns() - start)
        return durations

    return run


def destroy(first, count):
    return [sum(each(drop)(first, count))]


verbs = {"network": open_network, "create": each(create), "drop": each(drop), "destroy": destroy}
for line in sys.stdin:
    verb, *words = line.split()
    if verb == "quit":
        break
    try:
        print("ok", *verbs[verb](*words), flush=True)
    except Exception as error:  # told to whoever asked
        print("error", type(error).__name__, str(error).replace("\n", " "), flush=True)
host.close()
