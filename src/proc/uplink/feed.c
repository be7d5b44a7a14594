/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/uplink/feed.h"

#include "base/auto.h"
#include "base/json.h"
#include "outbox/reader.h"
#include "outbox/watermark.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct hf_feed {
	struct hf_disk *disk;
	const struct hf_hello *hello;
	struct hf_watermark_page *page; /* NULL: no keeper has run yet */
	struct hf_reader *reader;       /* NULL without a page, which it borrows */
	uint64_t at;                    /* number handed out last */
	uint64_t committed;
};

/* 2026-04-20T02:17:33.123Z; 0 when it is not one. */
static int64_t parse_wall_ms(const struct hf_slice *slice)
{
	char text[HF_WALL_TEXT_BYTES];
	struct tm tm = { 0 };
	int ms;

	if (!hf_slice_text(slice, text, sizeof text) ||
	    sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms) != 7)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (int64_t)timegm(&tm) * 1000 + ms;
}

/* Without the page nothing may be read: a reader without a watermark takes every valid line. */
static enum hf_code open_reader(struct hf_feed *feed, struct hf_err *err)
{
	if (feed->page == NULL) {
		enum hf_code code = hf_watermark_open(feed->hello->run_path, feed->hello->boot_id,
						      &feed->page, err);

		if (code == HF_E_NOENT)
			return hf_fail(err, HF_E_AGAIN, "keeper has not run yet");
		if (code != HF_OK)
			return code;
	}
	if (feed->reader != NULL)
		return HF_OK;
	const struct hf_reader_options options = { .disk = feed->disk,
						   .folder = HF_OUTBOX_FOLDER,
						   .watermark = feed->page,
						   .after_seq = feed->at };
	return hf_reader_open(&options, &feed->reader, err);
}

static void tell_passed(const struct hf_line *line, const struct hf_passed *passed,
			const struct hf_place *place, char *ret_json, size_t size_bytes)
{
	struct hf_err err;
	struct hf_json json = hf_json_begin(ret_json, size_bytes);
	/* keeper has said itself which numbers it passed over, and why. */
	bool explained = hf_slice_is(&line->event_class, HF_CLASS_GAP);

	ret_json[0] = '\0';
	if (passed->lines_bad == 0 && passed->bytes_bad == 0 &&
	    (passed->gap_from == 0 || explained))
		return;
	hf_json_object_open(&json);
	hf_json_put_text(&json, "file", place->file);
	hf_json_put_u64(&json, "before_offset", place->offset);
	hf_json_put_u64(&json, "lines", passed->lines_bad);
	hf_json_put_u64(&json, "bytes", passed->bytes_bad);
	if (passed->gap_from != 0) {
		hf_json_put_u64(&json, "seq_from", passed->gap_from);
		hf_json_put_u64(&json, "seq_through", passed->gap_through);
	}
	hf_json_object_close(&json);
	if (hf_json_end(&json, &err) != HF_OK)
		(void)snprintf(ret_json, size_bytes, "{}");
}

enum hf_code hf_feed_open(struct hf_disk *disk, const struct hf_hello *hello, uint64_t after_seq,
			  struct hf_feed **ret_feed, struct hf_err *err)
{
	struct hf_feed *feed = calloc(1, sizeof *feed);

	if (feed == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	feed->disk = disk;
	feed->hello = hello;
	feed->at = after_seq;
	*ret_feed = feed;
	return HF_OK;
}

void hf_feed_close(struct hf_feed *feed)
{
	if (feed == NULL)
		return;
	hf_reader_close(feed->reader);
	hf_watermark_close(feed->page);
	free(feed);
}

void hf_feed_seek(struct hf_feed *feed, uint64_t after_seq)
{
	feed->at = after_seq;
	if (feed->reader != NULL)
		hf_reader_seek(feed->reader, after_seq);
}

uint64_t hf_feed_committed(struct hf_feed *feed)
{
	struct hf_watermark mark;
	struct hf_err err;

	/* What was committed stays so: without a page, or while it is written, the last one holds. */
	if (open_reader(feed, &err) == HF_OK && hf_watermark_read(feed->page, &mark, &err) == HF_OK)
		feed->committed = mark.seq;
	return feed->committed;
}

void hf_feed_keeper_changed(struct hf_feed *feed)
{
	hf_reader_close(feed->reader);
	feed->reader = NULL;
	hf_watermark_close(feed->page);
	feed->page = NULL;
}

enum hf_code hf_feed_next(struct hf_feed *feed, struct hf_feed_item *ret_item, struct hf_err *err)
{
	struct hf_line line;
	struct hf_passed passed;
	struct hf_place place;
	char thumb[HF_PATH_BYTES];

	enum hf_code code = open_reader(feed, err);
	if (code == HF_OK)
		code = hf_reader_next(feed->reader, &line, &passed, &place, err);
	if (code != HF_OK)
		return code;
	feed->at = line.local_seq;
	memset(ret_item, 0, sizeof *ret_item);
	memcpy(ret_item->data, line.data, line.size_bytes);
	ret_item->line.seq = line.local_seq;
	ret_item->line.size_bytes = line.size_bytes;
	ret_item->line.captured_ms = parse_wall_ms(&line.captured_at);
	tell_passed(&line, &passed, &place, ret_item->passed, sizeof ret_item->passed);
	/* keeper writes none that is longer; the hub would refuse an empty one. */
	(void)hf_slice_text(&line.device_id, ret_item->owner.device_id,
			    sizeof ret_item->owner.device_id);
	(void)hf_slice_text(&line.epoch, ret_item->owner.epoch, sizeof ret_item->owner.epoch);
	if (hf_slice_text(&line.thumb_path, thumb, sizeof thumb) &&
	    !hf_thumb_name(thumb, ret_item->line.thumb))
		ret_item->line.thumb[0] = '\0';
	return HF_OK;
}
