/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A data folder as a power cut, a bad card or somebody with an editor may leave it. Whatever is
 * there: a new event gets a number above all that can be read, is there after opening again, and
 * a reader comes to it.
 *
 * Shape    Files one behind the other, each after a line "== NAME". CRCs are made right.
 */
#include "reseal.h"

#include "fake_disk.h"
#include "outbox/reader.h"
#include "outbox/testing.h"
#include "outbox/verify.h"

static struct test_clock test_time;

static void lay_out(struct hf_disk *disk, char *text)
{
	static const char mark[] = "\n== ";
	char *at = strncmp(text, mark + 1, 3) == 0 ? text - 1 : strstr(text, mark);

	while (at != NULL) {
		char *name = at + 4, *end = strchr(name, '\n'), *next;

		if (end == NULL)
			return;
		*end = '\0';
		next = strstr(end + 1, mark);
		size_t size = next != NULL ? (size_t)(next + 1 - (end + 1)) : strlen(end + 1);
		fuzz_reseal(end + 1, size);
		/* Names of ours only: others cannot be told from files of somebody else. */
		if (strlen(name) < HF_DISK_PATH_BYTES / 2 &&
		    (strncmp(name, "outbox/", 7) == 0 || strncmp(name, "meta/", 5) == 0) &&
		    strchr(name + 7, '/') == NULL && name[strlen(name) - 1] != '/')
			fake_disk_put(disk, name, end + 1, size);
		at = next;
	}
}

static uint64_t append_one(struct hf_outbox *outbox)
{
	struct hf_err err = { 0 };
	struct hf_offer offer;
	struct hf_outbox_result stored = { 0 };
	const struct hf_offer *offers[] = { &offer };
	const struct hf_event event = { .event_class = "x", .captured_wall = { 1 }, .attrs = "{}" };
	const struct hf_event_context context = { .boot_id = TEST_BOOT, .release = "r" };
	const struct hf_origin origin = { .boot = 900, .run = 900, .n = 900, .producer = 'r' };

	FUZZ_MUST(hf_offer_make(&event, &context, &origin, &offer, &err) == HF_OK);
	if (hf_outbox_append(outbox, offers, 1, &stored, &err) != HF_OK)
		return 0; /* no numbers left: said, not stored */
	FUZZ_MUST(stored.local_seq > 0);
	return stored.duplicate ? 0 : stored.local_seq;
}

static bool read_to(struct hf_disk *disk, uint64_t seq)
{
	struct hf_reader_options options = { .disk = disk, .folder = "outbox" };
	struct hf_reader *reader;
	struct hf_line line;
	struct hf_err err = { 0 };
	bool found = false;

	FUZZ_MUST(hf_reader_open(&options, &reader, &err) == HF_OK);
	while (hf_reader_next(reader, &line, NULL, NULL, &err) == HF_OK)
		found |= line.local_seq == seq;
	hf_reader_close(reader);
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct hf_err err = { 0 };
	struct hf_outbox *outbox;
	struct hf_outbox_report report = { 0 }, again = { 0 };
	struct hf_verify_report verified;
	struct hf_disk *disk = fake_disk_new(1);

	/* In front of the text a newline, so that a mark at its beginning is one, too. */
	HF_AUTO_FREE char *text = malloc(size_bytes + 2);
	FUZZ_MUST(text != NULL);
	text[0] = '\n';
	if (size_bytes > 0)
		memcpy(text + 1, data, size_bytes);
	text[size_bytes + 1] = '\0';
	lay_out(disk, text);
	test_clock_start(&test_time);
	struct hf_outbox_options options = test_options(&test_time);
	const struct hf_verify_options verify = { .disk = disk, .folder = "outbox", .data = true };

	if (hf_outbox_open(disk, &options, &outbox, &report, &err) == HF_OK) {
		uint64_t seq = append_one(outbox);

		FUZZ_MUST(seq == 0 || seq > report.seq_last);
		hf_outbox_close(outbox);
		FUZZ_MUST(seq == 0 || read_to(disk, seq));
		FUZZ_MUST(hf_outbox_open(disk, &options, &outbox, &again, &err) == HF_OK);
		FUZZ_MUST(again.seq_last >= seq && again.bytes_torn == 0);
		hf_outbox_close(outbox);
	}
	(void)!hf_verify(&verify, &verified, &err);
	fake_disk_free(disk);
	return 0;
}
