#!/bin/sh
# The entry of an image that stands in for all three of the stack's, made of Debian's packages: Postgres and Redis are the real ones; of MinIO, which Debian
# does not have, it is a server that answers its health address.
set -e
case "${1-}" in
  redis-server) exec "$@" ;;
  server)
    # The first process of a container ends on a signal only if it says how; else its end is waited for, ten seconds long.
    exec perl -MIO::Socket::INET -e '
      $SIG{TERM} = sub { exit };
      my @servers = map { IO::Socket::INET->new(LocalAddr => "0.0.0.0", LocalPort => $_, Listen => 16, ReuseAddr => 1) or die } 9000, 9001;
      fork() == 0 and shift @servers or splice @servers, 1;
      while (my $client = $servers[0]->accept) { my $line = <$client>; print $client "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"; close $client }' ;;
esac
PGDATA=/var/lib/postgresql/data
export PATH="$PATH:$(echo /usr/lib/postgresql/*/bin)"
chown postgres "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  printf %s "$POSTGRES_PASSWORD" >/tmp/password
  chmod 644 /tmp/password
  runuser -u postgres -- initdb --pgdata="$PGDATA" --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-host=scram-sha-256 --no-locale --no-sync >/dev/null
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  echo "CREATE DATABASE $POSTGRES_DB;" | runuser -u postgres -- postgres --single -D "$PGDATA" postgres >/dev/null
fi
exec runuser -u postgres -- postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp
