"""A Ray cluster on this machine as a process: ``python -m tests.harness.ray_cluster NODES``. It prints its address, and
ends with its input."""

from __future__ import annotations

import logging
import sys


def main() -> None:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    for _ in range(int(sys.argv[1]) - 1):
        cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    print(cluster.address, flush=True)
    sys.stdin.read()
    cluster.shutdown()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    main()
