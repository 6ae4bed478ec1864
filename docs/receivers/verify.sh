#!/bin/sh
# Verifies one message of Hamlet's webhooks, with openssl:
#
#     verify.sh SECRET ID TIMESTAMP SIGNATURE < body
#
# SECRET is whsec_…; the others are the headers webhook-id, webhook-timestamp and webhook-signature. Ends with 0 and
# prints the body if the message is to be believed, else with 1.
set -eu
[ $# -eq 4 ] || { echo "usage: verify.sh SECRET ID TIMESTAMP SIGNATURE < body" >&2; exit 2; }
secret=$1 id=$2 timestamp=$3 signatures=$4

case $timestamp in '' | *[!0-9]*) echo "the timestamp is no number" >&2; exit 1 ;; esac
age=$(($(date +%s) - timestamp))
if [ "$age" -gt 300 ] || [ "$age" -lt -300 ]; then
  echo "the message is more than five minutes old, or a clock is wrong" >&2
  exit 1
fi

# The signature is about these very bytes, so they go to a file and not into a variable.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/body"
key=$(printf %s "${secret#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
{ printf '%s.%s.' "$id" "$timestamp"; cat "$folder/body"; } > "$folder/signed"
expected=v1,$(openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary "$folder/signed" | openssl base64 -A)

for signature in $signatures; do
  if [ "$signature" = "$expected" ]; then
    cat "$folder/body"
    exit 0
  fi
done
echo "no signature fits" >&2
exit 1
