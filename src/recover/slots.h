/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * slots - a small state that survives: two copies, of which the older is overwritten.
 *
 * Shape       state/device.0 and state/device.1, HF_SLOT_BYTES each, little-endian:
 *                0  8  magic "hfslot\n\0"
 *                8  4  format: HF_SLOT_FORMAT
 *               12  4  bytes of the payload
 *               16  8  sequence: rises with each store, from 1
 *               24  8  powered-on time of the store, ms
 *               32 36  boot_id of the store, as text; zeros: none yet
 *               68  4  zeros
 *               72     payload, then zeros
 *             4092  4  CRC-32C of all before it
 *             Magic, format, sequence, powered-on time, boot_id, size and CRC stand where they
 *             are in every format to come.
 *
 *             Two files, not one: a medium tears blocks of up to 16 KiB as a whole, and a flush
 *             that failed leaves the whole file in doubt.
 *
 * Durability  hf_slots_store() returns HF_OK when the payload survives a power cut. A cut at any
 *             other time leaves the last one stored, or the one being stored: never an older
 *             one, never none. If later the newest copy rots, the one before it is found and
 *             bad[] says so: what was stored last is then lost, and only that.
 *
 *             An error leaves the copy being written in doubt; the other one is not touched
 *             until it was stored for sure. The file is closed: it is never written or flushed
 *             again by that descriptor. The state is *volatile* then: kept in the run folder
 *             (state.volatile, the same shape), where the next start within this boot finds it,
 *             and tried again with the next store. A disk that cannot be written makes it
 *             volatile from the start.
 *
 *             Each store writes and flushes one block of 4 KiB. Once a minute (HF_DEVICE_STORE_MS)
 *             that is 5.9 MB a day and 2.1 GB a year, and what the file system and the flash add;
 *             a card of 8 GB for 3,000 cycles takes 24 TB.
 *
 * New, lost   New is a unit with nothing of state/boot, identity/device_id and outbox. Both
 *             copies are made, empty, before hf_slots_open() returns, and the caller opens the
 *             slots BEFORE hf_identity_open() leaves the first of these signs: so a power cut in
 *             the first start finds a new unit, or its copies. No copy in a unit that is not new:
 *             HF_SLOTS_LOST. The unit does not go on from defaults then: safe mode, until an
 *             operator has looked. The counters of starts in state/boot are boot/identity.h's and
 *             have a file of their own; they name events, these copies hold what was decided.
 *
 *             A copy of a newer format (a release was rolled back) is intact and not legible. If
 *             it is the newest, an older one that is legible must not be used: it would give back
 *             budgets and drop latches. It is set aside as state/device.newer, for the newer
 *             release, and the state is lost to this one. While it cannot be set aside nothing is
 *             overwritten: volatile.
 *
 * Owners      The supervisor, which holds the lock of boot/data.h. Borrows both disks.
 *
 * Errors      hf_slots_open() fails with HF_E_NOMEM only; all that is wrong with the files is in
 *             the report. hf_slots_store(): HF_E_LIMIT: the payload is too large, nothing was
 *             done. Any other: volatile from now on; call again with the next state.
 */
#include "base/disk.h"
#include "shape/event.h"

enum {
	HF_SLOT_FORMAT = 1,
	HF_SLOT_BYTES = 4096,
	HF_SLOT_HEAD_BYTES = 72,
	HF_SLOT_PAYLOAD_BYTES = HF_SLOT_BYTES - HF_SLOT_HEAD_BYTES - 4,
	HF_SLOTS = 2,
};

#define HF_SLOT_VOLATILE "state.volatile"     /* in the run folder */
#define HF_SLOT_NEWER    "state/device.newer" /* in the data folder */

struct hf_slots;

/* One copy, read. */
struct hf_slot {
	uint32_t format;
	uint64_t sequence;
	int64_t on_ms;
	char boot_id[HF_BOOT_ID_BYTES];
	size_t size_bytes;
	uint8_t payload[HF_SLOT_PAYLOAD_BYTES];
};

struct hf_slots_options {
	struct hf_disk *disk; /* the data folder */
	struct hf_disk *run;  /* the run folder; NULL: none */
	const char *boot_id;  /* the boot we are in: hf_boot_id_read() */
};

enum hf_slots_found {
	HF_SLOTS_KEPT = 1,
	HF_SLOTS_FRESH, /* a new unit, or one that has not stored anything yet */
	HF_SLOTS_LOST,
};

struct hf_slots_report {
	enum hf_slots_found found;
	bool bad[HF_SLOTS];  /* there, or should be, and of no use: an event */
	bool newer_format;   /* the newest copy is of a newer release: lost */
	bool is_newer_aside; /* it was set aside */
	bool from_volatile;  /* of this boot, never stored: it is still volatile */
	char why[HF_SLOTS][HF_ERR_TEXT_BYTES_MAX];
	struct hf_slot slot; /* KEPT: the state. LOST: on_ms as far as it is known, else 0 */
};

/* What the bytes of a copy say. HF_E_CORRUPT: they do not verify. HF_E_INVALID: they do, but are
 * of a newer format: all but the payload is filled in. */
enum hf_code hf_slot_decode(const uint8_t *data, size_t size_bytes, struct hf_slot *ret_slot,
			    struct hf_err *err) HF_MUST_CHECK;
void hf_slot_encode(const struct hf_slot *slot, uint8_t ret_data[HF_SLOT_BYTES]);

enum hf_code hf_slots_open(const struct hf_slots_options *options, struct hf_slots **ret_slots,
			   struct hf_slots_report *ret_report, struct hf_err *err) HF_MUST_CHECK;
void hf_slots_close(struct hf_slots *slots); /* NULL is fine; stores nothing */

enum hf_code hf_slots_store(struct hf_slots *slots, int64_t on_ms, const void *payload,
			    size_t size_bytes, struct hf_err *err) HF_MUST_CHECK;

/* The state is not on the disk. why: the last error; "" when it is not volatile. */
bool hf_slots_is_volatile(const struct hf_slots *slots);
const char *hf_slots_volatile_why(const struct hf_slots *slots);
