/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/verify.h"

#include "base/crc32c.h"
#include "base/random.h"
#include "outbox/commit_ring.h"
#include "outbox/cursor.h"
#include "outbox/testing.h"
#include "spoil.h"

#include <sodium.h>

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct bench {
	struct test_clock clock;
	struct hf_outbox_options options;
	struct hf_disk *disk;
	struct hf_verify_report report;
	struct hf_finding first; /* the first problem */
};

static void keep_first(void *context, const struct hf_finding *finding)
{
	struct bench *b = context;

	if (hf_finding_is_problem(finding->kind) && b->first.text[0] == '\0')
		b->first = *finding;
}

static struct hf_outbox *open_outbox(struct bench *b)
{
	struct hf_outbox_report report;

	return test_open(b->disk, &b->options, &report);
}

/* Two days: 1..6 and 7..10. */
static void setup(struct bench *b)
{
	*b = (struct bench){ 0 };
	test_clock_start(&b->clock);
	b->options = test_options(&b->clock);
	b->disk = fake_disk_new(1);
	struct hf_outbox *outbox = open_outbox(b);
	for (uint64_t n = 1; n <= 5; n++)
		test_append(outbox, n);
	b->clock.wall_ms += INT64_C(86400000);
	for (uint64_t n = 6; n <= 8; n++)
		test_append(outbox, n);
	hf_outbox_close(outbox);
}

static void verify(struct bench *b)
{
	struct hf_err err = { 0 };
	struct hf_verify_options options = { .disk = b->disk,
					     .folder = HF_OUTBOX_FOLDER,
					     .data = true,
					     .context = b,
					     .finding = keep_first };

	b->first = (struct hf_finding){ 0 };
	CHECK_OK(hf_verify(&options, &b->report, &err));
}

/* The problem found first is of this kind and names this line. */
static void verify_finds(struct bench *b, enum hf_finding_kind kind, uint64_t seq)
{
	verify(b);
	CHECK_U64(b->report.problems, >, 0);
	CHECK_TEXT(hf_finding_name(b->first.kind), hf_finding_name(kind));
	CHECK_U64(b->first.local_seq, ==, seq);
}

/* A copy of a file with line number `index` (from 0) taken out, or changed by edit. */
static void change_line(struct bench *b, const char *path, size_t index,
			void (*edit)(char *line, size_t size))
{
	size_t size;
	const char *bytes = fake_disk_bytes(b->disk, path, &size);
	char *copy = malloc(size);

	memcpy(copy, bytes, size);
	char *line = copy;
	while (index-- > 0)
		line = (char *)memchr(line, '\n', size) + 1;
	size_t line_size = (size_t)((char *)memchr(line, '\n', size) + 1 - line);
	if (edit != NULL) {
		edit(line, line_size);
	} else {
		memmove(line, line + line_size, (size_t)(copy + size - line) - line_size);
		size -= line_size;
	}
	fake_disk_put(b->disk, path, copy, size);
	free(copy);
}

/* What somebody does who knows of the CRC. */
static void forge(char *line, size_t size)
{
	char crc[9];

	memcpy(strstr(line, "gate"), "yard", 4);
	(void)snprintf(crc, sizeof crc, "%08x", hf_crc32c(0, line, size - HF_LINE_CRC_END_BYTES));
	memcpy(line + size - 11, crc, 8);
}

static void blot(char *line, size_t size)
{
	line[size / 2] ^= 1;
}

TEST(an_untouched_outbox_has_no_problem)
{
	struct bench b;
	struct hf_err err = { 0 };

	setup(&b);
	CHECK_OK(hf_cursor_store(b.disk, HF_CURSOR_HUB, 4, &err));
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(b.report.files, ==, 2);
	CHECK_U64(b.report.lines, ==, 10);
	CHECK_U64(b.report.first_seq, ==, 1);
	CHECK_U64(b.report.last_seq, ==, 10);
	CHECK_U64(b.report.cursor_count, ==, 1);
	CHECK_TEXT(b.report.cursors[0].cursor.channel, "hub");
	CHECK_U64(b.report.cursors[0].cursor.acked_through, ==, 4);
	CHECK_U64(b.report.cursors[0].pending, ==, 6);
	fake_disk_free(b.disk);
}

