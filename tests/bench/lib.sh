# Shared by install.sh, run.sh and peers/*.sh (sourced).

BENCH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPOSITORY=$(cd "$BENCH/../.." && pwd)
# All that is made lies below this folder. It must be on a real disk: the queues live here.
BENCH_ROOT=${BENCH_ROOT:-/var/tmp/dirrelay-bench}
ROOTS=$BENCH_ROOT/roots
BIN=$BENCH_ROOT/bin
RUN=$BENCH_ROOT/run
BUILD=${DIRRELAY_BUILD:-$REPOSITORY/build}
mkdir -p "$ROOTS" "$BIN" "$RUN"

PERMITTED_IP=127.0.0.1 # clients from here may relay
FOREIGN_IP=127.0.0.9   # clients from here may not
SINK_PORT=${SINK_PORT:-12626}

log() { echo "[$(date +%T)] $*" >&2; }

# --- private roots: each packaged peer lives in a Debian root of its own ------------------------------------

root_mount() { # NAME
    local root=$ROOTS/$1
    mkdir -p "$root/proc" "$root/dev"
    mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
    mountpoint -q "$root/dev" || mount --bind /dev "$root/dev"
}

roots_umount() {
    local at
    awk -v below="$BENCH_ROOT/" 'index($2, below) == 1 {print $2}' /proc/mounts | sort -r |
        while read -r at; do umount "$at" || true; done
}

# Every name that a peer may look up stands in its hosts file: nobody waits for DNS.
root_names() { # NAME
    printf '127.0.0.1 localhost relay.bench.test\n127.0.0.9 foreign.bench.test\n::1 localhost\n' >"$ROOTS/$1/etc/hosts"
    echo 'nameserver 127.0.0.1' >"$ROOTS/$1/etc/resolv.conf"
}

# --- control groups: exact CPU time of a peer, short-lived processes included, and the list of its processes ---

if [ -e /sys/fs/cgroup/cgroup.controllers ]; then GROUPS_ROOT=/sys/fs/cgroup/dirrelay-bench
else GROUPS_ROOT=/sys/fs/cgroup/cpuacct/dirrelay-bench; fi

group_new() { mkdir -p "$GROUPS_ROOT/$1"; }
group_join() { echo "$BASHPID" >"$GROUPS_ROOT/$1/cgroup.procs"; }
group_pids() { cat "$GROUPS_ROOT/$1/cgroup.procs" 2>/dev/null || true; }

group_cpu_us() {
    if [ -e "$GROUPS_ROOT/$1/cpu.stat" ]; then awk '/^usage_usec/ {print $2}' "$GROUPS_ROOT/$1/cpu.stat"
    else echo $(($(cat "$GROUPS_ROOT/$1/cpuacct.usage" 2>/dev/null || echo 0) / 1000)); fi
}

# Ends every process of the group: all were started by us.
group_end() { # NAME
    local try pids
    for try in $(seq 1 150); do
        pids=$(group_pids "$1")
        [ -z "$pids" ] && break
        # shellcheck disable=SC2086
        if [ "$try" -lt 100 ]; then kill -TERM $pids 2>/dev/null; else kill -KILL $pids 2>/dev/null; fi
        sleep 0.1
    done
    rmdir "$GROUPS_ROOT/$1" 2>/dev/null || true
}

# --- waiting ------------------------------------------------------------------------------------------------

greets() { # PORT
    local line
    line=$( { exec 3<>"/dev/tcp/127.0.0.1/$1" && read -r -t 5 line <&3 && echo "$line" && printf 'QUIT\r\n' >&3; } 2>/dev/null)
    [ "${line:0:3}" = 220 ]
}

wait_until() { # SECONDS COMMAND...
    local tries=$(($1 * 10))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.1
    done
}

versions() {
    local name
    for name in postfix exim; do
        [ -e "$ROOTS/$name/.done" ] || continue
        chroot "$ROOTS/$name" dpkg-query -W -f '${Package} ${Version}\n' postfix exim4-daemon-heavy 2>/dev/null || true
    done | grep ' .'
    echo "dirrelay $(git -C "$REPOSITORY" describe --always --dirty 2>/dev/null || echo unknown)"
    dpkg-query -W -f '${Package} ${Version}\n' slapd
    echo "kernel $(uname -r | cut -d- -f1)"
}
