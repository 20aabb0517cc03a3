#!/bin/bash
# Build the stand-in PostgreSQL image from Debian packages only (no image registry).
# usage: build-image.sh [TAG [SUITE [VERSION]]]     run as root; needs debootstrap, podman
# SUITE decides the version that Debian has: bookworm 15 (the default), trixie 17.
set -Eeuo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
suite="${2:-bookworm}"
version="${3:-15}"
tag="${1:-localhost/postgres:$version}"
# The mirror that this machine's own apt uses.
mirror="${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | sed -n 1p)}"
rootfs="$(mktemp -d "${TMPDIR:-/var/tmp}/pg-rootfs.XXXXXX")"
trap 'rm -rf --one-file-system "$rootfs"' EXIT
chmod 0755 "$rootfs"

# debootstrap leaves nothing mounted when it finishes; --one-file-system guards the trap anyway.
debootstrap --variant=minbase "--include=postgresql-$version,locales" "$suite" "$rootfs" "$mirror"

chroot "$rootfs" localedef -i en_US -c -f UTF-8 -A /usr/share/locale/locale.alias en_US.UTF-8
# The cluster that Debian's postgresql package makes when it is installed is not wanted.
rm -rf "$rootfs"/var/lib/postgresql/* "$rootfs"/etc/postgresql/"$version" \
       "$rootfs"/var/cache/apt/archives/*.deb "$rootfs"/var/lib/apt/lists/* \
       "$rootfs"/usr/share/doc "$rootfs"/usr/share/man
sed -ri "s/^#?listen_addresses = '[^']*'/listen_addresses = '*'/" \
    "$rootfs"/usr/share/postgresql/"$version"/postgresql.conf.sample
grep -q "^listen_addresses = '\*'" "$rootfs"/usr/share/postgresql/"$version"/postgresql.conf.sample
install -d "$rootfs/docker-entrypoint-initdb.d"
install -m 0755 "$here/docker-entrypoint.sh" "$rootfs/usr/local/bin/docker-entrypoint.sh"

tar -C "$rootfs" --one-file-system --numeric-owner --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -cf - . |
podman import \
    --change "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/$version/bin" \
    --change 'ENV LANG=en_US.utf8' \
    --change 'ENV PGDATA=/var/lib/postgresql/data' \
    --change 'ENTRYPOINT ["docker-entrypoint.sh"]' \
    --change 'CMD ["postgres"]' \
    --change 'EXPOSE 5432' \
    --change 'STOPSIGNAL SIGINT' \
    --change 'VOLUME /var/lib/postgresql/data' \
    --change 'LABEL org.opencontainers.image.title=stand-in-for-postgres-from-debian-packages' \
    --message "debootstrap $suite + postgresql-$version" \
    - "$tag"
podman image inspect --format '{{.Id}} {{.RepoTags}} {{.Size}} bytes' "$tag"
