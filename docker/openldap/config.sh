# cn=config of the first start, as LDIF on stdout. Who may do what: docs/openldap.md, section 5.

RELAY_DN() { echo "cn=dirrelay,ou=services,$SUFFIX"; }
REPLICATOR_DN() { echo "cn=replicator,ou=services,$SUFFIX"; }
# An edge's account: it receives the edge's part of the tree, and the edge itself reads with it what was received.
EDGE_DN() { echo "cn=$EDGE,ou=services,$SUFFIX"; }
GROUP_DN() { echo "CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups,$(ORGANIZATION_DN)"; }
SERVERS_DN() { echo "CN=Servers,$(GROUP_DN)"; }
ORGANIZATION_DN() { echo "CN=$ORGANIZATION,CN=Microsoft Exchange,CN=Services,CN=Configuration,$SUFFIX"; }
# In a filter a bracket is escaped, and in a value of cn=config the backslash that does it.
EDGE_SERVER_IN_FILTER() { echo "CN=$EDGE,$(SERVERS_DN)" | sed 's/(/\\\\28/g; s/)/\\\\29/g'; }
ADMINS_DN() { echo "cn=transport-admins,ou=services,$SUFFIX"; }

make_config() {
    tls=$HOME_OF_DATA/tls
    # slapd's own account, over the socket inside its container.
    me=gidNumber=$(id -g)+uidNumber=$(id -u),cn=peercred,cn=external,cn=auth
    cat <<END
dn: cn=config
objectClass: olcGlobal
cn: config
olcServerID: $ID
olcTLSCertificateFile: $tls/server.pem
olcTLSCertificateKeyFile: $tls/server.key
olcTLSCACertificateFile: $tls/ca.pem
olcTLSProtocolMin: 3.3
olcLocalSSF: 128
# No password in clear from anywhere, and nothing else either.
olcSecurity: ssf=128

dn: cn=module,cn=config
objectClass: olcModuleList
cn: module
olcModulePath: /usr/lib/ldap
olcModuleLoad: back_mdb
olcModuleLoad: syncprov

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

END
    for schema in core cosine inetorgperson nis dirrelay-ad-base dirrelay; do
        printf 'include: file:///etc/ldap/schema/%s.ldif\n\n' "$schema"
    done
    cat <<END
dn: olcDatabase={-1}frontend,cn=config
objectClass: olcDatabaseConfig
objectClass: olcFrontendConfig
olcDatabase: {-1}frontend
olcAccess: to dn.base="" by * read
olcAccess: to dn.base="cn=Subschema" by * read

dn: olcDatabase={0}config,cn=config
objectClass: olcDatabaseConfig
olcDatabase: {0}config
olcAccess: to * by dn.exact="$me" manage by * none

dn: olcDatabase={1}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {1}mdb
olcDbDirectory: $HOME_OF_DATA/data
olcDbMaxSize: 4294967296
olcSuffix: $SUFFIX
olcRootDN: cn=admin,$SUFFIX
olcDbIndex: objectClass,entryUUID,entryCSN eq
olcDbIndex: cn,uid,mail,member,uniqueMember,memberUid,gidNumber,proxyAddresses eq
olcLimits: dn.exact="$(RELAY_DN)" size=unlimited time=unlimited
olcLimits: dn.exact="$(REPLICATOR_DN)" size=unlimited time=unlimited
olcAccess: to * by dn.exact="$me" manage by dn.exact="$(REPLICATOR_DN)" read by * break$(make_edge_access)
olcAccess: to dn.subtree="CN=Configuration,$SUFFIX" by group.exact="$(ADMINS_DN)" write by dn.exact="$(RELAY_DN)" read by * none
olcAccess: to attrs=dirrelayAce,proxyAddresses,publicDelegates,objectSid,sIDHistory,primaryGroupID,uidNumber,gidNumber
  by group.exact="$(ADMINS_DN)" write by users read by * none
olcAccess: to attrs=userPassword by dn.exact="$(RELAY_DN)" none by self =xw by anonymous auth by * none
olcAccess: to * by users read by * none
$(make_replication)

dn: olcOverlay=syncprov,olcDatabase={1}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcSyncProvConfig
olcOverlay: syncprov
olcSpCheckpoint: 100 10
olcSpSessionlog: 1000
END
}

