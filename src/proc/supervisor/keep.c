/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unit knows of itself from one run to the next: what the policy remembers, how long it
 * has been powered on, and whether it was told to end. Written before what it is about is done.
 */
#include "proc/supervisor/supervisor.h"

#include "base/auto.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

enum {
	STORE_EVERY_MS = 60 * 1000, /* powered-on time: at most so much of it is lost */
	UNCLEAN_KEPT = 8,
	UNCLEAN_WINDOW_MS = 30 * 60 * 1000,
};

static const char magic[4] = { 'h', 'f', 'K', '1' };

struct record {
	char magic[4];
	uint8_t clean;
	uint8_t unclean_count;
	uint16_t size_bytes;
	int64_t unclean_ms[UNCLEAN_KEPT];
	uint8_t packed[HF_POLICY_STATE_BYTES];
	uint32_t crc;
};

struct keep {
	char path[HF_PATH_BYTES + 32];
	struct record record;
	struct hf_mono stored;
	struct hf_mono failed; /* 0: the last store worked */
};

static uint32_t crc_of(const struct record *record)
{
	return hf_crc32c(0, record, offsetof(struct record, crc));
}

void keep_store(struct supervisor *supervisor)
{
	struct governor *governor = supervisor->governor;
	struct keep *keep = governor->keep;
	struct hf_err err;

	keep->record.size_bytes = (uint16_t)hf_policy_state_pack(
		&governor->policy, &governor->state, keep->record.packed);
	keep->record.crc = crc_of(&keep->record);
	keep->stored = hf_mono_now(supervisor->clock);
	if (hf_file_replace(keep->path, &keep->record, sizeof keep->record, 0600, &err) == HF_OK) {
		if (governor->is_volatile)
			hf_log(HF_LOG_INFO, "state_stored_again", "path=%s", keep->path);
		governor->is_volatile = false;
		return;
	}
	if (!governor->is_volatile)
		hf_log(HF_LOG_ERROR, "state_not_stored",
		       "why=\"%s\": kept in memory; nothing that could not be remembered is done",
		       err.text);
	governor->is_volatile = true;
}

static enum hf_code load(struct supervisor *supervisor, struct hf_err *err)
{
	struct governor *governor = supervisor->governor;
	struct keep *keep = governor->keep;
	char *data = NULL;
	size_t size = 0;
	enum hf_code code = hf_file_read(keep->path, sizeof keep->record, &data, &size, err);

	if (code != HF_OK)
		return code;
	if (size == sizeof keep->record)
		memcpy(&keep->record, data, size);
	free(data);
	if (size != sizeof keep->record || memcmp(keep->record.magic, magic, sizeof magic) != 0 ||
	    keep->record.crc != crc_of(&keep->record) ||
	    keep->record.size_bytes > HF_POLICY_STATE_BYTES ||
	    keep->record.unclean_count > UNCLEAN_KEPT)
		return hf_fail(err, HF_E_CORRUPT, "%s is damaged", keep->path);
	return hf_policy_state_unpack(&governor->policy, keep->record.packed,
				      keep->record.size_bytes, &governor->state, err);
}

static void note_unclean(struct keep *keep, int64_t now_ms)
{
	struct record *record = &keep->record;

	if (record->unclean_count == UNCLEAN_KEPT) {
		memmove(record->unclean_ms, record->unclean_ms + 1,
			sizeof record->unclean_ms - sizeof *record->unclean_ms);
		record->unclean_count--;
	}
	record->unclean_ms[record->unclean_count++] = now_ms;
}

static uint32_t recent_unclean(const struct keep *keep, int64_t now_ms)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < keep->record.unclean_count; i++)
		count += now_ms - keep->record.unclean_ms[i] < UNCLEAN_WINDOW_MS ? 1 : 0;
	return count;
}

enum hf_code keep_open(struct supervisor *supervisor, struct hf_err *err)
{
	struct governor *governor = supervisor->governor;
	struct keep *keep = calloc(1, sizeof *keep);
	struct hf_err why;

	if (keep == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	governor->keep = keep;
	(void)snprintf(keep->path, sizeof keep->path, "%s/state/device", supervisor->data.path);
	hf_policy_state_fresh(&governor->state);
	enum hf_code code = load(supervisor, &why);
	bool is_new = code == HF_E_NOENT && supervisor->identity.run <= 1;
	if (code == HF_OK && keep->record.clean == 0)
		note_unclean(keep, governor->state.now_ms);
	if (code != HF_OK) {
		memset(&keep->record, 0, sizeof keep->record);
		memcpy(keep->record.magic, magic, sizeof magic);
	}
	if (code != HF_OK && !is_new) {
		hf_log(HF_LOG_ERROR, "state_lost",
		       "why=\"%s\": safe mode until somebody has looked", why.text);
		hf_policy_state_lost(&governor->state);
		governor->state_lost = true;
	}
	governor->base_ms = governor->state.now_ms;
	governor->unclean_starts = recent_unclean(keep, governor->base_ms);
	keep->record.clean = 0;
	keep_store(supervisor);
	return HF_OK;
}

void keep_tick(struct supervisor *supervisor)
{
	struct keep *keep = supervisor->governor->keep;

	if (hf_mono_before(hf_mono_now(supervisor->clock),
			   hf_mono_add_ms(keep->stored, STORE_EVERY_MS)))
		return;
	supervisor->governor->unclean_starts =
		recent_unclean(keep, supervisor->governor->state.now_ms);
	keep_store(supervisor);
}

void keep_close(struct supervisor *supervisor, bool clean)
{
	struct keep *keep = supervisor->governor->keep;

	if (keep == NULL)
		return;
	keep->record.clean = clean;
	if (clean)
		keep_store(supervisor);
	free(keep);
	supervisor->governor->keep = NULL;
}
