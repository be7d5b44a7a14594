/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/cursor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t integer_max = UINT64_C(1) << 53;

enum hf_code hf_cursor_load(struct hf_disk *disk, const char *path, uint64_t *ret_seq,
			    struct hf_err *err)
{
	char text[32];
	char *end;
	enum hf_code code = hf_disk_text_read(disk, path, text, sizeof text, err);

	if (code == HF_E_LIMIT)
		return hf_fail(err, HF_E_CORRUPT, "%s holds more than a number", path);
	if (code != HF_OK)
		return code;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno != 0 || text[0] < '0' || text[0] > '9' || value > integer_max ||
	    (strcmp(end, "\n") != 0 && *end != '\0'))
		return hf_fail(err, HF_E_CORRUPT, "%s does not hold a number up to 2^53", path);
	*ret_seq = value;
	return HF_OK;
}

enum hf_code hf_cursor_store(struct hf_disk *disk, const char *path, uint64_t seq,
			     struct hf_err *err)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%llu\n", (unsigned long long)seq);
	return hf_disk_text_replace(disk, path, text, err);
}
