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
        cat "$work/$file.ldif"
        echo
    done
    rm -r "$work"
}
