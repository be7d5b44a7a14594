/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: a start flushes both files and their folder, drops what is cached of them, and reads.
 * Only then is what it sees what the medium has: else a copy whose flush failed for the process
 * before us could pass for stored, and the next store would overwrite the one that is. The newest
 * intact copy wins; the other is the target of the next store, and stays it until a store of it
 * has succeeded.
 */
#include "recover/slots.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "recover/little.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FORMAT_AT = 8,
	SIZE_AT = 12,
	SEQUENCE_AT = 16,
	ON_AT = 24,
	BOOT_ID_AT = 32,
	CRC_AT = HF_SLOT_BYTES - 4,
};

#define STATE_FOLDER "state"

static const char magic[] = "hfslot\n"; /* with its NUL */
_Static_assert(sizeof magic == FORMAT_AT, "eight bytes");
static const char *const slot_paths[HF_SLOTS] = { STATE_FOLDER "/device.0",
						  STATE_FOLDER "/device.1" };
static const uint64_t sequence_max = UINT64_C(1) << 62;

struct hf_slots {
	struct hf_disk *disk;
	struct hf_disk *run;
	char boot_id[HF_BOOT_ID_BYTES];
	uint64_t sequence;
	unsigned target;             /* the copy to be written next */
	bool is_target_new;          /* made by us, and no store of it has succeeded so far */
	int file;                    /* of the target, once it is open; -1 */
	bool is_name_safe[HF_SLOTS]; /* a power cut does not take it */
	bool must_set_aside;         /* the copy of a newer format, first */
	unsigned newer;              /* which one it is */
	bool is_volatile;
	bool has_volatile_file;
	char why[HF_ERR_TEXT_BYTES_MAX];
	uint8_t image[HF_SLOT_BYTES];
};

/* --- the shape --- */

void hf_slot_encode(const struct hf_slot *slot, uint8_t ret_data[HF_SLOT_BYTES])
{
	HF_ASSERT(slot->size_bytes <= HF_SLOT_PAYLOAD_BYTES);
	memset(ret_data, 0, HF_SLOT_BYTES);
	memcpy(ret_data, magic, sizeof magic);
	hf_little_put(ret_data + FORMAT_AT, slot->format, 4);
	hf_little_put(ret_data + SIZE_AT, slot->size_bytes, 4);
	hf_little_put(ret_data + SEQUENCE_AT, slot->sequence, 8);
	hf_little_put(ret_data + ON_AT, (uint64_t)slot->on_ms, 8);
	memcpy(ret_data + BOOT_ID_AT, slot->boot_id, strnlen(slot->boot_id, HF_BOOT_ID_BYTES - 1));
	if (slot->size_bytes > 0)
		memcpy(ret_data + HF_SLOT_HEAD_BYTES, slot->payload, slot->size_bytes);
	hf_little_put(ret_data + CRC_AT, hf_crc32c(0, ret_data, CRC_AT), 4);
}

enum hf_code hf_slot_decode(const uint8_t *data, size_t size_bytes, struct hf_slot *ret_slot,
			    struct hf_err *err)
{
	if (size_bytes != HF_SLOT_BYTES)
		return hf_fail(err, HF_E_CORRUPT, "%zu bytes instead of %d", size_bytes,
			       HF_SLOT_BYTES);
	if (hf_little_get(data + CRC_AT, 4) != hf_crc32c(0, data, CRC_AT))
		return hf_fail(err, HF_E_CORRUPT, "its checksum is wrong");
	if (memcmp(data, magic, sizeof magic) != 0)
		return hf_fail(err, HF_E_CORRUPT, "it does not begin with the right bytes");

	struct hf_slot slot = {
		.format = (uint32_t)hf_little_get(data + FORMAT_AT, 4),
		.size_bytes = (size_t)hf_little_get(data + SIZE_AT, 4),
		.sequence = hf_little_get(data + SEQUENCE_AT, 8),
		.on_ms = (int64_t)hf_little_get(data + ON_AT, 8),
	};
	memcpy(slot.boot_id, data + BOOT_ID_AT, HF_BOOT_ID_BYTES - 1);
	if (slot.format == 0 || slot.sequence == 0 || slot.sequence > sequence_max ||
	    slot.on_ms < 0 || slot.on_ms > INT64_MAX / 2 || slot.size_bytes > HF_SLOT_PAYLOAD_BYTES)
		return hf_fail(err, HF_E_CORRUPT, "a number in it is out of range");
	if (slot.format > HF_SLOT_FORMAT) {
		slot.size_bytes = 0;
		*ret_slot = slot;
		return hf_fail(err, HF_E_INVALID, "it was written by a newer release (format %u)",
			       (unsigned)slot.format);
	}
	memcpy(slot.payload, data + HF_SLOT_HEAD_BYTES, slot.size_bytes);
	*ret_slot = slot;
	return HF_OK;
}

