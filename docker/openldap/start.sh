#!/bin/sh
# Starts slapd; the first start makes its configuration and, on the first server, the organization. The environment counts at
# the first start alone: afterwards the directory is changed with LDAP tools.
#
# DIRECTORY_SUFFIX         dc=contoso,dc=com
# DIRECTORY_ORGANIZATION   Contoso
# DIRECTORY_DOMAIN         contoso.com: the accepted domain
# DIRECTORY_SERVER         mx1: cn of the server object; server.name of the relays
# DIRECTORY_RELAY_HOSTS    192.168.5.10,192.168.5.11: who may relay through the connector "Anonymous Relay"
# DIRECTORY_SMART_HOST     [192.168.5.25]: next hop, addresses in brackets; DIRECTORY_SMART_HOST_PORT 25
# DIRECTORY_NAMES          DNS:directory,DNS:localhost: names in the certificate that is made
# DIRECTORY_ID             1: number of this server; only 1 makes the organization, the others receive it
# DIRECTORY_PEERS          URIs of the other servers, blank separated: each replicates from all others. Empty: no replication
# DIRECTORY_EDGE           edge1: cn of an edge server, which is made too, with its connectors and the certificates by which edge and
#                          server know each other; DIRECTORY_HUB_HOST, DIRECTORY_EDGE_HOST hub, edge: their names for each other;
#                          DIRECTORY_MAILBOXES [192.168.5.26]: where mail for DIRECTORY_DOMAIN goes;
#                          DIRECTORY_EDGE_NAMES DNS:edge-directory,DNS:localhost: names in the certificate of the edge's directory
# DIRECTORY_EDGE_PROVIDER  URI: this is the edge's own directory and takes the edge's part from there
# DIRECTORY_TLS_CERTIFICATE_FILE, DIRECTORY_TLS_KEY_FILE, DIRECTORY_TLS_CA_FILE
#                          certificate, key and authority; else an authority is made in /authority
# DIRECTORY_ADMIN_PASSWORD_FILE, DIRECTORY_RELAY_PASSWORD_FILE, DIRECTORY_REPLICATION_PASSWORD_FILE
#                          the accounts' passwords; else they are made. Without _FILE: the password itself
#
# /var/lib/ldap            configuration and data, to be kept
# /authority               what the servers of one organization share: authority, replication's password
# /credentials/relay       given to the relays: ca.pem, relay.password
# /credentials/edge        given to the edge and to its directory: the same
# /credentials/admin       given to administrators: ca.pem, admin.password
set -eu
. /usr/libexec/dirrelay-openldap/config.sh
. /usr/libexec/dirrelay-openldap/content.sh
. /usr/libexec/dirrelay-openldap/credentials.sh

LDAPI=ldapi://%2Frun%2Fslapd%2Fldapi
HOME_OF_DATA=/var/lib/ldap
SUFFIX=${DIRECTORY_SUFFIX:-dc=contoso,dc=com}
ORGANIZATION=${DIRECTORY_ORGANIZATION:-Contoso}
ID=${DIRECTORY_ID:-1}
EDGE=${DIRECTORY_EDGE:-}
umask 027

# first_start: a start that was cut short begins anew.
first_start() {
    rm -rf "$HOME_OF_DATA/config" "$HOME_OF_DATA/data"
    mkdir "$HOME_OF_DATA/config" "$HOME_OF_DATA/data"
    make_credentials
    make_config | slapadd -n 0 -F "$HOME_OF_DATA/config"
    # -w writes the state of replication (contextCSN), so that it is this server whose entries are the newer ones.
    [ "$ID" != 1 ] || make_content | slapadd -n 1 -w -S "$ID" -F "$HOME_OF_DATA/config"
    touch "$HOME_OF_DATA/ready"
}

case "${1:-serve}" in
healthy)
    found=$(ldapsearch -Q -Y EXTERNAL -H "$LDAPI" -LLL -s base \
        -b "CN=$ORGANIZATION,CN=Microsoft Exchange,CN=Services,CN=Configuration,$SUFFIX" 1.1)
    [ -n "$found" ]
    ;;
serve)
    [ -e "$HOME_OF_DATA/ready" ] || first_start
    # slapd keeps a table with a row for each file it might open.
    ulimit -n 8192 2>/dev/null || true
    exec slapd -d "${DIRECTORY_LOG:-none}" -F "$HOME_OF_DATA/config" -h "ldap:/// ldaps:/// $LDAPI"
    ;;
*) exec "$@" ;;
esac
