"""Runs the comparison of benches/copies. See there."""

import os
import statistics
import tempfile

from hop import BIN, GET_LUA, KEYS, ROUNDS, SET_LUA, VALUE, call, cpu_seconds, free_port, load, start, wait_for


class Cluster:
    """Two nodes and a router, with so many copies."""

    def __init__(self, copies, folder):
        binary = os.path.abspath(os.path.join(BIN, "ringhold"))
        seeds = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        self.processes = [
            start([binary, "node", "--listen", seed, "--health-listen", f"127.0.0.1:{free_port()}", "--workers", "1",
                   "--seeds", ",".join(seeds), "--data", os.path.join(folder, f"data-{copies}-{at}")],
                  folder, f"node-{copies}-{at}.log")
            for at, seed in enumerate(seeds)]
        port = free_port()
        self.processes.append(start([binary, "router", "--nodes", ",".join(seeds), "--port", str(port), "--workers", "1"],
                                    folder, f"router-{copies}.log"))
        self.base = f"http://127.0.0.1:{port}"
        wait_for(self.base, "/readyz")
        call(self.base, "/api/cluster/settings", {"replication_factor": copies}, "PATCH")
        call(self.base, "/api/cache/config", {"max_items": 1_000_000, "max_memory": 2**30})
        for first in range(0, KEYS, 1_000):
            items = [{"key": f"user:{n:011d}", "value": VALUE, "data_type": "json", "ttl": 3600}
                     for n in range(first, first + 1_000)]
            call(self.base, "/api/cache/set-batch", items)


def main():
    with tempfile.TemporaryDirectory() as folder:
        clusters = {}
        try:
            for copies in (1, 2):
                clusters[copies] = Cluster(copies, folder)
            for name, lua in (("GET", GET_LUA), ("SET", SET_LUA)):
                costs, latencies = {1: [], 2: []}, {1: [], 2: []}
                for _ in range(ROUNDS):
                    for copies, cluster in clusters.items():
                        before = cpu_seconds(cluster.processes)
                        requests, _ = load(cluster.base, lua, folder)
                        costs[copies].append(1e6 * (cpu_seconds(cluster.processes) - before) / requests)
                        latencies[copies].append(load(cluster.base, lua, folder, connections=1)[1])
                ratios = [two / one for one, two in zip(costs[1], costs[2])]
                one, two = (statistics.median(costs[copies]) for copies in (1, 2))
                print(f"{name}: CPU of all processes {one:.1f} us with one copy, {two:.1f} us with two; ratio median "
                      f"{statistics.median(ratios):.2f} (min {min(ratios):.2f}, max {max(ratios):.2f}); median latency on one "
                      f"connection {' '.join(latencies[1])} against {' '.join(latencies[2])}", flush=True)
        finally:
            for cluster in clusters.values():
                for process in cluster.processes:
                    process.kill()
                    process.wait()


main()
