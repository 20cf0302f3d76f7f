"""A Ray cluster of several nodes on this machine, as a process: ``python -m tests.harness.ray_cluster NODES CPUS``.

It prints the address; a line that it reads ends a node other than the first, or with ``add`` begins one; at the end
of its input the cluster ends.
"""

from __future__ import annotations

import logging
import sys


def main() -> None:
    from ray.cluster_utils import Cluster

    nodes, cpus = map(int, sys.argv[1:])
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": cpus, "include_dashboard": False, "node_ip_address": "127.0.0.1"},
    )
    others = [cluster.add_node(num_cpus=cpus) for _ in range(nodes - 1)]
    cluster.wait_for_nodes()
    print(cluster.address, flush=True)
    for line in sys.stdin:
        if line.strip() == "add":
            others.append(cluster.add_node(num_cpus=cpus))
        else:
            cluster.remove_node(others.pop(), allow_graceful=False)
        print("done", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    main()
