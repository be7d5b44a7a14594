/* SPDX-License-Identifier: Apache-2.0 */
#include "recover/device_state.h"

#include "base/assert.h"
#include "recover/little.h"

#include <string.h>

enum {
	VERSION = 1,
	FLAG_CLEAN = 1,
	FIXED_BYTES = 4 + 1 + 1 + 8 + 8, /* what comes before the lists */
	LISTS_BYTES_MAX = 2 * (1 + 8 * HF_DEVICE_TIMES_MAX),
};

static const char magic[4] = { 'h', 'f', 'd', 's' };
/* A thousand years: what is more was never counted. */
static const int64_t time_max_ms = INT64_C(1000) * 366 * 24 * 3600 * 1000;

_Static_assert((int)FIXED_BYTES + (int)LISTS_BYTES_MAX + 2 + (int)HF_DEVICE_MACHINE_BYTES <=
		       (int)HF_SLOT_PAYLOAD_BYTES,
	       "a full state fits");

/* --- the shape --- */

static size_t put_times(uint8_t *at, const struct hf_device_times *times)
{
	at[0] = times->count;
	for (size_t i = 0; i < times->count; i++)
		hf_little_put(at + 1 + 8 * i, (uint64_t)times->at_ms[i], 8);
	return 1 + (size_t)8 * times->count;
}

size_t hf_device_state_pack(const struct hf_device_state *state,
			    uint8_t ret_data[HF_SLOT_PAYLOAD_BYTES])
{
	size_t at = FIXED_BYTES;

	HF_ASSERT(state->machine_bytes <= HF_DEVICE_MACHINE_BYTES);
	HF_ASSERT(state->unclean.count <= HF_DEVICE_TIMES_MAX);
	HF_ASSERT(state->crashes.count <= HF_DEVICE_TIMES_MAX);
	memcpy(ret_data, magic, sizeof magic);
	ret_data[4] = VERSION;
	ret_data[5] = state->is_clean ? FLAG_CLEAN : 0;
	hf_little_put(ret_data + 6, (uint64_t)state->on_ms, 8);
	hf_little_put(ret_data + 14, (uint64_t)state->mono_ms, 8);
	at += put_times(ret_data + at, &state->unclean);
	at += put_times(ret_data + at, &state->crashes);
	hf_little_put(ret_data + at, state->machine_bytes, 2);
	at += 2;
	memcpy(ret_data + at, state->machine, state->machine_bytes);
	return at + state->machine_bytes;
}

struct reader {
	const uint8_t *data;
	size_t left;
	bool bad;
};

static uint64_t take(struct reader *reader, size_t size)
{
	if (reader->left < size) {
		reader->bad = true;
		return 0;
	}
	uint64_t value = hf_little_get(reader->data, size);
	reader->data += size;
	reader->left -= size;
	return value;
}

static int64_t take_time(struct reader *reader)
{
	uint64_t value = take(reader, 8);

	if (value > (uint64_t)time_max_ms) {
		reader->bad = true;
		return 0;
	}
	return (int64_t)value;
}

/* Rising, and not in the future. */
static void take_times(struct reader *reader, int64_t on_ms, struct hf_device_times *times)
{
	int64_t before = 0;

	times->count = (uint8_t)take(reader, 1);
	if (times->count > HF_DEVICE_TIMES_MAX) {
		reader->bad = true;
		times->count = 0;
	}
	for (size_t i = 0; i < times->count; i++) {
		times->at_ms[i] = take_time(reader);
		if (times->at_ms[i] < before || times->at_ms[i] > on_ms)
			reader->bad = true;
		before = times->at_ms[i];
	}
}

enum hf_code hf_device_state_unpack(const uint8_t *data, size_t size_bytes,
				    struct hf_device_state *ret_state, struct hf_err *err)
{
	struct reader reader = { .data = data, .left = size_bytes };
	struct hf_device_state state = { 0 };

	if (size_bytes < FIXED_BYTES || memcmp(data, magic, sizeof magic) != 0)
		return hf_fail(err, HF_E_CORRUPT, "no device state");
	(void)take(&reader, sizeof magic);
	uint64_t version = take(&reader, 1), flags = take(&reader, 1);
	if (version != VERSION || flags > FLAG_CLEAN)
		return hf_fail(err, HF_E_CORRUPT, "a device state of version %u, flags %u",
			       (unsigned)version, (unsigned)flags);
	state.is_clean = flags == FLAG_CLEAN;
	state.on_ms = take_time(&reader);
	state.mono_ms = take_time(&reader);
	take_times(&reader, state.on_ms, &state.unclean);
	take_times(&reader, state.on_ms, &state.crashes);
	state.machine_bytes = (size_t)take(&reader, 2);
	if (reader.bad || state.machine_bytes > HF_DEVICE_MACHINE_BYTES ||
	    state.machine_bytes != reader.left)
		return hf_fail(err, HF_E_CORRUPT, "a device state that is cut or out of range");
	memcpy(state.machine, reader.data, state.machine_bytes);
	*ret_state = state;
	return HF_OK;
}