/* --- a start --- */

enum copy_kind {
	COPY_MISSING,
	COPY_BAD,
	COPY_NEWER, /* intact, of a newer format */
	COPY_GOOD,
};

struct copy {
	enum copy_kind kind;
	struct hf_slot slot;
};

static enum hf_code read_image(struct hf_disk *disk, const char *path, bool settle,
			       uint8_t ret_data[HF_SLOT_BYTES], size_t *ret_bytes,
			       struct hf_err *err)
{
	struct hf_err ignored;
	int file;
	enum hf_code code = hf_disk_open(disk, path, HF_DISK_READ, &file, err);

	if (code != HF_OK)
		return code;
	/* A flush that fails here has dropped what it could not write: what is read then is what
	 * the medium has, all the same. */
	if (settle) {
		(void)!hf_disk_sync(disk, file, &ignored);
		hf_disk_forget(disk, file);
	}
	code = hf_disk_read(disk, file, 0, ret_data, HF_SLOT_BYTES, ret_bytes, err);
	hf_disk_close(disk, file);
	return code;
}

static struct copy read_copy(struct hf_disk *disk, const char *path, bool settle,
			     char ret_why[HF_ERR_TEXT_BYTES_MAX])
{
	struct copy copy = { .kind = COPY_BAD };
	struct hf_err err = { 0 };
	uint8_t data[HF_SLOT_BYTES];
	size_t size = 0;
	enum hf_code code = read_image(disk, path, settle, data, &size, &err);

	if (code == HF_E_NOENT)
		copy.kind = COPY_MISSING;
	if (code == HF_OK) {
		code = hf_slot_decode(data, size, &copy.slot, &err);
		if (code == HF_OK)
			copy.kind = COPY_GOOD;
		else if (code == HF_E_INVALID)
			copy.kind = COPY_NEWER;
	}
	if (code != HF_OK)
		(void)snprintf(ret_why, HF_ERR_TEXT_BYTES_MAX, "%s: %.400s", path, err.text);
	return copy;
}

static bool is_there(struct hf_disk *disk, const char *path)
{
	struct hf_err ignored;
	int file;
	enum hf_code code = hf_disk_open(disk, path, HF_DISK_READ, &file, &ignored);

	if (code == HF_OK)
		hf_disk_close(disk, file);
	return code != HF_E_NOENT;
}

static bool nothing(void *context, const struct hf_disk_entry *entry)
{
	(void)context;
	(void)entry;
	return false;
}

/* The signs of a start that came as far as its identity. One that cannot be told counts. */
static bool is_new_unit(struct hf_disk *disk)
{
	static const struct hf_disk_lister lister = { .entry = nothing };
	struct hf_err ignored;

	return !is_there(disk, "state/boot") && !is_there(disk, "identity/device_id") &&
	       hf_disk_list(disk, "outbox", &lister, &ignored) == HF_E_NOENT;
}

/* The index of the newest copy that is intact, legible or not; HF_SLOTS: there is none. */
static unsigned newest_of(const struct copy copies[HF_SLOTS])
{
	unsigned newest = HF_SLOTS;

	for (unsigned i = 0; i < HF_SLOTS; i++)
		if (copies[i].kind >= COPY_NEWER &&
		    (newest == HF_SLOTS || copies[i].slot.sequence > copies[newest].slot.sequence))
			newest = i;
	return newest;
}

static void judge(struct hf_slots *slots, const struct copy copies[HF_SLOTS],
		  struct hf_slots_report *report)
{
	unsigned newest = newest_of(copies);
	bool is_new = is_new_unit(slots->disk);

	/* While nothing was ever stored the second copy may not be there yet. */
	bool may_miss = newest == HF_SLOTS ? is_new
					   : copies[newest].kind == COPY_GOOD &&
						     copies[newest].slot.size_bytes == 0;

	for (unsigned i = 0; i < HF_SLOTS; i++)
		report->bad[i] =
			copies[i].kind == COPY_BAD || (copies[i].kind == COPY_MISSING && !may_miss);
	if (newest == HF_SLOTS) {
		/* Bytes that do not verify, and no other sign of a life before: the cut came while
		 * the first copy was made. */
		report->found = is_new ? HF_SLOTS_FRESH : HF_SLOTS_LOST;
		return;
	}
	slots->target = 1 - newest;
	slots->sequence = copies[newest].slot.sequence;
	report->slot = copies[newest].slot;
	if (copies[newest].kind == COPY_NEWER) {
		report->found = HF_SLOTS_LOST;
		report->newer_format = true;
		slots->must_set_aside = true;
		slots->newer = newest;
	} else {
		report->found = report->slot.size_bytes > 0 ? HF_SLOTS_KEPT : HF_SLOTS_FRESH;
	}
}

