/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A data folder as a power cut, a bad card or somebody with an editor may leave it. Whatever is
 * there: a new event gets a number above all that can be read, is there after opening again, and
 * a reader comes to it. The tools that look at a copy say something before and after, too.
 *
 * Shape    Files one behind the other, each after a line "== NAME". CRCs are made right. Of
 *          outbox/.ring each line stands in a slot of its own, unless it is longer.
 */
#include "reseal.h"

#include "base/auto.h"
#include "fake_disk.h"
#include "outbox/commit_ring.h"
#include "outbox/reader.h"
#include "outbox/testing.h"
#include "outbox/verify.h"
#include "outbox/whole.h"

enum {
	SLOT_BYTES = 4096,
	RING_BYTES = 16 * SLOT_BYTES,
};

#define RING "outbox/" HF_COMMIT_RING_NAME

static struct test_clock test_time;

static bool is_ours(const char *name)
{
	static const char *const folders[] = { "outbox/", "meta/", "identity/receipts/" };

	for (size_t i = 0; i < HF_ARRAY_LEN(folders); i++) {
		size_t size = strlen(folders[i]);

		if (strncmp(name, folders[i], size) == 0)
			return name[size] != '\0' && strchr(name + size, '/') == NULL;
	}
	return false;
}

/* Frames as the writer pads them; what is too long for that lies across slots as it is. */
static void lay_ring(struct hf_disk *disk, const char *text, size_t size_bytes)
{
	static char ring[RING_BYTES];
	size_t at = 0;

	memset(ring, '\n', sizeof ring);
	while (size_bytes > 0 && at < sizeof ring) {
		const char *end = memchr(text, '\n', size_bytes);
		size_t size = end != NULL ? (size_t)(end - text) : size_bytes;
		size_t room = sizeof ring - at;
		size_t slots = (size + SLOT_BYTES) / SLOT_BYTES * SLOT_BYTES;

		memcpy(ring + at, text, size < room ? size : room);
		if (slots <= room && size > 0) {
			memset(ring + at + size, ' ', slots - size - 1);
			ring[at + slots - 1] = '\n';
		}
		at += slots;
		size_bytes -= end != NULL ? size + 1 : size;
		text += end != NULL ? size + 1 : size;
	}
	fake_disk_put(disk, RING, ring, sizeof ring);
}

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
		if (strcmp(name, RING) == 0)
			lay_ring(disk, end + 1, size);
		else if (strlen(name) < HF_DISK_PATH_BYTES / 2 && is_ours(name))
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

/* What a tool on another machine makes of it: it says something, and numbers rise. */
static void look(struct hf_disk *disk)
{
	const struct hf_verify_options verify = {
		.disk = disk, .folder = "outbox", .data = true, .chain = true
	};
	struct hf_verify_report verified;
	struct hf_whole *whole = NULL;
	struct hf_line line;
	struct hf_err err = { 0 };
	uint64_t last = 0;

	if (hf_verify(&verify, &verified, &err) == HF_OK && verified.problems == 0 &&
	    verified.lines > 0)
		FUZZ_MUST(verified.last_seq >= verified.first_seq + verified.lines - 1);
	if (hf_whole_open(disk, "outbox", 0, &whole, &err) != HF_OK)
		return;
	while (hf_whole_next(whole, &line, NULL, &err) == HF_OK) {
		FUZZ_MUST(line.local_seq > last);
		last = line.local_seq;
	}
	hf_whole_close(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct hf_err err = { 0 };
	struct hf_outbox *outbox;
	struct hf_outbox_report report = { 0 }, again = { 0 };
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
	options.ring_bytes = RING_BYTES;
	if (fake_disk_exists(disk, RING))
		options.commit = HF_COMMIT_RING;

	look(disk);
	if (hf_outbox_open(disk, &options, &outbox, &report, &err) == HF_OK) {
		uint64_t seq = append_one(outbox);

		FUZZ_MUST(seq == 0 || seq > report.seq_last);
		hf_outbox_close(outbox);
		FUZZ_MUST(seq == 0 || read_to(disk, seq));
		FUZZ_MUST(hf_outbox_open(disk, &options, &outbox, &again, &err) == HF_OK);
		FUZZ_MUST(again.seq_last >= seq && again.bytes_torn == 0);
		hf_outbox_close(outbox);
	}
	look(disk);
	fake_disk_free(disk);
	return 0;
}
