#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Goal: what bash offers behind the tabulator key is what may stand there.
#
# usage: completion.bash HOLDFAST
set -u
holdfast=$(realpath "$1")
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0

# Loads without complaint, as a login shell would load it.
"$holdfast" completion bash >"$folder/holdfast" || exit 1
# shellcheck disable=SC1091
. "$folder/holdfast" || exit 1
complete -p holdfast >/dev/null || exit 1
cd "$folder" || exit 1
mkdir 'a folder' && touch 'a file.yaml' 'other.yaml'

# offers EXPECTED WORD...: the cursor is at the end of the last word
offers() {
	local expected=$1
	shift
	COMP_WORDS=(holdfast "$@")
	COMP_CWORD=$#
	COMPREPLY=(left over)
	_holdfast
	local seen
	seen=$(IFS=,; echo "${COMPREPLY[*]}")
	[ "$seen" = "$expected" ] && return
	echo "FAILED: holdfast $*: offers \"$seen\", expected \"$expected\""
	failures=$((failures + 1))
}

offers config,completion co
offers status st
offers --help,--version -
offers check,show,example,schema config ''
offers check config ch
offers policy p
offers check,explain,table,simulate,signals,reload,example policy ''
offers --policy,--json,--help policy explain -
offers 'a folder,a file.yaml' config check 'a f'
offers other.yaml config --json check oth
offers --json,--help config check -
offers --help config example -
offers '' config example ''
offers --data status --d
offers 'a folder' status --data a
offers --run status --data x --r
offers 'a folder' outbox verify ''
offers -n,-f,--help outbox tail -
offers '' outbox tail -n ''
offers 'a folder' outbox tail -n 3 a
offers --json,--help outbox gaps -
offers other.yaml detect --score 0.5 oth
offers config,completion help co
offers holdfast.1,holdfast.yaml.5 help --manual ''
offers bash completion b
offers '' nonsense ''

# Every verb, and whatever else --help tells of.
for verb in $("$holdfast" --help | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p' | grep -v '^holdfast'); do
	offers "$verb" "$verb"
	for option in $("$holdfast" help "$verb" | sed -n '/^Options/,/^$/s/^  \(--*[a-z-]*\).*/\1/p'); do
		[ "$option" = -h ] && continue
		"$holdfast" completion bash | grep -q -- "'$verb [a-z]*') _holdfast_words.* $option " || {
			echo "FAILED: $verb $option is not offered"
			failures=$((failures + 1))
		}
	done
done

# The other shells' files parse, where those shells are.
for shell in zsh fish; do
	"$holdfast" completion "$shell" >"$folder/$shell" || failures=$((failures + 1))
	command -v "$shell" >/dev/null || continue
	"$shell" -n "$folder/$shell" || { echo "FAILED: $shell -n"; failures=$((failures + 1)); }
done

[ "$failures" = 0 ] || echo "$failures failed"
[ "$failures" = 0 ]
