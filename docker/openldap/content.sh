# The entries of the first start, as LDIF on stdout: suffix, accounts, and the organization that ldif/make_sample.py writes.

# account NAME SECRET: one that only programs use.
account() {
    printf 'dn: cn=%s,ou=services,%s\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: %s\nuserPassword: %s\n\n' \
        "$1" "$SUFFIX" "$1" "$(slappasswd -T "$2")"
}

make_content() {
    first=${SUFFIX%%,*}
    kind=${first%%=*} value=${first#*=}
    case $kind in
    dc) classes='objectClass: dcObject
objectClass: organization
o: '$ORGANIZATION ;;
    *) classes='objectClass: organization' ;;
    esac
    cat <<END
dn: $SUFFIX
$classes
$kind: $value

dn: cn=admin,$SUFFIX
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: admin
userPassword: $(slappasswd -T /credentials/admin/admin.password)

dn: ou=services,$SUFFIX
objectClass: organizationalUnit
ou: services

dn: cn=transport-admins,ou=services,$SUFFIX
objectClass: groupOfNames
cn: transport-admins
member: cn=admin,$SUFFIX

END
    account dirrelay /credentials/relay/relay.password
    account replicator /authority/replication.password
    work=$(mktemp -d)
    python3 /usr/share/dirrelay/make_sample.py --suffix "$SUFFIX" --organization "$ORGANIZATION" \
        --domain "${DIRECTORY_DOMAIN:-contoso.com}" --server "${DIRECTORY_SERVER:-mx1}" \
        --relay-hosts "${DIRECTORY_RELAY_HOSTS:-192.168.5.10,192.168.5.11}" --smart-host "${DIRECTORY_SMART_HOST:-[192.168.5.25]}" \
        --smart-host-port "${DIRECTORY_SMART_HOST_PORT:-25}" --address 0.0.0.0 --output "$work"
    for file in tree rights sample; do
        if [ -z "$EDGE" ]; then cat "$work/$file.ldif"; else make_known "$work/$file.ldif"; fi
        echo
    done
    rm -r "$work"
    [ -z "$EDGE" ] || make_edge
}

# make_known FILE: the file's records; the server has its certificate, and what goes to the Internet goes by the edge.
make_known() {
    awk -v server="dn: CN=${DIRECTORY_SERVER:-mx1},CN=Servers," -v internet="dn: CN=Internet,CN=Connections," \
        -v certificate="msExchServerInternalTLSCert:: $(internal relay)" -v bridgehead="msExchSourceBridgeheadServersDN: CN=$EDGE,$(SERVERS_DN)" '
        { print }
        index($0, server) == 1 { print certificate }
        index($0, internet) == 1 { print bridgehead }' "$1"
}

# send NAME SPACE HOST FLAGS SERVER ACE...: a send connector of one server.
send() {
    cat <<END
dn: CN=$1,CN=Connections,CN=Routing Group (DWBGZMFD01QNBJR),CN=Routing Groups,$(GROUP_DN)
objectClass: msExchRoutingSMTPConnector
cn: $1
routingList: SMTP:$2;1
msExchSmtpSmartHost: $3
msExchSmtpSendFlags: $4
msExchSourceBridgeheadServersDN: CN=$5,$(SERVERS_DN)
END
    shift 5
    for ace; do echo "dirrelayAce: $ace"; done
    echo
}

# As an edge subscription leaves it: the edge server, its connector, and one send connector in each direction. 8388608 is
# ExchangeServer authentication: each knows the other by the certificate that the directory holds.
make_edge() {
    server=${DIRECTORY_SERVER:-mx1} domain=${DIRECTORY_DOMAIN:-contoso.com} all="ms-Exch-Send-Headers-Routing,ms-Exch-Send-Headers-Organization,ms-Exch-Send-Headers-Forest"
    account "$EDGE" /credentials/edge/relay.password
    cat <<END
dn: CN=$EDGE,$(SERVERS_DN)
objectClass: msExchExchangeServer
cn: $EDGE
msExchCurrentServerRoles: 64
networkAddress: ncacn_ip_tcp:$EDGE.$domain
networkAddress: netbios:$EDGE
msExchServerInternalTLSCert:: $(internal edge)

dn: CN=Protocols,CN=$EDGE,$(SERVERS_DN)
objectClass: protocolCfgSharedServer
cn: Protocols

dn: CN=SMTP Receive Connectors,CN=Protocols,CN=$EDGE,$(SERVERS_DN)
objectClass: container
cn: SMTP Receive Connectors

dn: CN=Default internal receive connector $EDGE,CN=SMTP Receive Connectors,CN=Protocols,CN=$EDGE,$(SERVERS_DN)
objectClass: msExchSmtpReceiveConnector
cn: Default internal receive connector $EDGE
msExchSmtpReceiveBindings: 0.0.0.0:25
msExchSmtpReceiveRemoteIPRanges: 0.0.0.0-255.255.255.255
msExchSmtpReceiveRole: 64
msExchSMTPReceiveInboundSecurityFlag: 17
dirrelayPermissionGroups: AnonymousUsers
dirrelayPermissionGroups: ExchangeServers
dirrelayPermissionGroups: Partners

END
    send "EdgeSync - to Internet" '*' "${DIRECTORY_EDGE_HOST:-edge}" 8388608 "$server" "allow $all to edge-servers"
    send "EdgeSync - Inbound" "$domain" "${DIRECTORY_HUB_HOST:-hub}" 8388608 "$EDGE" "allow $all to hub-servers"
    send Mailboxes "$domain" "${DIRECTORY_MAILBOXES:-[192.168.5.26]}" 0 "$server" "allow ms-Exch-Send-Headers-Routing to anonymous"
}
