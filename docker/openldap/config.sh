# cn=config of the first start, as LDIF on stdout. Who may do what: docs/openldap.md, section 5.

RELAY_DN() { echo "cn=dirrelay,ou=services,$SUFFIX"; }
REPLICATOR_DN() { echo "cn=replicator,ou=services,$SUFFIX"; }
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
olcAccess: to * by dn.exact="$me" manage by dn.exact="$(REPLICATOR_DN)" read by * break
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
