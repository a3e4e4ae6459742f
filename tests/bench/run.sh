#!/usr/bin/env bash
# Runs workloads against SMTP relays side by side and prints a table.
#
#   run.sh [WORKLOAD|all] [PEER...]           run.sh "w1 w3" postfix dirrelay
#
# Every repetition runs all peers one after the other, each freshly started, so that the drift of a shared machine
# meets all of them alike. README.md says what the workloads are and how a peer is added.
# Environment (defaults below): REPS and the sizes of the workloads; BENCH_ROOT, DIRRELAY_BUILD, RESULTS.
set -uo pipefail
. "$(dirname "$0")/lib.sh"

WORKLOADS=${1:-all}
shift || true
PEERS=${*:-postfix exim dirrelay}
[ "$WORKLOADS" = all ] && WORKLOADS="w1 w1b w2 w2t w3 w4 w5 policy"
REPS=${REPS:-3}
W1_N=${W1_N:-20000} W1_C=${W1_C:-50} W1_CAP=${W1_CAP:-60} # cap: seconds
W2_N=${W2_N:-10000}
W3_SECONDS=${W3_SECONDS:-5} W3_C=${W3_C:-20}
W4_SECONDS=${W4_SECONDS:-5} W4_C=${W4_C:-20} W4_USERS=200
W5_N=${W5_N:-200} W5_C=${W5_C:-8} W5_CAP=${W5_CAP:-120}
POLICY_ROUNDS=${POLICY_ROUNDS:-20}
RESULTS=${RESULTS:-$BENCH_ROOT/results/$(date +%Y%m%d-%H%M%S)}
RAW=$RESULTS/raw.jsonl
mkdir -p "$RESULTS"
versions >"$RESULTS/versions.txt" 2>/dev/null
ulimit -n "$(ulimit -Hn)"

# --- the parts around a peer ----------------------------------------------------------------------------------

sink_start() {
    greets "$SINK_PORT" && { log "port $SINK_PORT is taken; set SINK_PORT"; exit 1; }
    group_new load
    (group_join load; exec "$BIN/smtpsink" "$SINK_PORT" "$RUN/sink.json") >/dev/null 2>&1 </dev/null &
    SINK_PID=$!
    wait_until 5 greets "$SINK_PORT" || exit 1
}

sink_reset() { kill -USR1 "$SINK_PID"; sleep 0.1; }

# Until COUNT messages arrived, SECONDS went by, or none came for 8 seconds.
sink_wait() { # COUNT SECONDS
    local until=$((SECONDS + $2)) last=-1 idle=0 now
    while [ $SECONDS -lt $until ]; do
        now=$(jq -r .messages "$RUN/sink.json" 2>/dev/null || echo 0)
        [ "${now:-0}" -ge "$1" ] && break
        if [ "$now" = "$last" ]; then idle=$((idle + 1)); else idle=0; fi
        [ $idle -ge 32 ] && break
        last=$now
        sleep 0.25
    done
    sleep 0.1
}

directory_start() { # SMTP_PORT
    rm -f "$RUN/directory.json"
    group_new directory
    (group_join directory; exec "$BENCH/directory.py" slapd "$1" "$SINK_PORT" "$RUN") >"$RUN/directory.log" 2>&1 </dev/null &
    wait_until 20 test -e "$RUN/directory.json" || { log "slapd did not start, see $RUN/directory.log"; exit 1; }
}

# One ECDSA P-256 certificate for all: server.crt and server.key for the peers, both in dirrelay/server.pem.
certificate_make() {
    mkdir -p "$RUN/certificates/dirrelay"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=relay.bench.test \
        -addext subjectAltName=DNS:relay.bench.test -keyout "$RUN/certificates/server.key" -out "$RUN/certificates/server.crt" 2>/dev/null
    cat "$RUN/certificates/server.key" "$RUN/certificates/server.crt" >"$RUN/certificates/dirrelay/server.pem"
    chmod 755 "$RUN/certificates" "$RUN/certificates/dirrelay"
    chmod 644 "$RUN"/certificates/server.* "$RUN/certificates/dirrelay/server.pem"
}

