"""Runs the comparison of benches/hop. See there."""

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

BIN, ROUNDS, SECONDS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
KEYS = 100_000
BATCH = 100
VALUE = {"id": 12345, "name": "Ada Lovelace", "email": "ada@example.com", "tags": ["a", "b"],
         "bio": "x" * 60, "active": True}

RANDOM = """
local n = 0
local function next_key()
  n = (n * 1103515245 + 12345) % 2147483648
  return string.format("user:%011d", n % KEYS)
end
"""
GET_LUA = RANDOM + """
request = function() return wrk.format("GET", "/api/cache/get/" .. next_key()) end
"""
SET_LUA = RANDOM + """
wrk.headers["Content-Type"] = "application/json"
request = function()
  return wrk.format("POST", "/api/cache/set", nil,
    '{"key":"' .. next_key() .. '","value":VALUE,"data_type":"json","ttl":3600}')
end
"""
BATCH_LUA = RANDOM + """
wrk.headers["Content-Type"] = "application/json"
local bodies = {}
for i = 1, 200 do
  local keys = {}
  for k = 1, BATCH do keys[k] = '"' .. next_key() .. '"' end
  bodies[i] = wrk.format("POST", "/api/cache/get-batch", nil, "[" .. table.concat(keys, ",") .. "]")
end
local at = 0
request = function()
  at = at % 200 + 1
  return bodies[at]
end
"""


def filled(lua):
    value = json.dumps(VALUE, separators=(",", ":"))
    return lua.replace("KEYS", str(KEYS)).replace("BATCH", str(BATCH)).replace("VALUE", value)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(args, folder, log):
    out = open(os.path.join(folder, log), "w")
    return subprocess.Popen(["taskset", "-c", "0", *args], cwd=folder, stdout=out, stderr=out,
                            env={**os.environ, "RUST_LOG": "warn", "CACHE_ACCESS_LOG_ENABLED": "false"})


def call(base, path, body=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data=data, method=method or ("POST" if data else "GET"),
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return response.read()


def wait_for(base, path):
    deadline = time.time() + 30
    while True:
        try:
            return call(base, path)
        except OSError:
            if time.time() > deadline:
                raise
            time.sleep(0.05)


def cpu_seconds(processes):
    total = 0
    for process in processes:
        for task in os.listdir(f"/proc/{process.pid}/task"):
            with open(f"/proc/{process.pid}/task/{task}/schedstat") as f:
                total += int(f.read().split()[0])
    return total / 1e9


def load(base, lua, folder, connections=64):
    """Requests that were answered, and the median of their latency as wrk prints it."""
    script = os.path.join(folder, "load.lua")
    with open(script, "w") as f:
        f.write(filled(lua))
    out = subprocess.run(["taskset", "-c", "1", "wrk", "--latency", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", script, base],
                         capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        print(out, file=sys.stderr)
    return int(re.search(r"(\d+) requests in", out).group(1)), re.search(r"50%\s+(\S+)", out).group(1)


def main():
    with tempfile.TemporaryDirectory() as folder:
        binary = os.path.abspath(os.path.join(BIN, "ringhold"))
        plain = os.path.abspath(os.path.join(BIN, "examples", "plain_axum"))
        node_port, health_port, router_port, plain_port = (free_port() for _ in range(4))
        node = f"127.0.0.1:{node_port}"
        processes = []
        try:
            processes.append(start([binary, "node", "--listen", node, "--health-listen", f"127.0.0.1:{health_port}",
                                    "--data", os.path.join(folder, "data"), "--workers", "1"], folder, "node.log"))
            processes.append(start([binary, "router", "--nodes", node, "--port", str(router_port), "--workers", "1"],
                                   folder, "router.log"))
            base = f"http://127.0.0.1:{router_port}"
            wait_for(base, "/readyz")
            call(base, "/api/cache/config", {"max_items": 1_000_000, "max_memory": 2**30})
            yardstick = start([plain, f"127.0.0.1:{plain_port}"], folder, "plain.log")
            processes.append(yardstick)
            plain_base = f"http://127.0.0.1:{plain_port}"
            wait_for(plain_base, "/api/cache/get/nothing")
            for url in (base, plain_base):
                for first in range(0, KEYS, 1_000):
                    items = [{"key": f"user:{n:011d}", "value": VALUE, "data_type": "json", "ttl": 3600}
                             for n in range(first, first + 1_000)]
                    call(url, "/api/cache/set-batch", items)
                one = call(url, "/api/cache/get/user:00000000007")
                many = call(url, "/api/cache/get-batch", [f"user:{n:011d}" for n in range(BATCH)])
                print(f"{url}: a GET answers {len(one)} bytes, a batch of {BATCH} {len(many)} bytes")
            for name, lua in (("GET", GET_LUA), ("SET", SET_LUA), (f"get-batch of {BATCH}", BATCH_LUA)):
                rates = {"ringhold": [], "plain": []}
                for _ in range(ROUNDS):
                    for who, url, group in (("ringhold", base, processes[:2]), ("plain", plain_base, [yardstick])):
                        before = cpu_seconds(group)
                        requests, _ = load(url, lua, folder)
                        rates[who].append(requests / (cpu_seconds(group) - before))
                ratios = [r / p for r, p in zip(rates["ringhold"], rates["plain"])]
                ringhold, plain_rate = (statistics.median(rates[who]) for who in ("ringhold", "plain"))
                print(f"{name:18} ringhold {ringhold:8.0f} req/CPU-s ({1e6 / ringhold:6.1f} us)   plain axum {plain_rate:8.0f} "
                      f"({1e6 / plain_rate:6.1f} us)   ratio median {statistics.median(ratios):.2f} "
                      f"(min {min(ratios):.2f}, max {max(ratios):.2f})", flush=True)
        finally:
            for process in processes:
                process.kill()
                process.wait()


if __name__ == "__main__":
    main()
