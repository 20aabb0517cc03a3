#!/bin/bash
# Entry point of a stand-in for the official `postgres` image, for a root file
# system made of Debian packages. It follows the part of the official image's
# contract that tests rely on: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB,
# POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD, PGDATA,
# /docker-entrypoint-initdb.d/*.{sh,sql,sql.gz}; a first server on the unix
# socket only, then the real one on every address (so that "database system is
# ready to accept connections" is logged twice, as testcontainers expects).
set -Eeuo pipefail

: "${PGDATA:=/var/lib/postgresql/data}"
export PGDATA

# `docker run image -c fsync=off` means `postgres -c fsync=off`.
if [ "${1:0:1}" = "-" ] || [ $# -eq 0 ]; then set -- postgres "$@"; fi
if [ "$1" != "postgres" ]; then exec "$@"; fi

if [ "$(id -u)" = 0 ]; then
    install -d -o postgres -g postgres -m 0700 "$PGDATA"
    install -d -o postgres -g postgres -m 2775 /var/run/postgresql
    chown -R postgres:postgres "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups \
        env HOME=/var/lib/postgresql USER=postgres "$BASH_SOURCE" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    user="${POSTGRES_USER:-postgres}"
    db="${POSTGRES_DB:-$user}"
    method="${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}"
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "$method" != trust ]; then
        echo "Error: POSTGRES_PASSWORD is not set and POSTGRES_HOST_AUTH_METHOD is not trust." >&2
        exit 1
    fi

    # shellcheck disable=SC2086
    initdb --username="$user" --pwfile=<(printf '%s\n' "${POSTGRES_PASSWORD:-}") \
        --auth-local=trust --auth-host=trust ${POSTGRES_INITDB_ARGS:-}
    printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"

    pg_ctl -w start -o "-c listen_addresses=''"          # 1st "ready to accept connections"
    run_psql=(psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$user")
    if [ "$db" != postgres ]; then
        "${run_psql[@]}" --dbname postgres --set db="$db" <<<'CREATE DATABASE :"db";'
    fi
    for f in /docker-entrypoint-initdb.d/*; do
        case "$f" in
            *.sh) if [ -x "$f" ]; then "$f"; else . "$f"; fi ;;
            *.sql) "${run_psql[@]}" --dbname "$db" -f "$f" ;;
            *.sql.gz) gunzip -c "$f" | "${run_psql[@]}" --dbname "$db" ;;
        esac
    done
    pg_ctl -m fast -w stop
    echo "PostgreSQL init process complete; ready for start up."
fi

exec "$@"                                                 # 2nd "ready to accept connections"
