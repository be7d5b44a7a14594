/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * writer - the events this device has promised to deliver.
 *
 * Shape       outbox/YYYY-MM-DD.jsonl below the data folder (UTC day of append),
 *             lines as in outbox/line.h, files as in outbox/files.h. A line is
 *             never rewritten. Beside it:
 *               outbox/.ring        lines that the day file may not have yet (outbox/commit_ring.h)
 *               meta/local_seq      highest number reserved; a floor, not the truth
 *               meta/outbox_newest  which file was opened last
 *               meta/outbox_gap     a gap that is known but not yet an event
 *               meta/outbox.lock    held for as long as the handle lives
 *               quarantine/         bytes of torn tails, files without a line
 *               ballast/outbox      bytes to give back when the disk is full
 *
 * Numbers     local_seq starts at 1 and rises by 1 with each line. A number
 *             that may have left the device is never given to another event:
 *             the hub drops (device_id, epoch, local_seq) twins. Where numbers
 *             had to be passed over, an outbox_gap event says which and why.
 *             The log is their truth; the reservation is used only when the
 *             newest file or the ring is missing or a delivered line is damaged.
 *
 * Durability  append() and store() answer HF_OK when the lines survive a power cut.
 *             HF_COMMIT_FILE: after fdatasync of the day file. HF_COMMIT_RING: after
 *             fdatasync of the ring; the day file has them after append() or show(),
 *             for whoever looks, and is flushed before the ring overwrites them, when it is left, and
 *             by hf_outbox_flush(). Batches of direct_bytes and more are flushed
 *             in the day file at once: that writes them once instead of twice. A
 *             new file counts after fdatasync and fsync of its folder.
 *
 * Torn tail   Bytes at the end of the newest file that are not a whole, valid
 *             line, with no valid line after them and not below the committed
 *             watermark, are an append cut short: open() completes the file from the
 *             ring; what that does not explain it copies to quarantine/, cuts off
 *             and counts. A bad line with a good one after it that the ring does not
 *             have is rot: it stays, a reader passes over exactly that line, and an
 *             event says so.
 *
 * Owners      One process (keeper), single-threaded. Others may read at any time.
 *
 * Errors      append(): HF_E_NOSPACE: nothing of this batch is stored; offer it
 *             again later. HF_E_IO: the disk failed, and a new file did not help.
 *             A file whose flush failed is spent: it is never written, cut or
 *             flushed again. Events in doubt are written to a new file under
 *             new numbers; lines that are safe in the ring under their own. The new
 *             file's header makes the lines in doubt void. A new file is tried at
 *             most once a second. A ring that fails is left: the day file is
 *             flushed for each batch, an event says so, and the next day, or the
 *             next start, begins with a new ring. An event that is already stored is
 *             recognised by its origin: one event, one number.
 *
 * Limits      HF_OUTBOX_BATCH_MAX offers a call. The last HF_OUTBOX_ORIGINS
 *             origins are remembered, across restarts too. Those in older files
 *             are read after the start, by hf_outbox_recall(), or by the first
 *             append() of an offer that is not new by its boot and run alone.
 */
#include "base/clock.h"
#include "base/disk.h"
#include "outbox/watermark.h"
#include "shape/event.h"

enum {
	HF_OUTBOX_BATCH_MAX = 256,
	HF_OUTBOX_ORIGINS = 1024,
	HF_OUTBOX_RESERVE = 16384, /* numbers reserved at a time */
	HF_OUTBOX_DIRECT_BYTES = 32 * 1024,
};

struct hf_outbox;

enum hf_outbox_commit {
	HF_COMMIT_FILE,
	HF_COMMIT_RING,
};

struct hf_outbox_options {
	const char *device_id;
	const char *epoch; /* 16 hex digits */
	struct hf_event_context context;
	uint64_t boot; /* for the origins of the outbox's own events */
	uint64_t run;
	bool first_of_run; /* nobody has stored an event of this boot and run before */
	const struct hf_clock *clock;
	const char *(*clock_trust)(void);     /* hf_clock_trust, or a test's */
	const struct hf_watermark *committed; /* what is known to be committed, or NULL */
	uint64_t ballast_bytes;               /* 0: none */
	enum hf_outbox_commit commit;
	uint64_t ring_bytes;   /* 0: HF_COMMIT_RING_BYTES; whole slots, an even number of them */
	uint64_t direct_bytes; /* 0: HF_OUTBOX_DIRECT_BYTES */
};

