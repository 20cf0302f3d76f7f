#!/bin/bash
# A Ray cluster on the nodes of this job, and `harness run` on it:
#
#   sbatch --nodes 4 deploy/slurm.sh bertram/table1 --profile paper --data hub --gpus-per-cell 1
#
# Before the time limit the cells write checkpoints and the job queues again; the same command goes on from there.
#SBATCH --job-name=harness
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --exclusive
#SBATCH --time=08:00:00
#SBATCH --signal=B:TERM@300
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=harness-%j.log
set -euo pipefail
# source .venv/bin/activate, module load ...: whatever puts harness and ray on the path, here

home=${HARNESS_HOME:-$PWD/runs} # in a folder that all nodes share
port=${RAY_PORT:-6379}

# Whoever has the token can run anything as you; Ray refuses the others. The file is in your shared home.
umask 077
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
export RAY_AUTH_TOKEN_PATH=${RAY_AUTH_TOKEN_PATH:-$HOME/.ray/auth_token}
if [[ ! -s $RAY_AUTH_TOKEN_PATH ]]; then
    mkdir -p "$(dirname "$RAY_AUTH_TOKEN_PATH")"
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$RAY_AUTH_TOKEN_PATH"
fi
chmod 600 "$RAY_AUTH_TOKEN_PATH"

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
address=$(srun --nodes=1 --ntasks=1 --nodelist="${nodes[0]}" hostname --ip-address | tr ' ' '\n' | grep -m 1 -F .)
steps=()

start() { # on a node: the options of `ray start`
    srun --overlap --nodes=1 --ntasks=1 --nodelist="$1" \
        ray start "${@:2}" --num-cpus="${SLURM_CPUS_PER_TASK:-1}" --block &
    steps+=($!)
}

# At the end srun hands the signal on to Ray, which ends with all that it started.
trap 'kill "${steps[@]}" 2>/dev/null || true; wait' EXIT

start "${nodes[0]}" --head --node-ip-address="$address" --port="$port" --include-dashboard=false
for attempt in {1..60}; do
    ray status --address="$address:$port" >/dev/null 2>&1 && break
    if [[ $attempt == 60 ]] || ! kill -0 "${steps[0]}" 2>/dev/null; then
        echo "Ray did not start on ${nodes[0]}" >&2
        exit 1
    fi
    sleep 1
done
for node in "${nodes[@]:1}"; do
    start "$node" --address="$address:$port"
done

harness run "$@" --home "$home" --on ray --address "$address:$port" --shared-home &
run=$!
ended=
trap 'ended=1; kill "$run"' TERM
code=0
wait "$run" || code=$?
if [[ $ended ]]; then
    wait "$run" || code=$? # the first wait ended with the signal
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