TEST(a_damaged_line_is_named)
{
	struct bench b;

	setup(&b);
	change_line(&b, TEST_FILE, 3, blot);
	verify_finds(&b, HF_FINDING_LINE_DAMAGED, 4);
	CHECK_U64(b.report.found[HF_FINDING_NUMBERS_GONE], ==, 1);
	CHECK_U64(b.report.lines, ==, 9);
	fake_disk_free(b.disk);
}

TEST(a_line_altered_with_a_right_crc_breaks_the_chain_and_is_named)
{
	struct bench b;

	setup(&b);
	change_line(&b, TEST_FILE, 3, forge);
	verify_finds(&b, HF_FINDING_CHAIN_BROKEN, 4);
	fake_disk_free(b.disk);
}

TEST(a_line_taken_out_breaks_the_chain_and_leaves_numbers_missing)
{
	struct bench b;

	setup(&b);
	change_line(&b, TEST_FILE, 3, NULL);
	verify_finds(&b, HF_FINDING_CHAIN_BROKEN, 5);
	CHECK_U64(b.report.found[HF_FINDING_NUMBERS_GONE], ==, 1);
	CHECK_U64(b.report.numbers_missing, ==, 1);
	fake_disk_free(b.disk);
}

TEST(lines_taken_off_the_end_of_a_day_are_missed_by_the_next_header)
{
	struct bench b;

	setup(&b);
	change_line(&b, TEST_FILE, 5, NULL);
	verify_finds(&b, HF_FINDING_HEADER_WRONG, 7);
	fake_disk_free(b.disk);
}

TEST(a_missing_day_between_two_others_is_named)
{
	struct bench b;

	setup(&b);
	b.clock.wall_ms += INT64_C(86400000);
	struct hf_outbox *outbox = open_outbox(&b);
	test_append(outbox, 9);
	hf_outbox_close(outbox);
	fake_disk_remove(b.disk, "outbox/2026-04-21.jsonl");
	verify_finds(&b, HF_FINDING_FILE_MISSING, 11);
	CHECK(strstr(b.first.text, "2026-04-21.jsonl") != NULL);
	fake_disk_free(b.disk);
}

TEST(days_removed_from_the_front_are_a_remark)
{
	struct bench b;

	setup(&b);
	fake_disk_remove(b.disk, TEST_FILE);
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(b.report.found[HF_FINDING_HISTORY_REMOVED], ==, 1);
	fake_disk_free(b.disk);
}

TEST(a_gap_with_an_event_is_no_problem_and_void_lines_are_none)
{
	struct bench b;

	setup(&b);
	struct hf_outbox *outbox = open_outbox(&b);
	fake_disk_fail(b.disk, FAKE_DISK_SYNC, 1, 1, HF_E_IO);
	CHECK_U64(test_append(outbox, 9), >, 0);
	hf_outbox_close(outbox);
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(b.report.gaps, ==, 1);
	CHECK_U64(b.report.lines_void, ==, 1);
	fake_disk_free(b.disk);
}

TEST(a_tail_without_a_newline_is_a_remark)
{
	struct bench b;
	size_t size;

	setup(&b);
	const char *bytes = fake_disk_bytes(b.disk, "outbox/2026-04-21.jsonl", &size);
	char *copy = malloc(size);
	memcpy(copy, bytes, size);
	fake_disk_put(b.disk, "outbox/2026-04-21.jsonl", copy, size - 40);
	free(copy);
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(b.report.found[HF_FINDING_TAIL_UNENDED], ==, 1);
	fake_disk_free(b.disk);
}