struct hf_outbox_report {
	uint64_t lines;      /* valid lines at the end of the newest file, as far as was looked */
	uint64_t seq_last;   /* 0 when there are none */
	uint64_t bytes_torn; /* set aside */
	uint64_t lines_bad;  /* rot at the end of the newest file: kept, passed over */
	uint64_t from_ring;  /* lines that only the ring had */
	uint64_t gap_from;   /* numbers that will never be used; 0: none */
	uint64_t gap_through;
};

struct hf_outbox_result {
	enum hf_code code; /* HF_OK: stored. HF_E_INVALID, HF_E_LIMIT: never will be. */
	uint64_t local_seq;
	bool duplicate; /* it had this number before */
};

struct hf_outbox_counters {
	uint64_t commits; /* batches flushed */
	uint64_t events;  /* offers stored */
	uint64_t bytes;
	uint64_t duplicates;
	uint64_t files_spent;
	uint64_t ring_failures;
	uint64_t day_flushes; /* of day files, other than for a new one */
	bool by_ring;
	bool ballast_released;
};

/* Take the lock, repair the tail, find the numbers. HF_E_AGAIN: another writer lives.
 * HF_E_LIMIT: what is there names numbers so high that none are left; a person must move it aside.
 * A disk that is full or fails is no reason to refuse: append() will say so. */
enum hf_code hf_outbox_open(struct hf_disk *disk, const struct hf_outbox_options *options,
			    struct hf_outbox **ret_outbox, struct hf_outbox_report *ret_report,
			    struct hf_err *err) HF_MUST_CHECK;
void hf_outbox_close(struct hf_outbox *outbox); /* NULL is fine */

/* One write, one flush for all of them. ret_results[i] belongs to offers[i]; where its code
 * is the one returned, that offer is to be made again later. */
enum hf_code hf_outbox_append(struct hf_outbox *outbox, const struct hf_offer *const *offers,
			      size_t count, struct hf_outbox_result *ret_results,
			      struct hf_err *err) HF_MUST_CHECK;

/* append() in two halves, for who has to answer in between. After store() the answers hold: the
 * lines survive a power cut. By the ring, the day file may not show them yet, and the position has
 * not moved; show() sees to both. Whatever is called next does so itself if show() was not. */
enum hf_code hf_outbox_store(struct hf_outbox *outbox, const struct hf_offer *const *offers,
			     size_t count, struct hf_outbox_result *ret_results,
			     struct hf_err *err) HF_MUST_CHECK;
/* Cheap when there is nothing to do. After an error the lines are as safe as before; a new file
 * that shows them is tried with the next lines and by show(), at most once a second. */
enum hf_code hf_outbox_show(struct hf_outbox *outbox, struct hf_err *err) HF_MUST_CHECK;

/* Read the origins that open() has left unread. append() does so by itself where it must, and then
 * has to wait for a megabyte. Cheap when there is nothing to do; after an error to be tried again. */
enum hf_code hf_outbox_recall(struct hf_outbox *outbox, struct hf_err *err) HF_MUST_CHECK;

/* The state that the outbox's own events carry. */
void hf_outbox_set_state(struct hf_outbox *outbox, enum hf_state state);

/* What is committed. seq is 0 when nothing is. */
void hf_outbox_position(const struct hf_outbox *outbox, struct hf_watermark *ret_position);
const struct hf_outbox_counters *hf_outbox_counters(const struct hf_outbox *outbox);

/* Make the day file safe without the ring, if it is not: on a pulled card it is then complete. The
 * position may be new, after an error too: lines may stand in another file now. */
enum hf_code hf_outbox_flush(struct hf_outbox *outbox, struct hf_err *err) HF_MUST_CHECK;

/* Take the ballast back when there is room for four of it. Cheap when there is nothing to do. */
void hf_outbox_ballast_refill(struct hf_outbox *outbox);

/* From the next line on under another epoch, whose chain begins with it: in a new day file with
 * the reason "epoch", its header followed by an epoch_redrawn event with these attrs (fewer than
 * 256 bytes). When that file cannot be opened now, the next lines carry the new epoch all the same,
 * and the event comes with them: hf_outbox_epoch_told() says whether it is stored. */
enum hf_code hf_outbox_set_epoch(struct hf_outbox *outbox, const char *epoch, const char *attrs,
				 struct hf_err *err) HF_MUST_CHECK;
bool hf_outbox_epoch_told(const struct hf_outbox *outbox);