static void become_volatile(struct hf_slots *slots, const struct hf_err *err)
{
	slots->is_volatile = true;
	(void)snprintf(slots->why, sizeof slots->why, "%s", err->text);
}

/* What this boot could not store; a file of another boot, or one that was stored since, is old. */
static void take_volatile(struct hf_slots *slots, struct hf_slots_report *report)
{
	char why[HF_ERR_TEXT_BYTES_MAX];

	if (slots->run == NULL)
		return;
	struct copy copy = read_copy(slots->run, HF_SLOT_VOLATILE, false, why);

	slots->has_volatile_file = copy.kind != COPY_MISSING;
	if (copy.kind != COPY_GOOD || strcmp(copy.slot.boot_id, slots->boot_id) != 0 ||
	    copy.slot.sequence <= slots->sequence)
		return;
	slots->sequence = copy.slot.sequence;
	report->slot = copy.slot;
	report->found = HF_SLOTS_KEPT;
	report->from_volatile = true;
	become_volatile(slots, &(struct hf_err){ .text = "it could not be stored before" });
}

/* --- a store --- */

static void spend(struct hf_slots *slots)
{
	if (slots->file >= 0)
		hf_disk_close(slots->disk, slots->file);
	slots->file = -1;
}

static enum hf_code set_aside(struct hf_slots *slots, struct hf_err *err)
{
	uint8_t data[HF_SLOT_BYTES];
	size_t size = 0;
	int file;
	enum hf_code code =
		read_image(slots->disk, slot_paths[slots->newer], false, data, &size, err);

	if (code == HF_OK)
		code = hf_disk_open(slots->disk, HF_SLOT_NEWER, HF_DISK_REPLACE, &file, err);
	if (code != HF_OK)
		return code;
	code = hf_disk_write(slots->disk, file, 0, data, size, err);
	if (code == HF_OK)
		code = hf_disk_sync(slots->disk, file, err);
	hf_disk_close(slots->disk, file);
	if (code == HF_OK)
		code = hf_disk_folder_sync(slots->disk, STATE_FOLDER, err);
	slots->must_set_aside = code != HF_OK;
	return code;
}

static enum hf_code open_target(struct hf_slots *slots, struct hf_err *err)
{
	const char *path = slot_paths[slots->target];
	enum hf_code code;

	/* In place: a full disk has room for that, and no length changes. But a flush that failed
	 * when the file was made may have taken its length away, which writing the same bytes over
	 * it does not bring back: then another file. Emptying it was tried: a second flush that
	 * fails leaves the length in doubt for whoever comes next. */
	if (slots->is_target_new && is_there(slots->disk, path)) {
		code = hf_disk_unlink(slots->disk, path, err);
		if (code != HF_OK)
			return code;
	}
	code = hf_disk_open(slots->disk, path, HF_DISK_WRITE, &slots->file, err);
	if (code != HF_E_NOENT)
		return code;
	slots->is_target_new = true;
	slots->is_name_safe[slots->target] = false;
	code = hf_disk_folder_ensure(slots->disk, STATE_FOLDER, err);
	if (code == HF_OK)
		code = hf_disk_open(slots->disk, path, HF_DISK_CREATE, &slots->file, err);
	return code;
}

static enum hf_code write_target(struct hf_slots *slots, struct hf_err *err)
{
	enum hf_code code = slots->must_set_aside ? set_aside(slots, err) : HF_OK;

	if (code == HF_OK)
		code = open_target(slots, err);
	if (code != HF_OK)
		return hf_err_prefix(err, "store %s", slot_paths[slots->target]);
	code = hf_disk_write(slots->disk, slots->file, 0, slots->image, HF_SLOT_BYTES, err);
	if (code == HF_OK)
		code = hf_disk_sync(slots->disk, slots->file, err);
	spend(slots);
	if (code == HF_OK && !slots->is_name_safe[slots->target])
		code = hf_disk_folder_sync(slots->disk, STATE_FOLDER, err);
	if (code != HF_OK)
		return hf_err_prefix(err, "store %s", slot_paths[slots->target]);
	slots->is_name_safe[slots->target] = true;
	slots->is_target_new = false;
	slots->target = 1 - slots->target;
	return HF_OK;
}

