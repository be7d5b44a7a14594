/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bits of a running detector's weights go over, as in memory that fails: its file on the disk is
 * what it was, and so is every hash.
 *
 * Method: a few of the weights that stand side by side in the network's file are looked for, as
 * numbers, in the memory of the process: a runtime lays them out anew for its processor, and may
 * keep them more than once, but each stays the number it is, with others beside it. Nothing but
 * those is changed, while the process is stopped, for less than its heartbeat allows.
 */
#include "cli/drill.h"

#include "base/auto.h"
#include "cli/hired.h"
#include "infer/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	WINDOW = 4096, /* of the file, in numbers: within one tensor */
	WEIGHTS_MAX = 64,
	CHUNK_BYTES = 1 << 20,
	FILTER_BITS = 1 << 16,
	WORD_BYTES = 4,
	SHARE_PERCENT = 95, /* of a window that look like weights */
	LINE_BYTES = 512,
};

static const uint32_t sign_bit = UINT32_C(0x80000000);
static const uint32_t not_a_number = UINT32_C(0x7fc00000);

struct drill_weights {
	uint32_t words[WEIGHTS_MAX]; /* in order */
	size_t count;
	uint8_t filter[FILTER_BITS / 8];
};

static uint32_t filter_bit(uint32_t word)
{
	return (word ^ word >> 16) & (FILTER_BITS - 1);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x < y ? -1 : x > y;
}

static uint32_t word_at(const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof word);
	return word;
}

/* Of a size that weights have. */
static bool is_weight(uint32_t word)
{
	float value;

	memcpy(&value, &word, sizeof value);
	return isfinite(value) && fabsf(value) > 1e-6F && fabsf(value) < 8;
}

static void take_weights(struct drill_weights *weights, const uint8_t *at)
{
	weights->count = 0;
	for (size_t i = 0; i < WINDOW && weights->count < WEIGHTS_MAX; i++)
		if (is_weight(word_at(at + WORD_BYTES * i)))
			weights->words[weights->count++] = word_at(at + WORD_BYTES * i);
	qsort(weights->words, weights->count, sizeof weights->words[0], by_value);
	for (size_t i = 0; i < weights->count; i++) {
		uint32_t bit = filter_bit(weights->words[i]);

		weights->filter[bit / 8] = (uint8_t)(weights->filter[bit / 8] | 1U << bit % 8);
	}
}

/* From the middle on, the first window that holds hardly anything else. A tensor in the file begins
 * at any byte. */
static bool find_window(const uint8_t *model, size_t size_bytes, struct drill_weights *ret_weights)
{
	for (size_t at = size_bytes / 2; at + WORD_BYTES * WINDOW <= size_bytes; at++) {
		size_t good = 0;

		for (size_t i = 0; i < WINDOW; i++) {
			good += is_weight(word_at(model + at + WORD_BYTES * i));
			/* Most are seen to be none after a few. */
			if (i == WINDOW / 64 && good * 2 < i)
				break;
		}
		if (good * 100 >= (size_t)WINDOW * SHARE_PERCENT) {
			take_weights(ret_weights, model + at);
			return true;
		}
	}
	return false;
}

struct drill_weights *drill_find_weights(struct drill *drill)
{
	struct hf_hired_tree tree;
	struct hf_pack pack;
	char folder[HF_PATH_BYTES + sizeof "/model"] = "";
	HF_AUTO_FREE uint8_t *model = NULL;
	HF_AUTO_FREE struct drill_weights *weights = calloc(1, sizeof *weights);
	size_t size_bytes = 0;
	struct hf_err err;
	enum hf_code code = weights != NULL ? hf_hired_find_tree(&tree, &err)
					    : hf_fail(&err, HF_E_NOMEM, "out of memory");

	if (code == HF_OK) {
		(void)snprintf(folder, sizeof folder, "%s/model", tree.share);
		code = hf_pack_open(folder, &pack, &err);
	}
	if (code == HF_OK)
		code = hf_pack_read_model(&pack, &model, &size_bytes, &err);
	if (code != HF_OK) {
		drill_fail(drill, "%s", err.text);
		return NULL;
	}
	if (!find_window(model, size_bytes, weights)) {
		drill_skip(drill, "no weights that can be told were found in %s", folder);
		return NULL;
	}
	return HF_TAKE(weights);
}