TEST(an_event_stored_twice_is_found)
{
	struct bench b;

	setup(&b);
	/* A writer without memory: its origins are of another file than the first. */
	struct hf_outbox *outbox = open_outbox(&b);
	struct hf_offer offer = test_offer(1);
	for (uint64_t n = 100; n < 100 + HF_OUTBOX_ORIGINS; n++)
		test_append(outbox, n);
	const struct hf_offer *offers[] = { &offer };
	struct hf_outbox_result result;
	struct hf_err err = { 0 };
	CHECK_OK(hf_outbox_append(outbox, offers, 1, &result, &err));
	hf_outbox_close(outbox);
	verify_finds(&b, HF_FINDING_ORIGIN_TWICE, result.local_seq);
	fake_disk_free(b.disk);
}

TEST(a_cursor_ahead_of_the_log_and_a_torn_one_are_problems)
{
	struct bench b;
	struct hf_err err = { 0 };

	setup(&b);
	CHECK_OK(hf_cursor_store(b.disk, HF_CURSOR_HUB, 11, &err));
	verify_finds(&b, HF_FINDING_CURSOR_WRONG, 11);
	fake_disk_put(b.disk, HF_CURSOR_HUB, "4x", 2);
	verify_finds(&b, HF_FINDING_CURSOR_WRONG, 0);
	fake_disk_free(b.disk);
}

TEST(a_thumbnail_that_a_line_names_must_be_there)
{
	struct bench b;
	struct hf_err err = { 0 };
	struct hf_outbox_result result;

	setup(&b);
	struct hf_outbox *outbox = open_outbox(&b);
	struct hf_offer offer = test_offer_thumb(9, "/var/lib/holdfast/thumbs/" HASH ".jpg");
	const struct hf_offer *offers[] = { &offer };
	CHECK_OK(hf_outbox_append(outbox, offers, 1, &result, &err));
	hf_outbox_close(outbox);
	/* Without the folder (a copy) there is nothing to say. */
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(b.report.thumbs_named, ==, 1);
	fake_disk_put(b.disk, "thumbs/other.jpg", "x", 1);
	verify_finds(&b, HF_FINDING_THUMB_MISSING, 11);
	fake_disk_put(b.disk, "thumbs/" HASH ".jpg", "x", 1);
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	fake_disk_free(b.disk);
}

/* ---- the ring ---- */

#define RING "outbox/.ring"

/* As setup(), but the second day's lines are committed by the ring. */
static struct hf_outbox *setup_ring(struct bench *b)
{
	*b = (struct bench){ 0 };
	test_clock_start(&b->clock);
	b->options = test_options(&b->clock);
	b->options.commit = HF_COMMIT_RING;
	b->options.ring_bytes = 64 * 1024;
	b->disk = fake_disk_new(1);
	struct hf_outbox *outbox = open_outbox(b);
	for (uint64_t n = 1; n <= 7; n++)
		test_append(outbox, n);
	return outbox;
}

TEST(lines_only_in_the_ring_are_checked_counted_and_no_problem)
{
	struct bench b;
	struct hf_outbox *outbox = setup_ring(&b);

	test_spoil(b.disk, TEST_FILE, 6, 8);
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(b.report.lines, ==, 8);
	CHECK_U64(b.report.ring_only, ==, 3);
	CHECK_U64(b.report.ring_only_first, ==, 6);
	CHECK_U64(b.report.ring_only_last, ==, 8);
	CHECK_U64(b.report.found[HF_FINDING_RING_ONLY], ==, 1);
	CHECK_U64(b.report.gaps, ==, 0);
	CHECK_U64(b.report.bytes_padding, >, 1000);
	hf_outbox_close(outbox);
	fake_disk_free(b.disk);
}

