#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Goal: the manual pages leave out nothing that the programs take.
#
# usage: manual.sh HOLDFAST HOLDFASTD HOLDFAST_HUB HOLDFAST.1 HOLDFAST.YAML.5 HOLDFASTD.8 HOLDFAST-HUB.8
set -u
holdfast=$1 holdfastd=$2 hub=$3 page_1=$4 page_5=$5 page_d=$6 page_hub=$7
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0

# plain PAGE: roff without its marks
plain() { sed -e 's/\\f[BIR]//g' -e 's/\\-/-/g' -e 's/\\&//g' -e 's/\\(ti/~/g' "$1"; }
fail() {
	echo "FAILED: $1"
	failures=$((failures + 1))
}
# has FILE WORD
has() { grep -qF -- "$2" "$1" || fail "$1 lacks: $2"; }

plain "$page_1" >"$folder/holdfast"
plain "$page_5" >"$folder/settings"
plain "$page_d" >"$folder/holdfastd"
plain "$page_hub" >"$folder/hub"
for page in "$folder"/*; do
	[ "$(wc -l <"$page")" -gt 50 ] || fail "$page is too short"
done

verbs=$("$holdfast" --help | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p' | grep -v '^holdfast')
[ "$(echo "$verbs" | wc -l)" -ge 7 ] || fail "verbs: $verbs"
for verb in $verbs; do
	has "$folder/holdfast" "holdfast $verb"
	for option in $("$holdfast" help "$verb" | sed -n '/^Options/,/^$/s/^  \(--*[a-z-]*\).*/\1/p'); do
		[ "$option" = -h ] || has "$folder/holdfast" "$option"
	done
done

# Every line of the example that sets something, commented out or not: "  # key: value".
"$holdfast" config example | sed -n 's/^ *-* *#* \{0,1\}\([a-z_0-9]*\): .*/\1/p' | sort -u >"$folder/keys"
[ "$(wc -l <"$folder/keys")" -gt 50 ] || fail "keys: $(cat "$folder/keys")"
while read -r key; do
	# A setting of a list stands alone, one of the unit behind its section.
	grep -q "^\(.*\.\)\{0,1\}$key$" "$folder/settings" || fail "holdfast.yaml.5 lacks: $key"
done <"$folder/keys"

for key in loitering points; do
	grep -qx "$key" "$folder/settings" || fail "holdfast.yaml.5 lacks: $key of a zone"
done

for option in $("$holdfastd" --help | grep -o -- '--[a-z-]*' | sort -u); do
	has "$folder/holdfastd" "$option"
done
for option in $("$hub" --help | grep -o -- '--[a-z-]*' | sort -u); do
	has "$folder/hub" "$option"
done

[ "$failures" = 0 ] || echo "$failures failed"
[ "$failures" = 0 ]
