#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# mutants - variants of the real code that are broken in one place: its explorer must see each.
#
# Usage    mutants.sh EXPLORER (WORLD EXPLORER_MUTANT)...   (test/crash/mutants/MUTANT.patch)
# Output   a row a mutant: after how many states it was seen, what was seen first, and the numbers
#          that show it again. In the same states the real code must show nothing.
set -uo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
real=$1
explorer=$(basename "$real")
shift

# shellcheck disable=SC2016  # the inner shell's own $
printf '%s\n' "$@" | xargs -n 2 -P 2 timeout 200 bash -c \
	'"$2" --first 3 "$1" >"$0/$(basename "$2")" 2>&1' "$folder"

missed=0
count=0
worlds=()
printf '%-28s %9s  %s\n' "broken" "states" "seen, and how to see it again"
while [ $# -gt 0 ]; do
	worlds+=("$1")
	name=$(basename "$2")
	shift 2
	count=$((count + 1))
	seen=$(grep -m1 "^$explorer " "$folder/$name")
	states=$(awk '$1 == "all" { print $6 }' "$folder/$name")
	if [ -z "$seen" ]; then
		missed=$((missed + 1))
		seen="NOT SEEN: the explorer is blind to it"
	fi
	printf '%-28s %9s  %s\n' "${name#"${explorer}"_}" "${states:--}" "$seen"
done

mapfile -t worlds < <(printf '%s\n' "${worlds[@]}" | sort -u)
if ! "$real" --first 1 "${worlds[@]}" >"$folder/real" 2>&1; then
	echo "the real code does not pass what the mutants are judged by:"
	cat "$folder/real"
	exit 1
fi
printf '%-28s %9s  nothing\n' "(the real code)" "$(awk '$1 == "all" { print $6 }' "$folder/real")"
[ "$missed" = 0 ] || { echo "$missed of $count not seen"; exit 1; }
echo "all $count seen"
