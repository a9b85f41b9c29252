#!/bin/sh
# Hands a mail that came back to Tidings: the command of a Postfix pipe(8) transport. It needs curl, and reads the mail from standard input.
#
#   report-bounce.sh [-c <file>] <recipient>
#
# The file (/etc/tidings/report-bounce.conf by default) has two lines, and only the user of the pipe may read it:
#   URL=https://tidings.example.org/v1/callbacks/email/dsn
#   KEY=<an API key with the scope feedback>
#
# Exit codes (sysexits.h), as pipe(8) reads them:
#   0   Tidings has it
#   65  the mail is too large
#   67  the recipient is no return path of ours
#   75  anything else: Postfix keeps the mail and tries again, so nothing is lost while Tidings is away or badly configured
set -u

refuse() {
  code=$1
  shift
  printf '%s\n' "$*"
  exit "$code"
}
later() { refuse 75 "4.3.0 $*"; }

file=/etc/tidings/report-bounce.conf
if [ "${1-}" = -c ] && [ $# -ge 2 ]; then
  file=$2
  shift 2
fi
[ $# -eq 1 ] || later "report-bounce.sh takes one recipient, and got $#: set <transport>_destination_recipient_limit = 1"
[ -r "$file" ] || later "$file cannot be read by $(id -un)"
command -v curl >/dev/null || later 'curl is not installed'

setting() { sed -n "s/^$1=//p" "$file" | head -n 1 | tr -d '\r'; }
url=$(setting URL)
key=$(setting KEY)
[ -n "$url" ] || later "$file has no line URL="
[ -n "$key" ] || later "$file has no line KEY="

# A + in a query is a space, so it is escaped; a return path of ours has nothing else to escape.
recipient=$(printf '%s' "$1" | sed 's/%/%25/g; s/+/%2B/g; s/ /%20/g; s/&/%26/g; s/#/%23/g')

# The key goes through a file descriptor: arguments are visible to every user of the machine.
answer=$(curl -q --silent --show-error --connect-timeout 10 --max-time 60 --config /dev/fd/3 \
  --header 'content-type: message/rfc822' --header 'expect:' --data-binary @- \
  --write-out '\n%{http_code}' "$url?recipient=$recipient" 2>&1 3<<END
header = "authorization: Bearer $key"
END
) || later "$url cannot be reached: $(printf '%s' "$answer" | tr '\n' ' ')"

status=${answer##*
}
body=$(printf '%s' "${answer%
*}" | tr '\n' ' ' | cut -c 1-300)
case $status in
2??) exit 0 ;;
413) refuse 65 '5.3.4 the report is too large' ;;
400)
  case $body in
  *'"code":"validation_failed"'*) refuse 67 "5.1.1 $1 is no return path of a mail that was sent" ;;
  esac
  ;;
esac
later "$url answered $status: $body"