static bool is_chosen(const struct drill_weights *weights, uint32_t word)
{
	uint32_t bit = filter_bit(word);

	return (weights->filter[bit / 8] & 1U << bit % 8) != 0 &&
	       bsearch(&word, weights->words, weights->count, sizeof word, by_value) != NULL;
}

static uint32_t damaged(uint32_t word, enum drill_damage damage)
{
	return damage == DRILL_DAMAGE_SIGN ? word ^ sign_bit : word | not_a_number;
}

/* What is no weight has hardly two beside it: the half of a pointer, a length. */
static int64_t damage_chunk(uint8_t *chunk, size_t bytes, const struct drill_weights *weights,
			    enum drill_damage damage)
{
	bool beside = is_weight(word_at(chunk));
	int64_t changed = 0;

	for (size_t i = WORD_BYTES; i + 2 * WORD_BYTES <= bytes; i += WORD_BYTES) {
		uint32_t word = word_at(chunk + i);
		bool chosen = beside && is_chosen(weights, word) &&
			      is_weight(word_at(chunk + i + WORD_BYTES));

		beside = is_weight(word);
		if (!chosen)
			continue;
		word = damaged(word, damage);
		memcpy(chunk + i, &word, sizeof word);
		changed++;
	}
	return changed;
}

/* The number changed; -1: its memory may not be written. */
static int64_t damage_range(int fd, uint64_t from, uint64_t to, const struct drill_weights *weights,
			    enum drill_damage damage, uint8_t *chunk)
{
	int64_t sum = 0;

	for (uint64_t at = from; at < to; at += CHUNK_BYTES) {
		size_t bytes = to - at < CHUNK_BYTES ? (size_t)(to - at) : CHUNK_BYTES;
		ssize_t got = pread(fd, chunk, bytes, (off_t)at);
		int64_t changed = got > 0 ? damage_chunk(chunk, (size_t)got, weights, damage) : 0;

		if (changed > 0 && pwrite(fd, chunk, (size_t)got, (off_t)at) != got)
			return -1;
		sum += changed;
	}
	return sum;
}

/* What it has written itself: no file of which others see the pages. */
static bool is_own_memory(const char *line, uint64_t *ret_from, uint64_t *ret_to)
{
	char rights[8], path[LINE_BYTES] = "";

	return sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*s %*s %*s %500s", ret_from, ret_to,
		      rights, path) >= 3 &&
	       strcmp(rights, "rw-p") == 0 && (path[0] == '\0' || strcmp(path, "[heap]") == 0);
}

static int64_t damage_all(pid_t pid, const struct drill_weights *weights, enum drill_damage damage)
{
	char path[64], line[LINE_BYTES];
	HF_AUTO_FREE uint8_t *chunk = malloc(CHUNK_BYTES);
	int64_t changed = 0;
	uint64_t from, to;

	(void)snprintf(path, sizeof path, "/proc/%d/mem", pid);
	HF_AUTO_FD fd = open(path, O_RDWR | O_CLOEXEC);
	(void)snprintf(path, sizeof path, "/proc/%d/maps", pid);
	FILE *maps = fopen(path, "re");
	if (chunk == NULL || fd < 0 || maps == NULL)
		changed = -1;
	while (changed >= 0 && fgets(line, sizeof line, maps) != NULL) {
		if (!is_own_memory(line, &from, &to))
			continue;
		int64_t more = damage_range(fd, from, to, weights, damage, chunk);
		changed = more >= 0 ? changed + more : -1;
	}
	if (maps != NULL)
		(void)fclose(maps);
	return changed;
}

bool drill_damage_weights(struct drill *drill, const struct drill_weights *weights, pid_t pid,
			  enum drill_damage damage)
{
	(void)kill(pid, SIGSTOP);
	int64_t changed = damage_all(pid, weights, damage);
	int error = errno;

	(void)kill(pid, SIGCONT);
	if (changed < 0)
		drill_skip(drill, "the memory of %d may not be written here: %s", pid,
			   strerror(error));
	else if (changed == 0)
		drill_skip(drill, "the runtime keeps the weights in another form here");
	else
		drill_fact(drill, DRILL_FAULT, drill_now_ms(), "%" PRId64 " weights are others",
			   changed);
	return changed > 0;
}
