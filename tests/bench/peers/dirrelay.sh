# dirrelay, the release build of this checkout (or of $DIRRELAY_BUILD).
# Variants: ""    the organization in the bench's slapd
#           ldif  the same organization in a file
HOME_DIR=$RUN/dirrelay
LOG=$RUN/dirrelay.log

peer_available() { [ -x "$BUILD/dirrelayd" ]; }

peer_start() {
    local uri
    if [ "$VARIANT" = ldif ]; then
        "$BENCH/directory.py" ldif "$PORT" "$SINK_PORT" "$RUN"
        uri=ldif:$RUN/organization.ldif
    else
        uri=$(jq -r .uri "$RUN/directory.json")
    fi
    rm -rf "$HOME_DIR"
    mkdir -p "$HOME_DIR"
    cat >"$HOME_DIR/dirrelay.conf" <<CONF
[directory]
uri = $uri
[server]
name = bench
state_dir = $HOME_DIR/state
user = nobody
group = nogroup
control = $HOME_DIR/run/control.sock
[pressure]
disk = 100-100-100
queue = 1000000-1000000-1000000
[tls]
certificate_dir = $RUN/certificates/dirrelay
[metrics]
listen =
CONF
    # The time that making the LDIF took is not the peer's: only what follows is in its group.
    (group_join peer; exec "$BUILD/dirrelayd" -c "$HOME_DIR/dirrelay.conf") >"$LOG" 2>"$LOG.err" </dev/null &
}

peer_stop() { :; } # SIGTERM to the group is orderly

peer_queue_left() { "$BUILD/dirrelay" status --json -c "$HOME_DIR/dirrelay.conf" | jq .queue.messages; }

peer_refusals_logged() { grep -c 'rcpt.refused' "$LOG"; }

peer_supports() { [ "$VARIANT:$1" != ldif:policy ]; }
