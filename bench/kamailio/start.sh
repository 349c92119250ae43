#!/bin/bash
# start.sh [KAMAILIO-ARGUMENT...]: starts the peer in $FOLDER, prints its pid.
# tlsf is the best of its memory managers for this load: with fm the timer
# process, which frees transactions, walks long lists under the shared lock.
set -e
here=$(cd "$(dirname "$0")" && pwd)
db=$FOLDER/kamailio.sqlite
for table in standard presence; do
	sqlite3 "$db" </usr/share/kamailio/db_sqlite/$table-create.sql
done
/usr/sbin/kamailio -f "$here/kamailio.cfg" -A "DBURL=\"sqlite:///$db\"" \
	-m 2048 -M 64 -x tlsf -X tlsf -P "$FOLDER/pid" -Y "$FOLDER" "$@" \
	>"$FOLDER/kamailio.log" 2>&1
for _ in $(seq 50); do
	[ -s "$FOLDER/pid" ] && break
	sleep 0.1
done
cat "$FOLDER/pid"
