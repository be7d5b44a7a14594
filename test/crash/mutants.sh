#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# mutants - variants of the outbox that are broken in one place: the explorer must see each.
#
# Usage    mutants.sh EXPLORER EXPLORER_MUTANT...   (test/crash/mutants/MUTANT.patch)
# Output   a row a mutant: what was seen first, after how many states, and the numbers that
#          show it again. The explorer of the real code must find nothing in the same states.
set -uo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
real=$1
shift

# shellcheck disable=SC2317  # called by xargs
look() { # explorer
	"$1" --first 5 >"$2/$(basename "$1")" 2>&1
}
export -f look
printf '%s\n' "$@" | xargs -P 2 -I{} timeout 300 bash -c 'look "$1" "$2"' look {} "$folder"

missed=0
printf '%-28s %9s  %s\n' "broken" "states" "seen, and how to see it again"
for explorer in "$@"; do
	name=$(basename "$explorer")
	name=${name#outbox_explore_}
	seen=$(grep -m1 '^outbox_explore ' "$folder/outbox_explore_$name")
	states=$(awk '$1 == "all" { print $6 }' "$folder/outbox_explore_$name")
	if [ -z "$seen" ]; then
		missed=$((missed + 1))
		seen="NOT SEEN: the explorer is blind to it"
	fi
	printf '%-28s %9s  %s\n' "$name" "${states:--}" "$seen"
done

if ! "$real" --first 2 >"$folder/real" 2>&1; then
	echo "the real code does not pass what the mutants are judged by:"
	cat "$folder/real"
	exit 1
fi
printf '%-28s %9s  nothing\n' "(the real code)" "$(awk '$1 == "all" { print $6 }' "$folder/real")"
[ "$missed" = 0 ] || { echo "$missed of $# not seen"; exit 1; }
echo "all $# seen"
