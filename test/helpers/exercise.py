# Uses everything of the daemon that needs a privilege, as its clients do; prints the first step that did not go, or `all`.
# usage: exercise.py SOCKET UNIT
import http.client, json, os, socket, subprocess, sys, time

unit = sys.argv[2]

class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(sys.argv[1])

def ask(method, path, body=None, good=range(200, 300)):
    connection = Unix("egressd")
    headers = {"content-type": "application/json"} if body is not None else {}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status not in good:
        raise Exception(f"{method} {path}: {answer.status} {text[:400]}")
    return json.loads(text) if text.startswith("{") else text

def network(name, subnet, **more):
    ask("PUT", f"/v1/networks/{name}", {"subnets": subnet, **more})

def pinged(name, target):
    [echo] = ask("POST", f"/v1/namespaces/{name}/ping", {"target": target})["echoes"]
    if echo["result"] != "reply":
        raise Exception(f"{name}: {target}: {echo}")

def bridged():
    network("e0", ["10.71.0.0/24", "fd00:71::/64"])
    ask("PUT", "/v1/namespaces/e0a", {"network": "e0"})

def routed():
    network("e1", ["10.72.0.0/24"], mode="routed", bridge="e1")
    ask("PUT", "/v1/namespaces/e1a", {"network": "e1"})

def xtables():
    network("e2", ["10.73.0.0/24"], firewall="xtables")
    ask("PUT", "/v1/namespaces/e2a", {"network": "e2"})
    subprocess.run("iptables-legacy -w -t nat -S | grep -q 10.73.0.0/24", shell=True, check=True)

def ping():
    pinged("e0a", "10.71.0.1")
    pinged("e0a", "fd00:71::1")
    pinged("e1a", "8.8.8.8")

def anonymous():
    ask("POST", "/v1/namespaces", {"network": "e0"})

def heal():
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    until(lambda: "10.71.0" in subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True).stdout)

def inside():
    # What is done within a namespace is heard of there: it is put back before anybody looks by himself, which is every 30 s. That may
    # be just now; but not twice.
    for _ in range(2):
        subprocess.run(["ip", "-n", "e0a", "route", "del", "default"], check=True)
        until(lambda: "default" in subprocess.run(["ip", "-n", "e0a", "route"], capture_output=True, text=True).stdout)

def busy():
    # Who is still in a namespace that is nobody's keeps it, whoever it is: what another user runs is not shown to everybody.
    child = subprocess.Popen(["ip", "netns", "exec", "e0a", "setpriv", "--reuid=1234", "--regid=1234", "--clear-groups", "sleep", "60"])
    try:
        until(lambda: open(f"/proc/{child.pid}/comm").read() == "sleep\n")
        subprocess.run(
            f"systemctl stop {unit}; rm /run/egressd/namespaces/e0a.json; ip netns del e0a; systemctl start {unit}",
            shell=True, check=True)
        found = ask("POST", "/v1/gc", {"dryRun": True})
        if str(child.pid) not in json.dumps([one["pids"] for one in found["kept"] + found["remove"]]):
            raise Exception(f"{child.pid} is not in {json.dumps(found)[:400]}")
    finally:
        child.kill()
        child.wait()

def gone():
    for name in ["e1a", "e2a"]:
        ask("DELETE", f"/v1/namespaces/{name}?wait=gone")

def scrape():
    if "egressd_network_egress_bytes_total" not in ask("GET", "/metrics"):
        raise Exception("no counters")

def doctor():
    if any("could not be" in line for check in ask("GET", "/v1/doctor")["checks"] for line in check["evidence"]):
        raise Exception("something could not be looked at")

def until(holds):
    end = time.monotonic() + 20
    while not holds():
        if time.monotonic() > end:
            raise Exception("did not come")
        time.sleep(0.02)

for step in [bridged, routed, xtables, ping, anonymous, heal, inside, busy, gone, scrape, doctor]:
    try:
        step()
    except Exception as error:
        print(step.__name__, str(error).replace("\n", " "))
        break
else:
    print("all")
