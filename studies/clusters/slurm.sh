#!/bin/bash
#SBATCH --job-name=winnow
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=winnow-%j.log
#
# A study on some nodes of a Slurm cluster, for as many walltimes as it needs:
#
#   export WINNOW_STORAGE=postgresql+psycopg://ada@db.example/winnow     # its password: ~/.pgpass
#   sbatch --nodes=4 --gpus-per-node=2 studies/clusters/slurm.sh \
#       run studies/pi_tft.py --profile quick --artifacts /shared/ada/pi-tft
#
# Whatever stands behind the script is a command of winnow; options before it are sbatch's and win
# over those above. Submit from an activated environment on a disk that every node has.
#
# Two minutes before the walltime ends, Slurm sends USR1. The driver then gets SIGTERM and leaves
# with status 3, nothing is lost, and the job is queued again; the same command goes on there. A job
# that is cancelled (scancel sends SIGTERM) stops the same way, and is not queued again.
# The exit status is winnow's: 0 done, 2 the study or an option is wrong, 3 stopped, 1 anything else.
set -euo pipefail

START_S=300 # a node that has not joined by then will not
STOP_S=30

if [ $# -eq 0 ]; then
    echo "usage: sbatch slurm.sh run studies/my_study.py [options of winnow run]" >&2
    exit 2
fi
if [ -z "${WINNOW_STORAGE:-}" ]; then
    echo "error: set WINNOW_STORAGE to a PostgreSQL database, such as" \
        "postgresql+psycopg://ada@db.example/winnow" >&2
    exit 2
fi

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes[0]} # this shell runs there
cpus=${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-1}}
port=$((20000 + SLURM_JOB_ID % 5000 * 2)) # other jobs may have heads on the same node

# A node's own name often leads to loopback on that node, which is of no use to the others.
find_ip() {
    getent ahostsv4 "$head" | awk '$1 !~ /^127\./ { print $1; exit }' || true
    hostname --all-ip-addresses | tr ' ' '\n'
}
ip=${WINNOW_HEAD_IP:-$(find_ip | awk 'NR == 1')} # set it where nodes have several networks
address=$ip:$port

# Everything a node of this job does, it does only for those who know the job's own token.
folder=$(mktemp -d "${WINNOW_FOLDER:-$HOME}/.winnow-slurm-XXXXXX") # on a disk that every node has
(umask 077 && python -c 'import secrets; print(secrets.token_hex(32))' >"$folder/auth_token")
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$folder/auth_token
export RAY_USAGE_STATS_ENABLED=0 OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

steps=()
child=''
reason='' # why this job stops before the study's end: walltime, cancelled
heard=''  # whether a signal interrupted `wait`

# shellcheck disable=SC2317 # called by traps
pass_on() {
    reason=$1 heard=yes
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null || true
}
trap 'pass_on walltime' USR1
trap 'pass_on cancelled' TERM INT

# Run a command so that signals reach it at once: bash handles none while it waits in front.
attend() {
    "$@" &
    child=$!
    [ -z "$reason" ] || kill -TERM "$child" 2>/dev/null || true
    while true; do
        heard='' status=0
        wait "$child" || status=$?
        [ -n "$heard" ] || break
    done
    child=''
}

# One Ray node, which is started again if it ends by itself: on a busy machine a start can time out.
# Its files lie on the node's own disk, and go with it.
# shellcheck disable=SC2016 # expanded on the node
on_node='
    folder=$(mktemp -d /tmp/winnow-XXXXXX)
    stop() {
        kill -TERM "$ray" 2>/dev/null
        for second in 1 2 3 4 5 6 7 8 9 10; do
            kill -0 "$ray" 2>/dev/null || break
            sleep 1
        done
        kill -KILL "$ray" 2>/dev/null
        rm -rf "$folder"
        exit 0
    }
    trap stop TERM INT
    for start in 1 2 3; do
        ray start --block --disable-usage-stats --log-color=false --temp-dir="$folder" "$@" \
            >"$folder/start.log" 2>&1 &
        ray=$!
        wait "$ray"
        tail -n 20 "$folder/start.log" >&2
        echo "Ray has ended on $(hostname) (start $start of 3)" >&2
    done
    rm -rf "$folder"
'
start_nodes() { # how many, which, options of `ray start`
    local count=$1 which=$2
    shift 2
    srun --nodes="$count" --ntasks="$count" --ntasks-per-node=1 --cpus-per-task="$cpus" \
        --nodelist="$which" bash -c "$on_node" node --num-cpus="$cpus" "$@" &
    steps+=($!)
}

end_nodes() {
    trap '' USR1 TERM INT
    scancel --signal=TERM "$SLURM_JOB_ID" || true # the steps; srun would kill them outright
    local step left=$STOP_S
    for step in "${steps[@]}"; do
        while kill -0 "$step" 2>/dev/null && [ "$left" -gt 0 ]; do
            sleep 1
            left=$((left - 1))
        done
        kill -TERM "$step" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap end_nodes EXIT

# shellcheck disable=SC2317 # called by attend
wait_for_nodes() {
    exec python - "$address" "${#nodes[@]}" "$START_S" <<'PYTHON'
import sys
import time

import ray

address, wanted, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
deadline = time.monotonic() + seconds
while True:
    try:
        ray.init(address=address, logging_level="ERROR", log_to_driver=False)
        break
    except (ConnectionError, RuntimeError, ValueError) as error:
        if time.monotonic() > deadline:
            sys.exit(f"error: Ray's head at {address} does not start: {error}")
        time.sleep(1)
while (there := sum(node["Alive"] for node in ray.nodes())) < wanted:
    if time.monotonic() > deadline:
        sys.exit(f"error: {there} of {wanted} nodes joined within {seconds:.0f} s")
    time.sleep(1)
print(f"{there} nodes at {address}", flush=True)
PYTHON
}

start_nodes 1 "$head" --head --node-ip-address="$ip" --port="$port" \
    --include-dashboard=false --dashboard-port=$((port + 1))
if [ ${#nodes[@]} -gt 1 ]; then
    others=$(IFS=, && echo "${nodes[*]:1}")
    start_nodes $((${#nodes[@]} - 1)) "$others" --address="$address"
fi

attend wait_for_nodes
if [ "$status" -eq 0 ] && [ -z "$reason" ]; then
    attend winnow "$@" --address "$address"
elif [ -n "$reason" ]; then
    status=3
fi
if [ "$status" -eq 3 ] && [ "$reason" = walltime ]; then
    end_nodes
    trap - EXIT
    echo "stopped before the walltime's end; queueing job $SLURM_JOB_ID again"
    scontrol requeue "$SLURM_JOB_ID" # this also ends what is left of the job
fi
exit "$status"
