/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * device_state - what the supervisor knows of itself over restarts and power cuts: the payload of
 * recover/slots.h.
 *
 * Shape       Little-endian: "hfds", version 1, flags (1: clean), then powered-on time and the
 *             monotonic time it was taken at, both in ms; two lists (a byte with the count, then
 *             that many powered-on times, the oldest first): unclean starts, crashes of the
 *             supervisor; two bytes with the size of the policy machine's state, and that, as
 *             hf_policy_state_pack() made it. It holds the latches, the budgets, the action in
 *             hand, the releases denied and what an operator has overridden (hold, maintenance).
 *
 * Numbers     Powered-on time (on_ms) is how long this unit has run, all boots together. Within a
 *             boot it goes on by CLOCK_MONOTONIC, over restarts of the supervisor too; with
 *             another boot it goes on at the last stored value plus the time since that boot. So
 *             a power cut loses what was on since the last store, HF_DEVICE_STORE_MS at most:
 *             uses look younger than they are, and a budget is refilled later, never sooner. The
 *             wall clock plays no part.
 *
 *             The boot counter is boot/identity.h's. Here only "the same boot or another one" is
 *             asked, by the boot_id in the copy: a stop that was not clean is a crash of the
 *             supervisor in the same boot, and an unclean start (power cut, watchdog, panic) in
 *             another.
 *
 * Order       A start: hf_boot_id_read(), hf_slots_open(), hf_identity_open(),
 *             hf_device_begin(), hf_device_store() - before any worker is started, for it takes
 *             the mark of the clean stop away. Then, whenever the policy asks (out.store), and
 *             when hf_device_is_due(): hf_device_store().
 *             An order of HF_IMPACT_STORED or more: pack the machine's state with the intent in
 *             it, hf_device_store(), and only if that said HF_OK perform it; its outcome goes
 *             into the next store. If it said anything else, tell the machine is_volatile.
 *             An orderly stop: when all else has ended, hf_device_end(), hf_device_store().
 *
 * Owners      The supervisor. Plain, no pointers.
 *
 * Errors      HF_E_CORRUPT from unpack: these bytes are no device state, or of a newer version;
 *             *ret_state is untouched. hf_device_begin() calls that lost.
 */
#include "base/clock.h"
#include "recover/machine.h"
#include "recover/slots.h"

enum {
	HF_DEVICE_STORE_MS = 60000,
	HF_DEVICE_TIMES_MAX = 12,
	HF_DEVICE_MACHINE_BYTES = HF_POLICY_STATE_BYTES,
};

/* Powered-on times, the oldest first; the oldest makes room. */
struct hf_device_times {
	uint8_t count;
	int64_t at_ms[HF_DEVICE_TIMES_MAX];
};

struct hf_device_state {
	bool is_clean;                  /* ended in order */
	int64_t on_ms;                  /* as of mono_ms */
	int64_t mono_ms;                /* of the boot it was stored in */
	struct hf_device_times unclean; /* starts after a boot that did not end in order */
	struct hf_device_times crashes; /* starts after a supervisor that did not, in one boot */
	size_t machine_bytes;           /* 0: the policy has not stored anything yet */
	uint8_t machine[HF_DEVICE_MACHINE_BYTES];
	/* Not stored. */
	bool was_stored;
	int64_t stored_on_ms;
};

enum hf_device_start {
	HF_DEVICE_NEW = 1,
	HF_DEVICE_CLEAN,
	HF_DEVICE_CRASHED, /* the supervisor ended by itself, the machine went on */
	HF_DEVICE_UNCLEAN, /* the machine did not end in order */
	HF_DEVICE_LOST,    /* safe mode: hf_policy_state_lost() */
};

size_t hf_device_state_pack(const struct hf_device_state *state,
			    uint8_t ret_data[HF_SLOT_PAYLOAD_BYTES]);
enum hf_code hf_device_state_unpack(const uint8_t *data, size_t size_bytes,
				    struct hf_device_state *ret_state,
				    struct hf_err *err) HF_MUST_CHECK;

/* The state a start goes on with, the start itself counted; to be stored at once. */
enum hf_device_start hf_device_begin(const struct hf_slots_report *report, const char *boot_id,
				     struct hf_mono now, struct hf_device_state *ret_state);
/* Marks the stop as clean. */
void hf_device_end(struct hf_device_state *state);

/* Powered-on time. */
int64_t hf_device_on_ms(const struct hf_device_state *state, struct hf_mono now);
/* How many of them in the window that ends now. At most HF_DEVICE_TIMES_MAX. */
unsigned hf_device_times_within(const struct hf_device_times *times, int64_t on_ms,
				int64_t window_ms);

bool hf_device_is_due(const struct hf_device_state *state, struct hf_mono now);
/* HF_OK: it survives a power cut, and what it intends may be done. Else as hf_slots_store(); the
 * next try is due at once. */
enum hf_code hf_device_store(struct hf_device_state *state, struct hf_slots *slots,
			     struct hf_mono now, struct hf_err *err) HF_MUST_CHECK;

/* For logs and events: "new", "clean", ... */
const char *hf_device_start_name(enum hf_device_start start);
