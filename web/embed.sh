#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed.sh OUTPUT PATH=FILE... - C source with the bytes of each file, served under PATH.
# Needs only od and sed, which every system that can build has.
set -eu

output=$1
shift
exec >"$output"
echo '/* Made by web/embed.sh. */'
echo '#include "hub/assets.h"'

n=0
for pair in "$@"; do
	echo "static const unsigned char data_$n[] = {"
	od -An -v -tu1 "${pair#*=}" | sed 's/  *\([0-9]\)/\1/; s/  */,/g; s/$/,/'
	echo '};'
	n=$((n + 1))
done

echo 'const struct hf_asset hf_assets[] = {'
n=0
for pair in "$@"; do
	case $pair in
	*.html) type='text/html; charset=utf-8' ;;
	*.css) type='text/css; charset=utf-8' ;;
	*.js) type='text/javascript; charset=utf-8' ;;
	*.svg) type='image/svg+xml' ;;
	*)
		echo "embed.sh: no content type for $pair" >&2
		exit 1
		;;
	esac
	echo "	{ \"${pair%%=*}\", \"$type\", data_$n, sizeof data_$n },"
	n=$((n + 1))
done
echo '};'
echo 'const size_t hf_asset_count = sizeof hf_assets / sizeof hf_assets[0];'