TEST(a_hole_that_the_ring_fills_is_no_problem_before_nor_after_the_next_start)
{
	struct bench b;
	struct hf_outbox *outbox = setup_ring(&b);

	/* The process is gone before it could close anything. */
	fake_disk_cut_at(b.disk, fake_disk_operations(b.disk) + 1);
	hf_outbox_close(outbox);
	fake_disk_revive(b.disk);
	test_spoil(b.disk, TEST_FILE, 4, 5);
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	/* Lines 4 and 5, and 6: without a newline in front it is no line. */
	CHECK_U64(b.report.ring_only, ==, 3);
	CHECK_U64(b.report.found[HF_FINDING_TAIL_TORN], >, 0);
	struct hf_outbox *again = open_outbox(&b);
	CHECK_U64(test_append(again, 9), >, 8);
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(b.report.ring_only, ==, 0);
	CHECK_U64(b.report.files, ==, 2);
	CHECK_U64(b.report.gaps, ==, 0);
	/* The new file begins with lines of the old one; one of them less is told, too, if not even
	 * the ring has it. */
	fake_disk_remove(b.disk, RING);
	change_line(&b, "outbox/2026-04-20.1.jsonl", 1, NULL);
	verify(&b);
	CHECK_U64(b.report.found[HF_FINDING_HEADER_WRONG], ==, 1);
	hf_outbox_close(again);
	fake_disk_free(b.disk);
}

TEST(damage_that_the_ring_does_not_mend_is_a_problem)
{
	struct bench b;
	struct hf_outbox *outbox = setup_ring(&b);

	fake_disk_remove(b.disk, RING);
	test_spoil(b.disk, TEST_FILE, 4, 5);
	verify_finds(&b, HF_FINDING_LINE_DAMAGED, 0);
	CHECK_U64(b.report.found[HF_FINDING_RING_MISSING], ==, 1);
	CHECK_U64(b.report.found[HF_FINDING_NUMBERS_GONE], ==, 1);
	hf_outbox_close(outbox);
	fake_disk_free(b.disk);
}

TEST(a_line_that_is_another_one_in_the_ring_is_named)
{
	struct bench b;
	struct hf_outbox *outbox = setup_ring(&b);

	change_line(&b, TEST_FILE, 6, forge);
	verify(&b);
	CHECK_U64(b.report.found[HF_FINDING_RING_DIFFERS], ==, 1);
	CHECK_U64(b.report.problems, >, 0);
	hf_outbox_close(outbox);
	fake_disk_free(b.disk);
}

TEST(a_ring_cut_short_is_a_remark)
{
	struct bench b;
	struct hf_outbox *outbox = setup_ring(&b);
	size_t size;
	const char *bytes = fake_disk_bytes(b.disk, RING, &size);
	char *copy = malloc(size);

	memcpy(copy, bytes, size);
	fake_disk_put(b.disk, RING, copy, size - 5000);
	free(copy);
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(b.report.found[HF_FINDING_RING_SIZE], ==, 1);
	hf_outbox_close(outbox);
	fake_disk_free(b.disk);
}

/* ---- gaps ---- */

TEST(a_chain_that_breaks_at_a_gap_with_an_event_is_a_remark)
{
	struct bench b;

	setup(&b);
	change_line(&b, TEST_FILE, 3, NULL);
	fake_disk_put(b.disk, "meta/outbox_gap", "4 4 newest_gone\n", 16);
	struct hf_outbox *outbox = open_outbox(&b);
	test_append(outbox, 9);
	hf_outbox_close(outbox);
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(b.report.gaps, ==, 1);
	CHECK_U64(b.report.found[HF_FINDING_CHAIN_GAP], ==, 1);
	fake_disk_free(b.disk);
}

/* As forge(), where no camera is named. */
static void forge_clock(char *line, size_t size)
{
	char crc[9];

	memcpy(strstr(line, "synced"), "sinced", 6);
	(void)snprintf(crc, sizeof crc, "%08x", hf_crc32c(0, line, size - HF_LINE_CRC_END_BYTES));
	memcpy(line + size - 11, crc, 8);
}

