# Exim (exim4-daemon-heavy), Debian's package in its own root. It is the quickest peer where nothing is delivered;
# each delivery costs it a process, so that it takes minutes for the other workloads.
PEER_ROOT=$ROOTS/exim

peer_available() { [ -e "$PEER_ROOT/.done" ]; }

peer_start() {
    root_mount exim
    root_names exim
    mkdir -p "$PEER_ROOT/var/spool/exim4" "$PEER_ROOT/var/log/exim4" "$PEER_ROOT/run/exim4"
    find "$PEER_ROOT/var/spool/exim4" "$PEER_ROOT/var/log/exim4" -mindepth 1 -delete
    chroot "$PEER_ROOT" chown Debian-exim:Debian-exim /var/spool/exim4 /run/exim4 /var/log/exim4
    cat >"$PEER_ROOT/etc/exim4/exim4.conf" <<CONF
primary_hostname = relay.bench.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = $PORT
disable_ipv6 = true
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
message_size_limit = 64M
smtp_accept_max = 0
smtp_accept_max_per_connection = 0
smtp_accept_max_nonmail_hosts = !*
smtp_accept_queue_per_connection = 0
smtp_connect_backlog = 1000
smtp_max_unknown_commands = 100
smtp_receive_timeout = 1h
smtp_enforce_sync = false
pipelining_advertise_hosts = *
tls_advertise_hosts =
rfc1413_query_timeout = 0s
log_file_path = /var/log/exim4/%slog
never_users = root

begin acl
rcpt:
  accept hosts = $PERMITTED_IP
  deny message = relay not permitted

begin routers
smarthost:
  driver = manualroute
  transport = smarthost
  route_list = * 127.0.0.1::$SINK_PORT byname
  self = send

begin transports
smarthost:
  driver = smtp
  hosts_avoid_tls = *
  hosts_try_chunking =

begin retry
* * F,1h,1m
CONF
    chroot "$PEER_ROOT" chown root:Debian-exim /etc/exim4/exim4.conf
    chmod 640 "$PEER_ROOT/etc/exim4/exim4.conf"
    group_join peer
    chroot "$PEER_ROOT" exim4 -bd -q1m
}

peer_stop() { :; } # SIGTERM to the group is orderly

peer_queue_left() { find "$PEER_ROOT/var/spool/exim4/input" -name '*-H' 2>/dev/null | wc -l; }

peer_refusals_logged() { grep -c 'rejected RCPT' "$PEER_ROOT/var/log/exim4/rejectlog"; }

peer_supports() { [ "$1" = w3 ]; }
