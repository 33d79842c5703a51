#!/usr/bin/env bash
# A real mail server pair for the tests: Postfix takes mail, Dovecot keeps it. Everything is below
# one directory and listens on 127.0.0.1 only.
#
#   mail.sh DIR start     prints the settings as NAME=VALUE lines
#   mail.sh DIR stop
#
# Accounts: bot@ (may send), user@, guest@ and friend@test.local, all with the password "secret".
# Every other address of test.local is refused with 550 while the recipient is named.
set -euo pipefail

dir=${1:?directory}
what=${2:?start or stop}
base=${MAIL_PORT_BASE:-23000}
submission=$((base + 587))
imaps=$((base + 993))
accounts="bot user guest friend"

dovecot_() { dovecot -c "$dir/dovecot.conf" "$@"; }
postfix_() { postfix -c "$dir/postfix" "$@"; }

stop() {
    postfix_ stop >/dev/null 2>&1 || true
    dovecot_ stop >/dev/null 2>&1 || true
}

make_certificates() {
    local tls=$dir/tls
    mkdir -p "$tls"
    [ -f "$tls/server.pem" ] && return
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=Test CA" \
        -keyout "$tls/ca.key" -out "$tls/ca.pem" >/dev/null 2>&1
    openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" \
        -keyout "$tls/server.key" -out "$tls/server.csr" >/dev/null 2>&1
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >"$tls/extensions"
    openssl x509 -req -in "$tls/server.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial \
        -days 30 -extfile "$tls/extensions" -out "$tls/server.pem" >/dev/null 2>&1
}

make_user() {
    getent group testmail >/dev/null || groupadd -r testmail
    id testmail >/dev/null 2>&1 || useradd -r -g testmail -d /nonexistent -s /usr/sbin/nologin testmail
}

write_dovecot() {
    for name in $accounts; do
        echo "$name@test.local:{PLAIN}secret::::::"
    done >"$dir/passwords"
    cat >"$dir/dovecot.conf" <<CONF
protocols = imap lmtp
listen = 127.0.0.1
base_dir = $dir/run
state_dir = $dir/run/state
instance_name = test-$base
log_path = $dir/log/dovecot.log
mail_location = maildir:$dir/mail/%n
mail_uid = testmail
mail_gid = testmail
first_valid_uid = 1
ssl = required
ssl_cert = <$dir/tls/server.pem
ssl_key = <$dir/tls/server.key
auth_mechanisms = plain login
default_vsz_limit = 512M
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u $dir/passwords
}
userdb {
  driver = static
  args = uid=testmail gid=testmail home=$dir/mail/%n
}
namespace inbox {
  inbox = yes
}
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = $imaps
    ssl = yes
  }
}
service lmtp {
  unix_listener lmtp {
    mode = 0666
  }
}
service auth {
  unix_listener for-postfix {
    mode = 0666
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
CONF
}

write_postfix() {
    mkdir -p "$dir/postfix" "$dir/spool" "$dir/state"
    chown postfix "$dir/state"
    for name in $accounts; do
        echo "$name@test.local ok"
    done >"$dir/postfix/mailboxes"
    cat >"$dir/postfix/main.cf" <<CONF
compatibility_level = 3.6
queue_directory = $dir/spool
data_directory = $dir/state
maillog_file = $dir/log/postfix.log
maillog_file_prefixes = $dir/log
myhostname = mail.test.local
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtp_host_lookup = native
alias_maps =
alias_database =
local_recipient_maps =
default_transport = error:5.1.2 mail does not leave this test
virtual_mailbox_domains = test.local
virtual_mailbox_maps = texthash:$dir/postfix/mailboxes
virtual_transport = lmtp:unix:$dir/run/lmtp
smtpd_peername_lookup = no
smtpd_tls_cert_file = $dir/tls/server.pem
smtpd_tls_key_file = $dir/tls/server.key
smtpd_sasl_type = dovecot
smtpd_sasl_path = $dir/run/for-postfix
smtpd_sasl_auth_enable = yes
smtpd_tls_auth_only = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = reject_unlisted_recipient, permit_sasl_authenticated, reject
CONF
    cat >"$dir/postfix/master.cf" <<CONF
127.0.0.1:$submission inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
CONF
    [ -f /etc/postfix/main.cf ] || printf 'compatibility_level = 3.6\ninet_interfaces = 127.0.0.1\n' >/etc/postfix/main.cf
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

start() {
    mkdir -p "$dir"/{run,log,mail}
    chmod 755 "$dir" "$dir/run"
    make_certificates
    make_user
    chown testmail:testmail "$dir/mail"
    write_dovecot
    write_postfix
    # The daemons let go of our output: a reader of it must not wait for them.
    dovecot_ >"$dir/log/start.log" 2>&1 || { cat "$dir/log/start.log" >&2; exit 1; }
    postfix_ start >"$dir/log/start.log" 2>&1 || { cat "$dir/log/start.log" >&2; stop; exit 1; }
    for _ in $(seq 100); do
        if answers "$submission" && answers "$imaps"; then
            echo "MAIL_SMTP_PORT=$submission"
            echo "MAIL_IMAPS_PORT=$imaps"
            echo "MAIL_CA=$dir/tls/ca.pem"
            return
        fi
        sleep 0.1
    done
    echo "the mail servers did not come up:" >&2
    tail "$dir"/log/* >&2
    stop
    exit 1
}

case $what in
    start) start ;;
    stop) stop ;;
    *) echo "start or stop" >&2; exit 2 ;;
esac