TEST(the_line_with_which_the_chain_begins_is_checked_too_whatever_its_number)
{
	struct bench b = { 0 };

	test_clock_start(&b.clock);
	b.options = test_options(&b.clock);
	b.disk = fake_disk_new(1);
	fake_disk_put(b.disk, "meta/local_seq", "50000\n", 6);
	struct hf_outbox *outbox = open_outbox(&b);
	uint64_t seq = test_append(outbox, 1);
	CHECK_U64(seq, >, 50001);
	hf_outbox_close(outbox);
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(b.report.first_seq, >, 50000);
	change_line(&b, TEST_FILE, 0, forge_clock);
	verify_finds(&b, HF_FINDING_CHAIN_BROKEN, b.report.first_seq);
	fake_disk_free(b.disk);
}

TEST(each_channel_has_a_cursor_of_its_own)
{
	struct bench b;
	struct hf_err err = { 0 };

	setup(&b);
	CHECK_OK(hf_cursor_store(b.disk, HF_CURSOR_HUB, 10, &err));
	CHECK_OK(hf_disk_folder_ensure(b.disk, "meta/phone", &err));
	CHECK_OK(hf_cursor_store(b.disk, "meta/phone/ack_local_seq", 7, &err));
	verify(&b);
	CHECK_U64(b.report.cursor_count, ==, 2);
	CHECK_U64(b.report.cursors[0].pending, ==, 0);
	CHECK_TEXT(b.report.cursors[1].cursor.channel, "phone");
	CHECK_U64(b.report.cursors[1].pending, ==, 3);
	fake_disk_free(b.disk);
}

/* ---- what the hub has countersigned ---- */

struct hub {
	uint8_t public[crypto_sign_PUBLICKEYBYTES];
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
};

static struct hub make_hub(uint8_t seed)
{
	uint8_t seeds[crypto_sign_SEEDBYTES];
	struct hub hub;

	CHECK(sodium_init() >= 0);
	memset(seeds, seed, sizeof seeds);
	CHECK(crypto_sign_seed_keypair(hub.public, hub.secret, seeds) == 0);
	return hub;
}

/* The line with this number, in either file. */
static bool find_line(struct bench *b, uint64_t seq, struct hf_line *ret_line)
{
	static const char *const paths[] = { TEST_FILE, "outbox/2026-04-21.jsonl" };
	struct hf_err err;

	for (size_t i = 0; i < 2; i++) {
		size_t size;
		const char *at = fake_disk_bytes(b->disk, paths[i], &size), *end = at + size;

		for (const char *next; at < end; at = next) {
			next = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
			if (hf_line_parse(at, (size_t)(next - at), ret_line, &err) == HF_OK &&
			    ret_line->local_seq == seq)
				return true;
		}
	}
	return false;
}

static void countersign(struct bench *b, const struct hub *hub, uint64_t seq)
{
	struct hf_receipt receipt = { .seq = seq, .at = "2026-04-20T12:00:00.000Z" };
	char text[HF_RECEIPT_TEXT_BYTES];
	struct hf_line line;
	struct hf_err err = { 0 };

	CHECK(find_line(b, seq, &line));
	memcpy(receipt.chain, line.chain, sizeof receipt.chain);
	memcpy(receipt.key, hub->public, sizeof receipt.key);
	size_t size = hf_receipt_text(&receipt, TEST_DEVICE, TEST_EPOCH, text);
	CHECK(crypto_sign_detached(receipt.sig, NULL, (const unsigned char *)text, size,
				   hub->secret) == 0);
	CHECK_OK(hf_receipts_add(b->disk, TEST_DEVICE, TEST_EPOCH, &receipt, &err));
}

static const struct hf_verified_chain *verify_chain(struct bench *b, const uint8_t *key)
{
	struct hf_err err = { 0 };
	struct hf_verify_options options = { .disk = b->disk,
					     .folder = HF_OUTBOX_FOLDER,
					     .data = true,
					     .chain = true,
					     .hub_key = key,
					     .context = b,
					     .finding = keep_first };

	b->first = (struct hf_finding){ 0 };
	CHECK_OK(hf_verify(&options, &b->report, &err));
	return &b->report.chain;
}

/* Two receipts, for lines 3 and 8 of 10, by a hub whose key is pinned. */
static struct hub setup_receipts(struct bench *b)
{
	struct hub hub = make_hub(1);
	struct hf_err err = { 0 };

