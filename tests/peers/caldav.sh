#!/usr/bin/env bash
# Real calendar servers for the tests: Radicale and Xandikos, below one directory, on 127.0.0.1 only.
#
#   caldav.sh DIR start     prints the settings as NAME=VALUE lines
#   caldav.sh DIR stop
#
# Radicale has the accounts alice, bob, large and reader, all with the password "secret"; large has a
# calendar of 10,000 events, 500 of which repeat; reader has one that it may not write. Xandikos has
# alice, and asks for no password.
set -euo pipefail

dir=${1:?directory}
what=${2:?start or stop}
base=${CALDAV_PORT_BASE:-24000}
radicale=$((base + 1))
xandikos=$((base + 2))
# In memory where that is possible: Radicale waits for the disk at each of 10,000 events otherwise.
store=$dir/radicale
[ -d /dev/shm ] && [ -w /dev/shm ] && store=/dev/shm/caldav-test-$base
versions="radicale==3.9.0 xandikos==0.4.10"

stop() {
    for pid in "$dir"/*.pid; do
        [ -f "$pid" ] && kill "$(cat "$pid")" 2>/dev/null || true
    done
    [ "$store" = "$dir/radicale" ] || rm -rf "$store"
}

install() {
    [ -x "$dir/venv/bin/radicale" ] && return
    python3 -m venv "$dir/venv"
    # shellcheck disable=SC2086
    "$dir/venv/bin/pip" install --quiet --disable-pip-version-check $versions
}

write_radicale() {
    printf 'alice:secret\nbob:secret\nlarge:secret\nreader:secret\n' >"$dir/users"
    cat >"$dir/rights" <<'RIGHTS'
[root]
user: .+
collection:
permissions: R
[reader]
user: reader
collection: reader(/[^/]+)?
permissions: Rr
[home]
user: .+
collection: {user}
permissions: RW
[own]
user: .+
collection: {user}/[^/]+
permissions: rw
RIGHTS
    cat >"$dir/radicale.conf" <<CONF
[server]
hosts = 127.0.0.1:$radicale
[auth]
type = htpasswd
htpasswd_filename = $dir/users
htpasswd_encryption = plain
delay = 0
[rights]
type = from_file
file = $dir/rights
[storage]
filesystem_folder = $store
[logging]
level = warning
CONF
}

fill_reader() {
    local calendar=$store/collection-root/reader/shared
    [ -d "$calendar" ] && return
    mkdir -p "$calendar"
    echo '{"tag": "VCALENDAR", "D:displayname": "Shared"}' >"$calendar/.Radicale.props"
    printf '%s\r\n' BEGIN:VCALENDAR VERSION:2.0 PRODID:-//Test//EN BEGIN:VEVENT UID:shared-1 \
        DTSTAMP:20260101T000000Z DTSTART:20310701T170000Z DURATION:PT1H SUMMARY:Theirs END:VEVENT END:VCALENDAR \
        >"$calendar/1.ics"
}

# Written to disk as Radicale keeps it: over the wire it would take minutes.
fill_large() {
    local calendar=$store/collection-root/large/all
    [ -d "$calendar" ] && return
    mkdir -p "$calendar"
    python3 - "$calendar" <<'PYTHON'
import datetime, json, pathlib, random, sys
random.seed(7)
calendar = pathlib.Path(sys.argv[1])
(calendar / ".Radicale.props").write_text(json.dumps({"tag": "VCALENDAR", "D:displayname": "All"}))
rules = ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,WE", "FREQ=MONTHLY", "FREQ=YEARLY", "FREQ=WEEKLY;INTERVAL=2", "FREQ=DAILY;COUNT=400"]
# Without it Radicale makes one for each event anew, which takes minutes.
zone = ("BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n"
    "BEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n"
    "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nEND:STANDARD\r\n"
    "BEGIN:DAYLIGHT\r\nDTSTART:19700329T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n"
    "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n")
new_year = datetime.datetime(2026, 1, 1)
for number in range(10_000):
    repeats = number < 500
    day = random.randrange(-1500, -100) if repeats else random.randrange(-700, 700)
    start = new_year + datetime.timedelta(days=day, minutes=15 * random.randrange(28, 80))
    rule = f"RRULE:{random.choice(rules)}\r\n" if repeats else ""
    begin = f"DTSTART;TZID=Europe/Berlin:{start:%Y%m%dT%H%M%S}" if repeats else f"DTSTART:{start:%Y%m%dT%H%M%SZ}"
    (calendar / f"{number}.ics").write_text(
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\n{zone if repeats else ''}BEGIN:VEVENT\r\n"
        f"UID:large-{number}\r\nDTSTAMP:20260101T000000Z\r\n{begin}\r\nDURATION:PT30M\r\nSUMMARY:Event {number}\r\n{rule}"
        "END:VEVENT\r\nEND:VCALENDAR\r\n", newline="")
PYTHON
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

start() {
    mkdir -p "$dir"
    install >&2
    write_radicale
    fill_large
    fill_reader
    # The servers let go of our output: a reader of it must not wait for them.
    "$dir/venv/bin/radicale" --config "$dir/radicale.conf" >"$dir/radicale.log" 2>&1 &
    echo $! >"$dir/radicale.pid"
    "$dir/venv/bin/xandikos" serve -d "$dir/xandikos" --defaults --state-dir "$dir/state" --no-detect-systemd \
        --listen-address 127.0.0.1 -p "$xandikos" --current-user-principal /alice/ >"$dir/xandikos.log" 2>&1 &
    echo $! >"$dir/xandikos.pid"
    for _ in $(seq 200); do
        if answers "$radicale" && answers "$xandikos"; then
            # Radicale reads 10,000 files for the first answer about them; it may begin now.
            curl -s -o /dev/null -u large:secret -X PROPFIND -H "Depth: 0" \
                --data '<propfind xmlns="DAV:"><prop><sync-token/></prop></propfind>' \
                "http://127.0.0.1:$radicale/large/all/" >/dev/null 2>&1 &
            echo "CALDAV_RADICALE=http://127.0.0.1:$radicale"
            echo "CALDAV_XANDIKOS=http://127.0.0.1:$xandikos"
            return
        fi
        sleep 0.1
    done
    echo "the calendar servers did not come up:" >&2
    tail "$dir"/*.log >&2
    stop
    exit 1
}

case $what in
    start) start ;;
    stop) stop ;;
    *) echo "start or stop" >&2; exit 2 ;;
esac
