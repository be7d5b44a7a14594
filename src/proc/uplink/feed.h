/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * feed - committed lines of the outbox, one after the other, from a number on.
 *
 * Shape       Nothing above the committed watermark is handed out: the page cache
 *             shows bytes that a power cut can still take. Before keeper has
 *             published for this boot nothing is.
 *
 * Owners      An item is the caller's and borrows nothing.
 *
 * Errors      hf_feed_next(): HF_E_AGAIN when there is no more for now. HF_E_IO
 *             and the like when the disk refuses: try again later, nothing was
 *             passed over.
 */
#include "base/disk.h"
#include "uplink/window.h"
#include "wire/proto.h"

struct hf_feed;

struct hf_feed_item {
	char data[HF_LINE_BYTES_MAX]; /* as stored, with the newline */
	struct hf_window_line line;
	struct hf_window_owner owner;
	/* Damage or missing numbers right before this line, as a JSON object; empty: none. */
	char passed[HF_PATH_BYTES];
};

/* disk is the data folder; it and hello outlive the feed. after_seq: the first line wanted is the
 * one behind it. */
enum hf_code hf_feed_open(struct hf_disk *disk, const struct hf_hello *hello, uint64_t after_seq,
			  struct hf_feed **ret_feed, struct hf_err *err) HF_MUST_CHECK;
void hf_feed_close(struct hf_feed *feed); /* NULL is fine */

/* Go to the line behind after_seq, forward or back. */
void hf_feed_seek(struct hf_feed *feed, uint64_t after_seq);

/* The number of the last committed line; 0 when none is known to be. */
uint64_t hf_feed_committed(struct hf_feed *feed);

/* Another keeper may have made another watermark page. */
void hf_feed_keeper_changed(struct hf_feed *feed);

enum hf_code hf_feed_next(struct hf_feed *feed, struct hf_feed_item *ret_item,
			  struct hf_err *err) HF_MUST_CHECK;