/* For the next start within this boot: it need not survive more. */
static void keep_volatile(struct hf_slots *slots)
{
	static const char path_new[] = HF_SLOT_VOLATILE ".new";
	struct hf_err ignored;
	int file;

	if (slots->run == NULL ||
	    hf_disk_open(slots->run, path_new, HF_DISK_REPLACE, &file, &ignored) != HF_OK)
		return;
	enum hf_code code =
		hf_disk_write(slots->run, file, 0, slots->image, HF_SLOT_BYTES, &ignored);
	hf_disk_close(slots->run, file);
	if (code == HF_OK &&
	    hf_disk_rename(slots->run, path_new, HF_SLOT_VOLATILE, &ignored) == HF_OK)
		slots->has_volatile_file = true;
}

enum hf_code hf_slots_store(struct hf_slots *slots, int64_t on_ms, const void *payload,
			    size_t size_bytes, struct hf_err *err)
{
	struct hf_err why = { 0 };
	struct hf_slot slot = {
		.format = HF_SLOT_FORMAT,
		.sequence = slots->sequence + 1,
		.on_ms = on_ms > 0 ? on_ms : 0,
		.size_bytes = size_bytes,
	};

	if (size_bytes > HF_SLOT_PAYLOAD_BYTES)
		return hf_fail(err, HF_E_LIMIT, "a state of %zu bytes; %d fit", size_bytes,
			       HF_SLOT_PAYLOAD_BYTES);
	memcpy(slot.boot_id, slots->boot_id, sizeof slot.boot_id);
	if (size_bytes > 0)
		memcpy(slot.payload, payload, size_bytes);
	hf_slot_encode(&slot, slots->image);
	/* Raised though the store may fail: a copy in doubt must never look as new as a later one. */
	slots->sequence = slot.sequence;

	enum hf_code code = write_target(slots, &why);
	if (code != HF_OK) {
		become_volatile(slots, &why);
		keep_volatile(slots);
		if (err != NULL)
			*err = why;
		return code;
	}
	slots->is_volatile = false;
	slots->why[0] = '\0';
	if (slots->has_volatile_file)
		slots->has_volatile_file =
			hf_disk_unlink(slots->run, HF_SLOT_VOLATILE, &why) != HF_OK;
	return HF_OK;
}

/* --- opening --- */

/* Empty copies: a file that is there can be written on a full disk. */
static void make_copies(struct hf_slots *slots)
{
	struct hf_slot empty = { .format = HF_SLOT_FORMAT };
	struct hf_err err = { 0 };

	for (int i = 0; i < HF_SLOTS; i++) {
		empty.sequence = ++slots->sequence;
		hf_slot_encode(&empty, slots->image);
		if (write_target(slots, &err) != HF_OK) {
			become_volatile(slots, &err);
			return;
		}
	}
}

/* Can the next store succeed at all? */
static void try_target(struct hf_slots *slots)
{
	struct hf_err err = { 0 };
	enum hf_code code = hf_disk_open(slots->disk, slot_paths[slots->target], HF_DISK_WRITE,
					 &slots->file, &err);

	if (code != HF_OK && code != HF_E_NOENT)
		become_volatile(slots, &err);
	spend(slots);
}

enum hf_code hf_slots_open(const struct hf_slots_options *options, struct hf_slots **ret_slots,
			   struct hf_slots_report *ret_report, struct hf_err *err)
{
	struct copy copies[HF_SLOTS];
	struct hf_slots_report report = { 0 };
	struct hf_err why = { 0 };
	struct hf_slots *slots = calloc(1, sizeof *slots);

	if (slots == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	slots->disk = options->disk;
	slots->run = options->run;
	slots->file = -1;
	(void)snprintf(slots->boot_id, sizeof slots->boot_id, "%s", options->boot_id);

	/* A name that is seen and not stored must not be relied on by the next store. */
	enum hf_code code = hf_disk_folder_sync(slots->disk, STATE_FOLDER, &why);
	for (unsigned i = 0; i < HF_SLOTS; i++) {
		copies[i] = read_copy(slots->disk, slot_paths[i], true, report.why[i]);
		slots->is_name_safe[i] = code == HF_OK;
	}
	judge(slots, copies, &report);
	if (report.found == HF_SLOTS_FRESH && report.slot.sequence == 0)
		make_copies(slots);
	else
		try_target(slots);
	take_volatile(slots, &report);
	if (slots->must_set_aside && set_aside(slots, &why) != HF_OK)
		become_volatile(slots, &why);
	report.is_newer_aside = report.newer_format && !slots->must_set_aside;
	*ret_slots = slots;
	*ret_report = report;
	return HF_OK;
}

void hf_slots_close(struct hf_slots *slots)
{
	if (slots == NULL)
		return;
	spend(slots);
	free(slots);
}

bool hf_slots_is_volatile(const struct hf_slots *slots)
{
	return slots->is_volatile;
}

const char *hf_slots_volatile_why(const struct hf_slots *slots)
{
	return slots->why;
}