	setup(b);
	countersign(b, &hub, 3);
	countersign(b, &hub, 8);
	CHECK_OK(hf_receipts_key_pin(b->disk, hub.public, &err));
	return hub;
}

/* What somebody does who knows of CRC and chain: every line behind is made anew. */
static void rewrite_from(struct bench *b, uint64_t seq)
{
	struct hf_line line;
	uint8_t chain[HF_CHAIN_BYTES];

	CHECK(find_line(b, seq - 1, &line));
	memcpy(chain, line.chain, sizeof chain);
	for (bool first = true; find_line(b, seq, &line); seq++, first = false) {
		char *data = (char *)(uintptr_t)line.data;
		char hex[2 * HF_CHAIN_BYTES + 1], crc[9];

		if (first)
			memcpy(memmem(data, line.size_bytes, "gate", 4), "yard", 4);
		hf_line_chain(chain, &line, chain);
		hf_hex(chain, sizeof chain, hex);
		memcpy(data + line.size_bytes - HF_LINE_CHAIN_END_BYTES + 10, hex, 64);
		(void)snprintf(crc, sizeof crc, "%08x",
			       hf_crc32c(0, data, line.size_bytes - HF_LINE_CRC_END_BYTES));
		memcpy(data + line.size_bytes - 11, crc, 8);
	}
}

TEST(lines_up_to_the_last_receipt_are_proven_and_no_further)
{
	struct bench b;

	(void)setup_receipts(&b);
	const struct hf_verified_chain *chain = verify_chain(&b, NULL);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(chain->receipts, ==, 2);
	CHECK_U64(chain->proven_through, ==, 8);
	CHECK_U64(chain->altered_through, ==, 0);
	fake_disk_free(b.disk);
}

TEST(a_line_altered_behind_a_receipt_is_named_exactly)
{
	struct bench b;

	(void)setup_receipts(&b);
	change_line(&b, TEST_FILE, 3, forge);
	const struct hf_verified_chain *chain = verify_chain(&b, NULL);
	CHECK_U64(chain->proven_through, ==, 3);
	CHECK_U64(chain->altered_from, ==, 4);
	CHECK_U64(chain->altered_through, ==, 4);
	fake_disk_free(b.disk);
}

TEST(a_rewritten_history_lies_between_two_receipts)
{
	struct bench b;

	(void)setup_receipts(&b);
	rewrite_from(&b, 5);
	const struct hf_verified_chain *chain = verify_chain(&b, NULL);
	/* The next header names a CRC, too: without the receipt that alone would show it. */
	CHECK_U64(b.report.found[HF_FINDING_CHAIN_BROKEN], ==, 0);
	CHECK_U64(b.report.found[HF_FINDING_RECEIPT_UNMET], ==, 1);
	CHECK_U64(chain->proven_through, ==, 3);
	CHECK_U64(chain->altered_from, ==, 4);
	CHECK_U64(chain->altered_through, ==, 8);
	fake_disk_free(b.disk);
}

TEST(lines_taken_off_the_end_are_missed_by_a_receipt)
{
	struct bench b;

	(void)setup_receipts(&b);
	fake_disk_remove(b.disk, "outbox/2026-04-21.jsonl");
	verify(&b);
	CHECK_U64(b.report.problems, ==, 0);
	const struct hf_verified_chain *chain = verify_chain(&b, NULL);
	CHECK_U64(b.report.found[HF_FINDING_RECEIPT_UNMET], ==, 1);
	CHECK_U64(chain->proven_through, ==, 3);
	CHECK_U64(chain->altered_from, ==, 4);
	CHECK_U64(chain->altered_through, ==, 8);
	fake_disk_free(b.disk);
}