# Every server is a provider and takes what the others have: DIRECTORY_PEERS.
make_replication() {
    [ -z "${DIRECTORY_EDGE_PROVIDER:-}" ] || make_edge_replication
    [ -n "${DIRECTORY_PEERS:-}" ] || return 0
    number=0
    for peer in $DIRECTORY_PEERS; do
        number=$((number + 1))
        cat <<END
olcSyncrepl: rid=$(printf %03d $((ID * 10 + number))) provider=$peer searchbase="$SUFFIX" type=refreshAndPersist retry="1 60 5 +"
  keepalive=10:3:2 network-timeout=3 timeout=5 bindmethod=simple binddn="$(REPLICATOR_DN)" credentials=$(cat /authority/replication.password)
  starttls=critical tls_cacert=$tls/ca.pem tls_reqcert=demand
END
    done
    echo "olcMultiProvider: TRUE"
}

# What an edge gets: DIRECTORY_EDGE. Its own account and connectors, the accepted domains, each server's name, role and certificate,
# and the containers above them: nobody else's account, no other server's connector, no smart host's password.
make_edge_access() {
    [ -n "$EDGE" ] || return 0
    by="by dn.exact=\"$(EDGE_DN)\" read by * break"
    configuration="CN=Configuration,$SUFFIX"
    # Not at the end of the line before.
    echo
    cat <<END
olcLimits: dn.exact="$(EDGE_DN)" size=unlimited time=unlimited
olcAccess: to dn.exact="$SUFFIX" $by
olcAccess: to dn.exact="ou=services,$SUFFIX" $by
olcAccess: to dn.exact="$(EDGE_DN)" $by
olcAccess: to dn.subtree="CN=$EDGE,$(SERVERS_DN)" $by
olcAccess: to dn.one="$(SERVERS_DN)" $by
olcAccess: to dn.children="$(SERVERS_DN)" by dn.exact="$(EDGE_DN)" none by * break
olcAccess: to dn.subtree="CN=Transport Settings,$(ORGANIZATION_DN)" $by
olcAccess: to dn.subtree="$configuration" filter="(msExchSourceBridgeheadServersDN=$(EDGE_SERVER_IN_FILTER))" $by
# Whose the others are, so that replication can say what is the edge's no more.
olcAccess: to dn.subtree="CN=Routing Groups,$(GROUP_DN)" attrs=entry,objectClass,entryUUID,entryCSN,msExchSourceBridgeheadServersDN $by
olcAccess: to dn.subtree="$configuration" filter=(|(objectClass=container)(objectClass=msExchConfigurationContainer)(objectClass=msExchOrganizationContainer)(objectClass=msExchConnectors)) $by
olcAccess: to * by dn.exact="$(EDGE_DN)" none by * break
END
}

# On the edge's own directory: what the provider shows to the edge's account. The filter has what is no longer the edge's taken away.
make_edge_replication() {
    cat <<END
olcSyncrepl: rid=$(printf %03d "$ID") provider=$DIRECTORY_EDGE_PROVIDER searchbase="$SUFFIX" type=refreshAndPersist retry="1 60 5 +"
  filter="(|(!(objectClass=msExchRoutingSMTPConnector))(msExchSourceBridgeheadServersDN=$(EDGE_SERVER_IN_FILTER)))"
  keepalive=10:3:2 network-timeout=3 timeout=5 bindmethod=simple binddn="$(EDGE_DN)" credentials=$(cat /credentials/edge/relay.password)
  starttls=critical tls_cacert=$tls/ca.pem tls_reqcert=demand
END
}
