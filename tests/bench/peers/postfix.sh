# Postfix, Debian's package in its own root, as it comes but for the limits that the bench must not meet.
# in_flow_delay stays: it is what makes Postfix's queue not outgrow its delivery.
PEER_ROOT=$ROOTS/postfix

peer_available() { [ -e "$PEER_ROOT/.done" ]; }

# TLS and logins by saslauthd against the bench's slapd, where the workload has them.
postfix_login() {
    [ "$WORKLOAD" = w4 ] || { echo "smtpd_tls_security_level = none"; return; }
    cat <<CONF
smtpd_tls_security_level = may
smtpd_tls_cert_file = /etc/postfix/server.crt
smtpd_tls_key_file = /etc/postfix/server.key
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = /etc/postfix/sasl
CONF
}

saslauthd_start() {
    cp "$RUN"/certificates/server.* "$PEER_ROOT/etc/postfix/"
    mkdir -p "$PEER_ROOT/etc/postfix/sasl" "$PEER_ROOT/run/saslauthd"
    rm -f "$PEER_ROOT"/run/saslauthd/*
    printf 'pwcheck_method: saslauthd\nmech_list: PLAIN LOGIN\nsaslauthd_path: /run/saslauthd/mux\n' >"$PEER_ROOT/etc/postfix/sasl/smtpd.conf"
    jq -r '"ldap_servers: \(.uri)\nldap_search_base: \(.people)\nldap_filter: uid=%U"' "$RUN/directory.json" >"$PEER_ROOT/etc/saslauthd.conf"
    chroot "$PEER_ROOT" /usr/sbin/saslauthd -a ldap -O /etc/saslauthd.conf -n 5 -m /run/saslauthd
    chmod 755 "$PEER_ROOT/run/saslauthd"
}

peer_start() {
    local processes=100
    # One smtpd process a connection: the limit of processes is the limit of connections.
    [ "$WORKLOAD" = w2 ] && processes=12000
    root_mount postfix
    root_names postfix
    find "$PEER_ROOT/var/spool/postfix" -mindepth 1 -delete
    rm -rf "$PEER_ROOT"/var/lib/postfix/*.db
    : >"$PEER_ROOT/var/log/postfix.log"
    cat >"$PEER_ROOT/etc/postfix/main.cf" <<CONF
compatibility_level = 3.6
myhostname = relay.bench.test
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
mynetworks = $PERMITTED_IP/32
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
relayhost = [127.0.0.1]:$SINK_PORT
default_process_limit = $processes
message_size_limit = 67108864
mailbox_size_limit = 0
maillog_file = /var/log/postfix.log
smtpd_client_event_limit_exceptions = 127.0.0.0/8
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000000000
smtpd_hard_error_limit = 1000000000
smtpd_junk_command_limit = 1000000000
smtpd_timeout = 3600s
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_relay_restrictions =
$(postfix_login)
smtp_tls_security_level = none
CONF
    cat >"$PEER_ROOT/etc/postfix/master.cf" <<CONF
127.0.0.1:$PORT inet n - n - - smtpd
pickup    unix  n - n 60    1 pickup
cleanup   unix  n - n -     0 cleanup
qmgr      unix  n - n 300   1 qmgr
rewrite   unix  - - n -     - trivial-rewrite
bounce    unix  - - n -     0 bounce
defer     unix  - - n -     0 bounce
trace     unix  - - n -     0 bounce
verify    unix  - - n -     1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n -     - proxymap
smtp      unix  - - n -     - smtp
relay     unix  - - n -     - smtp
showq     unix  n - n -     - showq
error     unix  - - n -     - error
retry     unix  - - n -     - error
anvil     unix  - - n -     1 anvil
scache    unix  - - n -     1 scache
tlsmgr    unix  - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
CONF
    group_join peer
    [ "$WORKLOAD" = w4 ] && saslauthd_start
    chroot "$PEER_ROOT" postfix set-permissions >/dev/null 2>&1 || true
    chroot "$PEER_ROOT" postfix start
}

peer_stop() { chroot "$PEER_ROOT" postfix stop || true; }

peer_queue_left() { find "$PEER_ROOT"/var/spool/postfix/{incoming,active,deferred} -type f 2>/dev/null | wc -l; }

peer_refusals_logged() { grep -c 'NOQUEUE: reject' "$PEER_ROOT/var/log/postfix.log"; }

peer_supports() { [ "$1" != policy ] && [ "$1" != w2t ]; }

peer_hold() { echo 1000; } # a process a connection: fewer are held, and memory is for one