TEST(a_line_taken_out_is_named_by_the_hole_it_leaves)
{
	struct bench b;

	(void)setup_receipts(&b);
	change_line(&b, TEST_FILE, 3, NULL);
	const struct hf_verified_chain *chain = verify_chain(&b, NULL);
	CHECK_U64(chain->proven_through, ==, 3);
	CHECK_U64(chain->altered_from, ==, 4);
	CHECK_U64(chain->altered_through, ==, 4);
	fake_disk_free(b.disk);
}

TEST(what_no_receipt_covered_when_the_chain_began_anew_is_excepted)
{
	struct bench b;

	(void)setup_receipts(&b);
	/* Line 5 is gone, and an event says why: line 8's signature does not reach over that. */
	change_line(&b, TEST_FILE, 4, NULL);
	fake_disk_put(b.disk, "meta/outbox_gap", "5 5 newest_gone\n", 16);
	struct hf_outbox *outbox = open_outbox(&b);
	test_append(outbox, 9);
	hf_outbox_close(outbox);
	const struct hf_verified_chain *chain = verify_chain(&b, NULL);
	CHECK_U64(b.report.problems, ==, 0);
	CHECK_U64(chain->proven_through, ==, 8);
	CHECK_U64(chain->except_from, ==, 4);
	CHECK_U64(chain->except_through, ==, 4);
	fake_disk_free(b.disk);
}

TEST(receipts_of_another_key_count_for_nothing)
{
	struct bench b;
	struct hub hub = setup_receipts(&b), other = make_hub(2);

	const struct hf_verified_chain *chain = verify_chain(&b, other.public);
	CHECK_U64(chain->receipts, ==, 0);
	CHECK_U64(chain->receipts_foreign, ==, 2);
	CHECK_U64(chain->proven_through, ==, 0);
	CHECK_U64(b.report.found[HF_FINDING_RECEIPT_WRONG], ==, 1);
	/* One that somebody else has signed does not help the forger. */
	countersign(&b, &other, 10);
	chain = verify_chain(&b, hub.public);
	CHECK_U64(chain->proven_through, ==, 8);
	CHECK_U64(chain->receipts_foreign, ==, 1);
	fake_disk_free(b.disk);
}

TESTS(RUN(an_untouched_outbox_has_no_problem), RUN(a_damaged_line_is_named),
      RUN(a_line_altered_with_a_right_crc_breaks_the_chain_and_is_named),
      RUN(a_line_taken_out_breaks_the_chain_and_leaves_numbers_missing),
      RUN(lines_taken_off_the_end_of_a_day_are_missed_by_the_next_header),
      RUN(a_missing_day_between_two_others_is_named), RUN(days_removed_from_the_front_are_a_remark),
      RUN(a_gap_with_an_event_is_no_problem_and_void_lines_are_none),
      RUN(a_tail_without_a_newline_is_a_remark), RUN(an_event_stored_twice_is_found),
      RUN(a_cursor_ahead_of_the_log_and_a_torn_one_are_problems),
      RUN(a_thumbnail_that_a_line_names_must_be_there),
      RUN(lines_only_in_the_ring_are_checked_counted_and_no_problem),
      RUN(a_hole_that_the_ring_fills_is_no_problem_before_nor_after_the_next_start),
      RUN(damage_that_the_ring_does_not_mend_is_a_problem),
      RUN(a_line_that_is_another_one_in_the_ring_is_named), RUN(a_ring_cut_short_is_a_remark),
      RUN(a_chain_that_breaks_at_a_gap_with_an_event_is_a_remark),
      RUN(the_line_with_which_the_chain_begins_is_checked_too_whatever_its_number),
      RUN(each_channel_has_a_cursor_of_its_own),
      RUN(lines_up_to_the_last_receipt_are_proven_and_no_further),
      RUN(a_line_altered_behind_a_receipt_is_named_exactly),
      RUN(a_rewritten_history_lies_between_two_receipts),
      RUN(lines_taken_off_the_end_are_missed_by_a_receipt),
      RUN(a_line_taken_out_is_named_by_the_hole_it_leaves),
      RUN(what_no_receipt_covered_when_the_chain_began_anew_is_excepted),
      RUN(receipts_of_another_key_count_for_nothing))