/* --- powered-on time --- */

static int64_t mono_ms(struct hf_mono now)
{
	return now.us > 0 ? now.us / 1000 : 0;
}

int64_t hf_device_on_ms(const struct hf_device_state *state, struct hf_mono now)
{
	int64_t since_ms = mono_ms(now) - state->mono_ms;
	int64_t on_ms = state->on_ms + (since_ms > 0 ? since_ms : 0);

	/* What is stored must be legible again, whatever was read. */
	return on_ms < time_max_ms ? on_ms : time_max_ms;
}

unsigned hf_device_times_within(const struct hf_device_times *times, int64_t on_ms,
				int64_t window_ms)
{
	unsigned count = 0;

	for (size_t i = 0; i < times->count; i++)
		count += on_ms - times->at_ms[i] <= window_ms;
	return count;
}

static void note_time(struct hf_device_times *times, int64_t at_ms)
{
	if (times->count == HF_DEVICE_TIMES_MAX)
		memmove(times->at_ms, times->at_ms + 1, --times->count * sizeof times->at_ms[0]);
	times->at_ms[times->count++] = at_ms;
}

/* --- a start, a stop --- */

enum hf_device_start hf_device_begin(const struct hf_slots_report *report, const char *boot_id,
				     struct hf_mono now, struct hf_device_state *ret_state)
{
	struct hf_device_state state = { 0 };
	enum hf_device_start start = HF_DEVICE_LOST;

	if (report->found == HF_SLOTS_FRESH)
		start = HF_DEVICE_NEW;
	if (report->found == HF_SLOTS_KEPT &&
	    hf_device_state_unpack(report->slot.payload, report->slot.size_bytes, &state, NULL) ==
		    HF_OK) {
		bool same_boot = strcmp(report->slot.boot_id, boot_id) == 0;

		if (!same_boot)
			state.mono_ms = 0;
		start = state.is_clean ? HF_DEVICE_CLEAN
			: same_boot    ? HF_DEVICE_CRASHED
				       : HF_DEVICE_UNCLEAN;
	} else if (report->slot.on_ms <= time_max_ms) {
		/* What is known of a copy that is not legible: it was on at least so long. */
		state.on_ms = report->slot.on_ms;
	}
	state.on_ms = hf_device_on_ms(&state, now);
	state.mono_ms = mono_ms(now);
	state.is_clean = false;
	if (start == HF_DEVICE_CRASHED)
		note_time(&state.crashes, state.on_ms);
	if (start == HF_DEVICE_UNCLEAN)
		note_time(&state.unclean, state.on_ms);
	*ret_state = state;
	return start;
}

void hf_device_end(struct hf_device_state *state)
{
	state->is_clean = true;
}

/* --- a store --- */

bool hf_device_is_due(const struct hf_device_state *state, struct hf_mono now)
{
	return !state->was_stored ||
	       hf_device_on_ms(state, now) - state->stored_on_ms >= HF_DEVICE_STORE_MS;
}

enum hf_code hf_device_store(struct hf_device_state *state, struct hf_slots *slots,
			     struct hf_mono now, struct hf_err *err)
{
	uint8_t data[HF_SLOT_PAYLOAD_BYTES];

	state->on_ms = hf_device_on_ms(state, now);
	if (mono_ms(now) > state->mono_ms)
		state->mono_ms = mono_ms(now);
	state->was_stored = false;
	enum hf_code code =
		hf_slots_store(slots, state->on_ms, data, hf_device_state_pack(state, data), err);
	if (code != HF_OK)
		return code;
	state->was_stored = true;
	state->stored_on_ms = state->on_ms;
	return HF_OK;
}

const char *hf_device_start_name(enum hf_device_start start)
{
	static const char *const names[] = {
		[HF_DEVICE_NEW] = "new",         [HF_DEVICE_CLEAN] = "clean",
		[HF_DEVICE_CRASHED] = "crashed", [HF_DEVICE_UNCLEAN] = "unclean",
		[HF_DEVICE_LOST] = "lost",
	};

	return names[start];
}
