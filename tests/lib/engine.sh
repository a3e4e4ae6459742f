# A Docker Engine of the test's own: data, socket, bridge and firewall rules apart from any other, nothing left but a cache.
#
#   . tests/lib/engine.sh
#   engine_install
#   engine_start FOLDER || echo "$ENGINE_WHY"    FOLDER keeps what a second run would make again: base image, layers, compose
#   docker compose …                             DOCKER_HOST and DOCKER_CONFIG are set
#   engine_stop

ENGINE_WHY=

# engine_mirror: the Debian mirror that this machine's apt uses.
engine_mirror() {
    sed -nE 's/^(URIs: |deb )(http[^ ]*\/debian) ?.*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null | head -n 1 || true
}

engine_install() {
    local package missing=
    for package in docker.io iptables debootstrap curl iproute2 xz-utils; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    apt-get update -qq
    # The package's own daemon must not start beside ours.
    local policy=
    [ -e /usr/sbin/policy-rc.d ] || { policy=/usr/sbin/policy-rc.d; printf '#!/bin/sh\nexit 101\n' >$policy; chmod 755 $policy; }
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    [ -z "$policy" ] || rm -f "$policy"
}

# What a restore shall bring back; a table that nobody used yet is written down only once it was used.
engine_save_firewall() {
    local table
    for table in filter nat; do
        iptables -t "$table" -N DR-ENGINE && iptables -t "$table" -X DR-ENGINE || return 1
    done
    iptables-save >"$ENGINE_RUN/iptables"
}

# The daemon's bridge has a name and addresses that another daemon's has not.
engine_start() {
    ENGINE_CACHE=$1
    [ "$(id -u)" = 0 ] || { ENGINE_WHY="a daemon needs root"; return 1; }
    mkdir -p "$ENGINE_CACHE/config/cli-plugins"
    exec 8>"$ENGINE_CACHE/lock"
    flock 8
    ENGINE_RUN=$(mktemp -d /tmp/dr-engine.XXXXXX)
    ENGINE_FORWARD=$(cat /proc/sys/net/ipv4/ip_forward)
    if ! engine_save_firewall 2>"$ENGINE_RUN/bridge"; then
        ENGINE_WHY="the kernel has no firewall for us: $(tail -n 1 "$ENGINE_RUN/bridge")"
        engine_stop
        return 1
    fi
    if ! { ip link add dr-engine0 type bridge && ip addr add 172.31.254.1/24 dev dr-engine0 && ip link set dr-engine0 up; } 2>"$ENGINE_RUN/bridge"; then
        ENGINE_WHY="the kernel makes no bridge: $(tail -n 1 "$ENGINE_RUN/bridge")"
        engine_stop
        return 1
    fi
    export DOCKER_HOST=unix://$ENGINE_RUN/docker.sock DOCKER_CONFIG=$ENGINE_CACHE/config DOCKER_BUILDKIT=1
    dockerd --data-root "$ENGINE_CACHE/data" --exec-root "$ENGINE_RUN/exec" --bridge dr-engine0 -H "$DOCKER_HOST" \
        --pidfile "$ENGINE_RUN/pid" >"$ENGINE_RUN/log" 2>&1 8>&- &
    ENGINE_PID=$!
    local tries
    for tries in $(seq 150); do
        docker version >/dev/null 2>&1 && { iptables -P FORWARD "$(sed -n 's/^:FORWARD \([A-Z]*\).*/\1/p' "$ENGINE_RUN/iptables")"; return 0; }
        kill -0 "$ENGINE_PID" 2>/dev/null || break
        sleep 0.2
    done
    ENGINE_WHY="dockerd did not start: $(tail -n 1 "$ENGINE_RUN/log")"
    engine_stop
    return 1
}

# Compose is not in Debian 12; Debian 13's program runs here.
engine_compose() {
    docker compose version >/dev/null 2>&1 && return
    local mirror file packages=$ENGINE_CACHE/packages
    mirror=$(engine_mirror)
    mkdir -p "$packages"
    curl -sfL "$mirror/dists/trixie/main/binary-$(dpkg --print-architecture)/Packages.xz" | xz -dc >"$packages/index"
    for file in docker-compose docker-buildx; do
        file=$(sed -n "/^Package: $file\$/,/^\$/s/^Filename: //p" "$packages/index" | tail -n 1)
        curl -sfL "$mirror/$file" -o "$packages/deb"
        dpkg -x "$packages/deb" "$packages"
    done
    cp "$packages"/usr/libexec/docker/cli-plugins/* "$DOCKER_CONFIG/cli-plugins/"
    rm -rf "$packages"
}

# engine_base IMAGE SUITE: pulled, or made from the packages of the mirror where no registry answers.
engine_base() {
    docker image inspect "$1" >/dev/null 2>&1 && return
    timeout 60 docker pull -q "$1" >/dev/null 2>&1 && return
    local root=$ENGINE_CACHE/root
    rm -rf "$root"
    debootstrap --variant=minbase --include=ca-certificates "$2" "$root" "$(engine_mirror)" >"$ENGINE_RUN/debootstrap"
    tar -C "$root" --exclude='./var/cache/apt/archives/*.deb' --exclude='./var/lib/apt/lists/*' -c . | docker import -c 'CMD ["bash"]' - "$1" >/dev/null
    rm -rf "$root"
}

# Everything goes but images and layers, of which the newest 3 GB stay.
engine_stop() {
    set +e # whatever fails, the rest must go
    if [ -n "${ENGINE_PID:-}" ] && kill -0 "$ENGINE_PID" 2>/dev/null; then
        docker ps -aq | xargs -r docker rm -fv >/dev/null 2>&1
        docker volume prune -f >/dev/null 2>&1
        docker network prune -f >/dev/null 2>&1
        docker image prune -f >/dev/null 2>&1
        docker builder prune -f --keep-storage 3GB >/dev/null 2>&1
        kill "$ENGINE_PID"
        wait "$ENGINE_PID" 2>/dev/null
    fi
    ENGINE_PID=
    ip link del dr-engine0 2>/dev/null
    [ ! -s "$ENGINE_RUN/iptables" ] || iptables-restore <"$ENGINE_RUN/iptables" 2>/dev/null
    echo "$ENGINE_FORWARD" >/proc/sys/net/ipv4/ip_forward
    umount "$ENGINE_RUN"/exec/netns/* 2>/dev/null
    rm -rf "$ENGINE_RUN"
    flock -u 8
    exec 8>&-
}