peer_port() { echo $((12630 + $(basename -s .sh -a "$BENCH"/peers/*.sh | grep -nx "${1%%-*}" | cut -d: -f1))); }

# Sets PORT; 1: this peer does not take part.
start() { # PEER WORKLOAD
    local name=${1%%-*}
    VARIANT=
    [ "$1" != "$name" ] && VARIANT=${1#*-}
    WORKLOAD=$2
    PORT=$(peer_port "$1")
    unset -f peer_hold
    . "$BENCH/peers/$name.sh"
    peer_available || { log "$1: not installed"; return 1; }
    peer_supports "$2" || return 1
    group_end peer
    group_new peer
    (peer_start) >"$RUN/$1.start.log" 2>&1 </dev/null
    if ! wait_until 20 greets "$PORT"; then
        log "$1: did not start, see $RUN/$1.start.log"
        stop
        return 1
    fi
    sleep 0.5
}

stop() { (peer_stop) >/dev/null 2>&1 </dev/null; group_end peer; }

load() { "$BIN/smtpload" "$@" "127.0.0.1:$PORT"; }

# Runs the load under observation. Sets LOAD and MEMORY (JSON), and CPU_US, LOAD_CPU_US and DIRECTORY_CPU_US.
measure() { # SECONDS_CAP SECONDS_DRAIN|0 smtpload-arguments...
    local cap=$1 drain=$2 monitor
    shift 2
    "$BIN/procmon" "$GROUPS_ROOT/peer" >"$RUN/memory.json" &
    monitor=$!
    cpu_begin
    LOAD=$(group_join load; timeout -k 15 -s TERM "$cap" "$BIN/smtpload" "$@" "127.0.0.1:$PORT" 2>/dev/null)
    [ "$drain" = 0 ] || sink_wait "$(jq .ok <<<"$LOAD")" "$drain"
    cpu_end
    kill -TERM $monitor
    wait $monitor
    MEMORY=$(cat "$RUN/memory.json")
}

cpu_begin() {
    CPU_US=$(group_cpu_us peer) LOAD_CPU_US=$(group_cpu_us load) DIRECTORY_CPU_US=$(group_cpu_us directory)
}

cpu_end() {
    CPU_US=$(($(group_cpu_us peer) - CPU_US)) LOAD_CPU_US=$(($(group_cpu_us load) - LOAD_CPU_US))
    DIRECTORY_CPU_US=$(($(group_cpu_us directory) - DIRECTORY_CPU_US))
}

record() { # WORKLOAD CASE PEER REPETITION [EXTRA_JSON]
    jq -cn --arg workload "$1" --arg case "$2" --arg peer "$3" --argjson rep "$4" --argjson load "${LOAD:-null}" \
        --argjson memory "${MEMORY:-null}" --argjson sink "$(cat "$RUN/sink.json")" --argjson cpu "${CPU_US:-0}" \
        --argjson directory_cpu "${DIRECTORY_CPU_US:-0}" --argjson load_cpu "${LOAD_CPU_US:-0}" \
        --argjson extra "${5:-null}" \
        '{workload: $workload, case: $case, peer: $peer, rep: $rep, load: $load, memory: $memory, sink: $sink,
          cpu_us: $cpu, load_cpu_us: $load_cpu, directory_cpu_us: $directory_cpu, extra: $extra}' >>"$RAW"
    log "$1 $2 $3 #$4: $(tail -n1 "$RAW" | jq -r '"\(.load.ok_per_s // "-")/s, failed \(.load.failed // 0), dropped \(.load.dropped // 0), CPU \(.cpu_us / 1000 | round) ms, PSS \(.memory.pss_kb // "-") KiB \(.load.last_error // "")"')"
}

# --- workloads ------------------------------------------------------------------------------------------------

run_sending() { # WORKLOAD PEER REPETITION PER_SESSION PIPELINE
    sink_reset
    measure "$W1_CAP" "$W1_CAP" -M send -c "$W1_C" -n "$W1_N" -m "$4" -P "$5" -l 4096
    record "$1" disk "$2" "$3" "{\"left\": $(peer_queue_left)}"
}

run_w1() { run_sending w1 "$1" "$2" 1 0; }
run_w1b() { run_sending w1b "$1" "$2" 20 1; }

run_w2() { # PEER REPETITION
    local count=$W2_N
    declare -f peer_hold >/dev/null && [ "$(peer_hold)" -lt "$count" ] && count=$(peer_hold)
    run_holding "$1" "$2" hold "$count" smtpload -M hold -c "$count" -r 64
}

run_w2t() { # PEER REPETITION
    run_holding "$1" "$2" tls "$W2_N" loginload -t -H "$W2_N" -s $FOREIGN_IP
}

run_holding() { # PEER REPETITION CASE COUNT TOOL ARGUMENTS...
    local peer=$1 repetition=$2 case=$3 count=$4 tool=$5 base pid
    shift 5
    load -M rcpt -n 10 -m 1 -s $FOREIGN_IP >/dev/null
    base=$("$BIN/procmon" -1 "$GROUPS_ROOT/peer")
    cpu_begin
    : >"$RUN/hold.err"
    "$BIN/$tool" "$@" "127.0.0.1:$PORT" >"$RUN/hold.json" 2>"$RUN/hold.err" &
    pid=$!
    wait_until 240 grep -q held "$RUN/hold.err"
    sleep 1
    MEMORY=$("$BIN/procmon" -1 "$GROUPS_ROOT/peer")
    cpu_end
    LOAD=$(timeout -s TERM 15 "$BIN/smtpload" -M rcpt -n 10 -m 1 -s $FOREIGN_IP "127.0.0.1:$PORT")
    kill -TERM $pid
    wait $pid
    record w2 "$case" "$peer" "$repetition" "{\"base\": $base, \"hold\": $(cat "$RUN/hold.json"), \"wanted\": $count}"
}

run_w3() { # PEER REPETITION
    load -M rcpt -c "$W3_C" -d 1 -s $FOREIGN_IP >/dev/null # not measured: processes are made, caches filled
    run_deciding "$1" "$2" plain 0
    run_deciding "$1" "$2" pipelined10 10
}

run_deciding() { # PEER REPETITION CASE PIPELINE
    local logged
    logged=$(peer_refusals_logged)
    measure 60 0 -M rcpt -c "$W3_C" -d "$W3_SECONDS" -P "$4" -s $FOREIGN_IP
    sleep 0.5
    record w3 "$3" "$1" "$2" "{\"logged\": $(($(peer_refusals_logged) - logged))}"
}

run_w4() { # PEER REPETITION
    login 1 -t >/dev/null # not measured
    run_logging_in "$1" "$2" full -t
    run_logging_in "$1" "$2" resumed -t -R
    run_logging_in "$1" "$2" plain
    run_logging_in "$1" "$2" full+auth -t -a $W4_USERS
    [ "$1" != "${PEERS%% *}" ] || run_tls_floor "$2"
}

# What OpenSSL takes for a full handshake in the same minute, without a relay around it.
run_tls_floor() { # REPETITION
    LOAD=$("$BIN/tlsfloor" "$RUN/certificates/dirrelay/server.pem" "$W4_SECONDS")
    MEMORY=null DIRECTORY_CPU_US=0 LOAD_CPU_US=0 CPU_US=$(jq .server_cpu_us <<<"$LOAD")
    record w4 full openssl "$1"
}

login() { # SECONDS loginload-arguments...
    local seconds=$1
    shift
    "$BIN/loginload" -c "$W4_C" -d "$seconds" -s $FOREIGN_IP "$@" "127.0.0.1:$PORT"
}

run_logging_in() { # PEER REPETITION CASE loginload-arguments...
    local peer=$1 repetition=$2 case=$3 monitor
    shift 3
    "$BIN/procmon" "$GROUPS_ROOT/peer" >"$RUN/memory.json" &
    monitor=$!
    cpu_begin
    LOAD=$(group_join load; login "$W4_SECONDS" "$@" 2>/dev/null)
    cpu_end
    kill -TERM $monitor
    wait $monitor
    MEMORY=$(cat "$RUN/memory.json")
    record w4 "$case" "$peer" "$repetition"
}

run_w5() { # PEER REPETITION
    sink_reset
    measure "$W5_CAP" "$W5_CAP" -M send -c "$W5_C" -n "$W5_N" -l $((25 * 1024 * 1024)) -m 0
    record w5 disk "$1" "$2" "{\"left\": $(peer_queue_left)}"
}

run_policy() { # PEER REPETITION
    LOAD='' MEMORY='' CPU_US=0 LOAD_CPU_US=0 DIRECTORY_CPU_US=0
    record policy open-session "$1" "$2" "$("$BENCH/policy.py" "$PORT" "$RUN/directory.json" "$POLICY_ROUNDS")"
}

# --- all ------------------------------------------------------------------------------------------------------

cleanup() {
    trap - EXIT INT TERM
    group_end peer
    group_end directory
    group_end load
    rmdir "$GROUPS_ROOT" 2>/dev/null
    roots_umount
}
trap cleanup EXIT
trap 'exit 1' INT TERM
sink_start
certificate_make
directory_start "$(peer_port dirrelay)"
for repetition in $(seq 1 "$REPS"); do
    for workload in $WORKLOADS; do
        for peer in $PEERS; do
            start "$peer" "$workload" || continue
            "run_$workload" "$peer" "$repetition"
            stop
        done
    done
done
"$BENCH/table.py" "$RAW" | tee "$RESULTS/table.md"
log "raw results: $RAW"
