#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed.sh OUTPUT FILE - the bytes of the default policy as C source: `holdfast policy` knows them
# wherever it lies.
set -eu

exec >"$1"
echo '/* Made by src/boot/embed.sh. */'
echo '#include "boot/policy.h"'
echo 'static const unsigned char bytes[] = {'
od -An -v -tu1 "$2" | sed 's/  *\([0-9]\)/\1/; s/  */,/g; s/$/,/'
cat <<'END'
0 };
const char *hf_policy_standard(size_t *ret_size_bytes)
{
	*ret_size_bytes = sizeof bytes - 1;
	return (const char *)bytes;
}
END
