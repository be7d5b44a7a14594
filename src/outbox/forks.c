/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/forks.h"

#include <stdio.h>
#include <string.h>

enum {
	LINE_BYTES_MAX = 128,
	TEXT_BYTES_MAX = HF_FORKS_MAX * LINE_BYTES_MAX,
};

static const uint64_t integer_max = UINT64_C(1) << 53;

static bool is_epoch(const char *text)
{
	return strlen(text) == HF_EPOCH_BYTES - 1 &&
	       strspn(text, "0123456789abcdef") == HF_EPOCH_BYTES - 1;
}

static bool parse(const char *line, struct hf_fork *fork)
{
	unsigned long long from, at;
	unsigned told;
	int end = 0;

	/* A line before may have left something here. */
	memset(fork, 0, sizeof *fork);
	if (sscanf(line, "%16s %16s %16llu %23s %16llu %1u%n", fork->next, fork->left, &from,
		   fork->reason, &at, &told, &end) != 6 ||
	    line[end] != '\0' || !is_epoch(fork->next) || !is_epoch(fork->left) ||
	    strcmp(fork->next, fork->left) == 0 || from == 0 || from > integer_max ||
	    at > integer_max || told > 1)
		return false;
	fork->from = from;
	fork->at = at;
	fork->told = told == 1;
	return true;
}

enum hf_code hf_forks_load(struct hf_disk *disk, struct hf_forks *ret_forks, struct hf_err *err)
{
	char text[TEXT_BYTES_MAX + 1];
	char *rest = text, *line;
	enum hf_code code = hf_disk_text_read(disk, HF_FORKS_PATH, text, sizeof text, err);

	memset(ret_forks, 0, sizeof *ret_forks);
	if (code == HF_E_NOENT)
		return HF_OK;
	if (code == HF_E_LIMIT) {
		ret_forks->lines_bad = 1;
		return HF_OK;
	}
	if (code != HF_OK)
		return code;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (ret_forks->count < HF_FORKS_MAX &&
		    parse(line, &ret_forks->list[ret_forks->count]))
			ret_forks->count++;
		else if (*line != '\0')
			ret_forks->lines_bad++;
	return HF_OK;
}

enum hf_code hf_forks_store(struct hf_disk *disk, const struct hf_forks *forks, struct hf_err *err)
{
	char text[TEXT_BYTES_MAX + 1] = "";
	size_t size = 0;

	for (size_t i = 0; i < forks->count; i++) {
		const struct hf_fork *fork = &forks->list[i];

		size += (size_t)snprintf(text + size, sizeof text - size, "%s %s %llu %s %llu %d\n",
					 fork->next, fork->left, (unsigned long long)fork->from,
					 fork->reason, (unsigned long long)fork->at,
					 fork->told ? 1 : 0);
	}
	return hf_disk_text_replace(disk, HF_FORKS_PATH, text, err);
}

const char *hf_forks_stream(const struct hf_forks *forks, const char *epoch, uint64_t seq)
{
	/* Oldest first: a redraw leaves an epoch that an earlier one drew. */
	for (size_t i = 0; i < forks->count; i++)
		if (seq >= forks->list[i].from && strcmp(forks->list[i].left, epoch) == 0)
			epoch = forks->list[i].next;
	return epoch;
}

struct hf_fork *hf_forks_left(struct hf_forks *forks, const char *epoch)
{
	for (size_t i = 0; i < forks->count; i++)
		if (strcmp(forks->list[i].left, epoch) == 0)
			return &forks->list[i];
	return NULL;
}
