# Passwords and certificates of the first start: what the environment gives is taken, the rest is made.

# given NAME: the value of the variable NAME or of the file that NAME_FILE names.
given() {
    eval "file=\${$1_FILE:-} value=\${$1:-}"
    if [ -n "$file" ]; then tr -d '\r\n' <"$file"; else printf %s "$value"; fi
}

# keep FILE NAME: FILE holds the password NAME, or a new one if there is none.
keep() {
    [ ! -s "$1" ] || return 0
    value=$(given "$2")
    printf %s "${value:-$(openssl rand -hex 24)}" >"$1"
}

make_credentials() {
    [ -n "${DIRECTORY_EDGE_PROVIDER:-}" ] || keep /authority/replication.password DIRECTORY_REPLICATION_PASSWORD
    tls=$HOME_OF_DATA/tls
    mkdir -p "$tls"
    if [ -n "${DIRECTORY_TLS_CERTIFICATE_FILE:-}" ]; then
        cp "$DIRECTORY_TLS_CERTIFICATE_FILE" "$tls/server.pem"
        cp "$DIRECTORY_TLS_KEY_FILE" "$tls/server.key"
        cp "$DIRECTORY_TLS_CA_FILE" "$tls/ca.pem"
    else
        make_certificate "$tls"
    fi
    chmod 600 "$tls/server.key"
    [ "$ID" = 1 ] || return 0
    keep /credentials/admin/admin.password DIRECTORY_ADMIN_PASSWORD
    keep /credentials/relay/relay.password DIRECTORY_RELAY_PASSWORD
    folders="relay admin"
    if [ -n "$EDGE" ]; then
        folders="$folders edge"
        keep /credentials/edge/relay.password DIRECTORY_EDGE_PASSWORD
        make_internal relay "${DIRECTORY_SERVER:-mx1}"
        make_internal edge "$EDGE"
        make_edge_directory /credentials/edge/directory
    fi
    for folder in $folders; do
        cp "$tls/ca.pem" "/credentials/$folder/ca.pem"
        find "/credentials/$folder" -type f -exec chgrp dirrelay {} + -exec chmod 440 {} +
    done
}

# make_internal FOLDER SERVER: the certificate by which the organization's other servers know this one; no authority vouches for it.
make_internal() {
    mkdir -p "/credentials/$1/tls"
    chgrp dirrelay "/credentials/$1/tls"
    chmod 750 "/credentials/$1/tls"
    [ -s "/credentials/$1/tls/internal.pem" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
        -subj "/O=$ORGANIZATION/CN=$2.${DIRECTORY_DOMAIN:-contoso.com}" -keyout "/credentials/$1/tls/internal.pem" -out "/credentials/$1/tls/new" 2>/dev/null
    [ ! -e "/credentials/$1/tls/new" ] || { cat "/credentials/$1/tls/new" >>"/credentials/$1/tls/internal.pem"; rm "/credentials/$1/tls/new"; }
}

# make_edge_directory FOLDER: the certificate of the edge's directory; the authority stays inside.
make_edge_directory() {
    [ -s /authority/ca.key ] && [ ! -e "$1" ] || return 0
    mkdir "$1"
    chgrp dirrelay "$1"
    chmod 750 "$1"
    DIRECTORY_NAMES=${DIRECTORY_EDGE_NAMES:-DNS:edge-directory,DNS:localhost} make_certificate "$1"
}

# internal FOLDER: the certificate as the directory holds it, in base64.
internal() { openssl x509 -in "/credentials/$1/tls/internal.pem" -outform DER | base64 -w 0; }

# make_certificate FOLDER: by the authority of the organization, which the first server makes.
make_certificate() {
    [ -s /authority/ca.pem ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$ORGANIZATION directory CA" \
        -keyout /authority/ca.key -out /authority/ca.pem 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$(hostname)" -keyout "$1/server.key" -out "$1/request" 2>/dev/null
    printf 'subjectAltName=%s\n' "${DIRECTORY_NAMES:-DNS:directory,DNS:localhost}" >"$1/names"
    openssl x509 -req -in "$1/request" -CA /authority/ca.pem -CAkey /authority/ca.key -days 3650 -extfile "$1/names" -out "$1/server.pem" 2>/dev/null
    rm "$1/request" "$1/names"
    cp /authority/ca.pem "$1/ca.pem"
}
