"""A Ray cluster on this machine as a process: ``python -m tests.harness.ray_cluster NODES [CPUS]``. It prints its
address, obeys ``kill`` (a node that is not the first ends at once) and ``add``, and ends with its input."""

from __future__ import annotations

import logging
import os
import sys


def main(count: int, cpus: int) -> None:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": cpus, "include_dashboard": False})
    others = [cluster.add_node(num_cpus=cpus) for _ in range(count - 1)]
    cluster.wait_for_nodes()
    print(cluster.address, flush=True)
    for line in sys.stdin:
        if line.strip() == "kill":
            cluster.remove_node(others.pop(), allow_graceful=False)
        else:
            others.append(cluster.add_node(num_cpus=cpus))
        print("done", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
