/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/intake.h"

#include "base/auto.h"
#include "hub/test_line.h"
#include "outbox/line.h"
#include "test.h"

static struct hf_intake batch;
static struct hf_intake_fault fault;
static struct hf_err err;

static struct hf_sender sender_new(void)
{
	struct hf_sender sender;

	CHECK_OK(hf_sender_make("unit-1", TEST_EPOCH, NULL, TEST_NONCE, &sender, &err));
	return sender;
}

static enum hf_code parse(const char *body)
{
	struct hf_sender sender = sender_new();

	return hf_intake_parse(&sender, body, strlen(body), NULL, &batch, &fault, &err);
}

/* The line with one text replaced by another of any length, and sealed anew. */
static const char *line_with(const char *from, const char *to)
{
	static char line[HF_LINE_BYTES_MAX];
	char good[HF_LINE_BYTES_MAX], members[2 * HF_LINE_BYTES_MAX];

	(void)test_line_make("unit-1", TEST_EPOCH, 7, "gate", good);
	char *crc = strstr(good, ",\"crc32c\"");
	CHECK(crc != NULL);
	*crc = '\0';
	char *at = strstr(good, from);
	CHECK(at != NULL);
	(void)snprintf(members, sizeof members, "%.*s%s%s", (int)(at - good), good, to,
		       at + strlen(from));
	(void)test_line_seal(members, line);
	return line;
}

static void check_refused(const char *body, const char *word, uint64_t seq)
{
	enum hf_code code = parse(body);

	if (code != HF_E_INVALID)
		fail_msg("%s: taken (%s): %s", word, hf_code_name(code), body);
	CHECK_TEXT(fault.word, word);
	CHECK_U64(fault.seq, ==, seq);
}

TEST(good_lines_come_out_as_they_were_written)
{
	char body[2 * HF_LINE_BYTES_MAX];
	size_t first = test_line_make("unit-1", TEST_EPOCH, 7, "gate", body);
	size_t second = test_line_make("unit-1", TEST_EPOCH, 9, "yard \\u00e9", body + first);

	CHECK_OK(parse(body));
	CHECK_U64(batch.line_count, ==, 2);
	CHECK_U64(batch.lines[0].seq, ==, 7);
	CHECK_U64(batch.lines[1].seq, ==, 9);
	CHECK_U64(batch.lines[0].size_bytes, ==, first - 1);
	CHECK_U64(batch.lines[1].size_bytes, ==, second - 1);
	CHECK(memcmp(batch.lines[1].text, body + first, second - 1) == 0);
	CHECK_TEXT(batch.lines[0].event_class, "pre_action_zone_entry");
	CHECK_TEXT(batch.lines[0].state, "healthy");
	hf_intake_free(&batch);
}

/* Whatever a batch says of its lines is what the hash says; and it does say it of good ones. */
static void check_follows(struct hf_aside *aside)
{
	static char body[9 * HF_LINE_BYTES_MAX];
	struct hf_sender sender = sender_new();

	for (size_t count = 1; count <= 9; count++)
		/* broken: the line that continues another one; behind the last: none does */
		for (size_t broken = 0; broken <= count; broken++) {
			uint8_t chain[HF_CHAIN_BYTES] = { 1 }, wanted[HF_CHAIN_BYTES];
			size_t size = 0;

			for (size_t i = 0; i < count; i++) {
				chain[0] ^= i == broken;
				size += test_line_next("unit-1", TEST_EPOCH, 7 + i, "gate", chain,
						       body + size);
			}
			CHECK_OK(hf_intake_parse(&sender, body, size, aside, &batch, &fault, &err));
			CHECK(batch.lines[0].follows == NULL);
			for (size_t i = 1; i < count; i++) {
				const struct hf_intake_line *line = &batch.lines[i];

				/* Lines are looked at in twos: a last one may be left. */
				bool looked_at = i + 1 < count || i % 2 == 0;
				hf_intake_chain(line[-1].chain, line, wanted);
				CHECK((memcmp(wanted, line->chain, sizeof wanted) == 0) ==
				      (i != broken));
				CHECK((line->follows != NULL) == (looked_at && i != broken));
				if (line->follows != NULL)
					CHECK(line->follows == line[-1].chain);
			}
			hf_intake_free(&batch);
		}
}

TEST(what_follows_in_a_batch_is_known)
{
	struct hf_aside *aside;

	check_follows(NULL);
	CHECK_OK(hf_aside_start(&aside, &err));
	for (unsigned i = 0; i < 20; i++)
		check_follows(aside);
	hf_aside_stop(aside);
}

TEST(a_line_of_the_units_own_writer_is_taken)
{
	static const struct hf_event_context context = { .boot_id = "b1", .release = "0.1.0" };
	static const struct hf_origin origin = { .boot = 1, .run = 1, .n = 1, .producer = 'r' };
	static const uint8_t chain[HF_CHAIN_BYTES];
	const struct hf_line_stamp stamp = { .device_id = "unit \"1\" \xc3\xa9",
					     .epoch = TEST_EPOCH,
					     .local_seq = 7,
					     .chain_previous = chain };
	struct hf_event event = { .event_class = "pre_action_zone_entry",
				  .camera_name = "<b>\"gate\"\\\n",
				  .clock = "synced",
				  .attrs = "{\"stay\":3,\"box\":[0.5,1,2,3]}" };
	struct hf_offer offer;
	struct hf_sender sender;
	char data[HF_LINE_BYTES_MAX];
	struct hf_line line;

	CHECK_OK(hf_offer_make(&event, &context, &origin, &offer, &err));
	CHECK_OK(hf_line_make(&offer, &stamp, data, &line, &err));
	CHECK_OK(hf_sender_make(stamp.device_id, TEST_EPOCH, NULL, TEST_NONCE, &sender, &err));
	CHECK_OK(hf_intake_parse(&sender, data, line.size_bytes, NULL, &batch, &fault, &err));
	CHECK_U64(batch.lines[0].seq, ==, 7);
	CHECK_U64(batch.lines[0].crc, ==, line.crc32c);
	CHECK_TEXT(batch.lines[0].state, "healthy");
	CHECK_TEXT(batch.lines[0].release, "0.1.0");
	hf_intake_free(&batch);
}

TEST(every_flipped_bit_of_a_line_is_noticed)
{
	char good[HF_LINE_BYTES_MAX], bad[HF_LINE_BYTES_MAX];
	size_t length = test_line_make("unit-1", TEST_EPOCH, 7, "gate", good);
	struct hf_sender sender = sender_new();

	for (size_t bit = 0; bit < length * 8; bit++) {
		memcpy(bad, good, length);
		bad[bit / 8] = (char)(bad[bit / 8] ^ (1 << (bit % 8)));
		CHECK_CODE(hf_intake_parse(&sender, bad, length, NULL, &batch, &fault, &err),
			   HF_E_INVALID);
	}
}

TEST(every_line_cut_short_is_refused)
{
	char good[HF_LINE_BYTES_MAX], bad[HF_LINE_BYTES_MAX];
	size_t length = test_line_make("unit-1", TEST_EPOCH, 7, "gate", good);
	struct hf_sender sender = sender_new();

	for (size_t cut = 0; cut < length; cut++) {
		memcpy(bad, good, cut);
		CHECK_CODE(hf_intake_parse(&sender, bad, cut, NULL, &batch, &fault, &err),
			   HF_E_INVALID);
		bad[cut] = '\n';
		if (cut < length - 1)
			CHECK_CODE(
				hf_intake_parse(&sender, bad, cut + 1, NULL, &batch, &fault, &err),
				HF_E_INVALID);
	}
}

TEST(one_bad_line_condemns_the_batch_and_is_named)
{
	char body[3 * HF_LINE_BYTES_MAX];
	size_t at = test_line_make("unit-1", TEST_EPOCH, 7, "gate", body);

	at += test_line_make("unit-1", TEST_EPOCH, 8, "gate", body + at);
	body[at - 100] ^= 1;
	(void)test_line_make("unit-1", TEST_EPOCH, 9, "gate", body + at);
	check_refused(body, "crc_mismatch", 8);
	CHECK_U64(fault.line, ==, 2);
}

TEST(numbers_must_rise_within_a_batch)
{
	char body[2 * HF_LINE_BYTES_MAX];
	size_t at = test_line_make("unit-1", TEST_EPOCH, 7, "gate", body);

	(void)test_line_make("unit-1", TEST_EPOCH, 7, "gate", body + at);
	check_refused(body, "out_of_order", 7);
	(void)test_line_make("unit-1", TEST_EPOCH, 6, "gate", body + at);
	check_refused(body, "out_of_order", 6);
}

TEST(a_line_with_a_right_crc_must_still_be_an_event_of_this_sender)
{
	static const struct {
		const char *from, *to, *word;
		uint64_t seq;
	} cases[] = {
		{ "\"device_id\":\"unit-1\"", "\"device_id\":\"unit-2\"", "wrong_device", 7 },
		{ "\"epoch\":\"" TEST_EPOCH "\"", "\"epoch\":\"other\"", "wrong_epoch", 7 },
		{ "\"local_seq\":7", "\"local_seq\":0", "bad_member", 0 },
		{ "\"local_seq\":7", "\"local_seq\":-7", "bad_member", 0 },
		{ "\"local_seq\":7", "\"local_seq\":7.0", "bad_member", 7 },
		{ "\"local_seq\":7", "\"local_seq\":9007199254740993", "bad_member", 0 },
		{ "\"local_seq\":7", "\"local_seq\":99999999999999999999", "not_json", 0 },
		{ "\"local_seq\":7", "\"local_seq\":\"7\"", "bad_member", 0 },
		{ "\"camera_name\":\"gate\"", "\"camera_name\":7", "bad_member", 7 },
		{ "\"dwell_seconds\":1.5", "\"dwell_seconds\":\"1\"", "bad_member", 7 },
		{ "\"attrs\":{}", "\"attrs\":[]", "bad_member", 7 },
		{ "\"attrs\":{}", "\"attrs\":{\"a\":1,\"a\":2}", "not_json", 7 },
		{ "\"attrs\":{}", "\"attrs\":{},\"received_at\":\"x\"", "bad_member", 7 },
		{ "\"attrs\":{}", "\"attrs\":{},\"hub_row\":1", "bad_member", 7 },
		{ "\"zone_id\":\"z1\"", "\"zone_id\":\"z1\",\"zone_id\":\"z2\"", "not_json", 7 },
		{ "\"zone_id\":\"z1\"", "\"zone_id\":\"z\\u0000\"", "not_json", 7 },
		{ "\"zone_id\":\"z1\"", "\"zone_id\":\"\xff\"", "not_json", 7 },
		{ "\"event_class\":\"pre_action_zone_entry\"", "\"event_class\":\"\"", "bad_member",
		  7 },
		{ ",\"chain\":\"", ",\"chain\":\"g", "too_long", 7 },
		{ ",\"chain\":\"", ",\"chain\":\"g\",\"other\":\"", "bad_member", 7 },

		{ "\"state\":\"healthy\",", "", "bad_member", 7 },
		{ "{\"device_id\"", "[\"device_id\"", "not_json", 7 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_refused(line_with(cases[i].from, cases[i].to), cases[i].word, cases[i].seq);
}

static uint64_t chance;

static size_t below(size_t limit)
{
	chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (size_t)((chance >> 33) % limit);
}

/* Somewhere in members, not in the brace at their beginning. */
static size_t mutate(char *members, size_t size_bytes)
{
	static const char *const pieces[] = {
		"\"",
		"\\",
		"\\u0041",
		"\\u0000",
		"{",
		"}",
		"[",
		",",
		":",
		"0",
		"-",
		"-0",
		".",
		"00",
		"e1",
		"1e999",
		"null",
		"true",
		"\t",
		"\x01",
		"\x7f",
		"\xff",
		" ",
		"\xc3\xa9",
		"\"a\":1",
		"\",\"",
		"\"\"",
		"1.0000",
		"9007199254740993",
		",\"hub_row\":1",
		",\"origin\":\"x\"",
		",\"a\":{\"a\":[{}]}",
		",\"\\u0061\":1",
	};
	size_t at = 1 + below(size_bytes - 1);
	const char *piece = pieces[below(HF_ARRAY_LEN(pieces))];
	size_t piece_bytes = strlen(piece), cut = below(3) == 0 ? 1 + below(12) : 0;

	/* In what is looked at by other means than the rest, half of the time. */
	const char *late = memmem(members, size_bytes, ",\"state\"", 8);
	if (late != NULL && below(2) == 0)
		at = (size_t)(late - members) + below(size_bytes - (size_t)(late - members));
	if (below(4) == 0) {
		members[at] = (char)(1 + below(255));
		return size_bytes;
	}
	if (cut > size_bytes - at)
		cut = size_bytes - at;
	memmove(members + at + piece_bytes, members + at + cut, size_bytes - at - cut);
	memcpy(members + at, piece, piece_bytes);
	return size_bytes + piece_bytes - cut;
}

/* The line of these members, and behind the brace what sends it the general way. */
static enum hf_code parse_members(const char *members, const char *space,
				  struct hf_intake_line *ret_line)
{
	static const char end[] = ",\"chain\":\""
				  "00112233445566778899aabbccddeeff"
				  "00112233445566778899aabbccddeeff\"";
	static char whole[HF_LINE_BYTES_MAX], line[HF_LINE_BYTES_MAX];

	(void)snprintf(whole, sizeof whole, "{%s%s%s", space, members + 1, end);
	(void)test_line_seal(whole, line);
	enum hf_code code = parse(line);
	if (code == HF_OK) {
		*ret_line = batch.lines[0];
		hf_intake_free(&batch);
	}
	return code;
}

static void check_both_ways(const char *members)
{
	struct hf_intake_line usual, general;
	struct hf_intake_fault usual_fault;
	enum hf_code usual_code = parse_members(members, "", &usual);

	usual_fault = fault;
	if (parse_members(members, " ", &general) != usual_code)
		fail_msg("taken one way, refused the other (%s): %s", err.text, members);
	if (usual_code != HF_OK) {
		CHECK_TEXT(usual_fault.word, fault.word);
		CHECK_U64(usual_fault.seq, ==, fault.seq);
		return;
	}
	CHECK_U64(usual.seq, ==, general.seq);
	CHECK_TEXT(usual.event_class, general.event_class);
	CHECK_TEXT(usual.state, general.state);
	CHECK_TEXT(usual.release, general.release);
	CHECK(memcmp(usual.chain, general.chain, sizeof usual.chain) == 0);
	CHECK_U64(usual.size_bytes + 1, ==, general.size_bytes);
}

/* A line as units write it is looked at with less work than one that has, say, a space behind its
 * first brace. Whether it is taken, as what, and why not must not depend on that. */
TEST(the_short_way_and_the_general_one_say_the_same)
{
	static const char *const attrs[] = {
		"{}",
		"{\"score\":0.87,\"stay\":3}",
		"{\"a\":[1,-2.5e3,{\"b\":true,\"c\":{\"b\":null}}]}",
		"{\"c\":\"\\u00e9\\ud83d\\ude00\"}",
		"{ \"a\" : 123456789012345678 , \"b\":\"\xc3\xa9\" }",
	};

	chance = 1;
	for (size_t i = 0; i < 30000; i++) {
		char members[HF_LINE_BYTES_MAX], wanted[256];

		(void)snprintf(wanted, sizeof wanted, "\"attrs\":%s",
			       attrs[i % HF_ARRAY_LEN(attrs)]);
		(void)snprintf(members, sizeof members, "%s", line_with("\"attrs\":{}", wanted));
		*strstr(members, ",\"chain\":") = '\0';
		for (size_t n = below(3); n < 3; n++) {
			check_both_ways(members);
			members[mutate(members, strlen(members))] = '\0';
		}
		check_both_ways(members);
	}
}

/* Then nobody can say which bytes it covers. */
TEST(a_chain_that_does_not_stand_right_before_the_crc_is_refused)
{
	char line[HF_LINE_BYTES_MAX], members[HF_LINE_BYTES_MAX - 32];
	size_t length = test_line_make("unit-1", TEST_EPOCH, 7, "gate", line);

	(void)snprintf(members, sizeof members, "%.*s,\"later\":1", (int)length - 22, line);
	(void)test_line_seal(members, line);
	check_refused(line, "bad_member", 7);
}

TEST(a_request_may_carry_lines_of_the_epoch_it_was_forked_from_and_no_others)
{
	char line[HF_LINE_BYTES_MAX];
	struct hf_sender sender;
	size_t length = test_line_make("unit-1", TEST_EPOCH, 7, "gate", line);

	CHECK_OK(hf_sender_make("unit-1", "e2", TEST_EPOCH, TEST_NONCE, &sender, &err));
	CHECK_OK(hf_intake_parse(&sender, line, length, NULL, &batch, &fault, &err));
	CHECK_TEXT(batch.sender.epoch, "e2");
	hf_intake_free(&batch);
	length = test_line_make("unit-1", "e2", 7, "gate", line);
	CHECK_CODE(hf_intake_parse(&sender, line, length, NULL, &batch, &fault, &err),
		   HF_E_INVALID);
	CHECK_TEXT(fault.word, "wrong_epoch");
	CHECK_CODE(hf_sender_make("a", "e2", "e2", TEST_NONCE, &sender, &err), HF_E_INVALID);
	CHECK_CODE(hf_sender_make("a", "e2", "e e", TEST_NONCE, &sender, &err), HF_E_INVALID);
}

TEST(a_line_over_the_limit_is_refused)
{
	char camera[HF_LINE_BYTES_MAX], line[3 * HF_LINE_BYTES_MAX], members[2 * HF_LINE_BYTES_MAX];

	memset(camera, 'a', sizeof camera);
	camera[sizeof camera - 1] = '\0';
	(void)snprintf(members, sizeof members, "{\"local_seq\":7,\"camera_name\":\"%s\"", camera);
	(void)snprintf(line, sizeof line, "%s,\"crc32c\":\"%08x\"}\n", members,
		       hf_crc32c(0, members, strlen(members)));
	check_refused(line, "too_long", 7);
	memset(camera, 'a', 64);
	camera[64] = '\0';
	(void)snprintf(members, sizeof members, "\"event_class\":\"%s\"", camera);
	check_refused(line_with("\"event_class\":\"pre_action_zone_entry\"", members), "too_long",
		      7);
}

TEST(headers_that_are_missing_or_no_ids_are_refused)
{
	struct hf_sender sender;

	CHECK_CODE(hf_sender_make(NULL, TEST_EPOCH, NULL, TEST_NONCE, &sender, &err), HF_E_INVALID);
	CHECK_CODE(hf_sender_make("", TEST_EPOCH, NULL, TEST_NONCE, &sender, &err), HF_E_INVALID);
	CHECK_CODE(hf_sender_make("a\x01", TEST_EPOCH, NULL, TEST_NONCE, &sender, &err),
		   HF_E_INVALID);
	CHECK_CODE(hf_sender_make("\xff", TEST_EPOCH, NULL, TEST_NONCE, &sender, &err),
		   HF_E_INVALID);
	CHECK_CODE(hf_sender_make("a", NULL, NULL, TEST_NONCE, &sender, &err), HF_E_INVALID);
	CHECK_CODE(hf_sender_make("a", "e e", NULL, TEST_NONCE, &sender, &err), HF_E_INVALID);
	CHECK_CODE(hf_sender_make("a", TEST_EPOCH, NULL, NULL, &sender, &err), HF_E_INVALID);
	CHECK_CODE(hf_sender_make("a", TEST_EPOCH, NULL, "12", &sender, &err), HF_E_INVALID);
	CHECK_CODE(hf_sender_make("a", TEST_EPOCH, NULL, "x123456789abcdef0123456789abcdef",
				  &sender, &err),
		   HF_E_INVALID);
}

TEST(more_lines_than_the_limit_are_refused_before_they_are_read)
{
	static char body[HF_INTAKE_LINES_MAX + 2];

	memset(body, '\n', HF_INTAKE_LINES_MAX + 1);
	CHECK_CODE(parse(body), HF_E_LIMIT);
}

TESTS(RUN(good_lines_come_out_as_they_were_written), RUN(what_follows_in_a_batch_is_known),
      RUN(a_line_of_the_units_own_writer_is_taken), RUN(every_flipped_bit_of_a_line_is_noticed),
      RUN(every_line_cut_short_is_refused), RUN(one_bad_line_condemns_the_batch_and_is_named),
      RUN(numbers_must_rise_within_a_batch),
      RUN(a_line_with_a_right_crc_must_still_be_an_event_of_this_sender),
      RUN(the_short_way_and_the_general_one_say_the_same),
      RUN(a_chain_that_does_not_stand_right_before_the_crc_is_refused),
      RUN(a_request_may_carry_lines_of_the_epoch_it_was_forked_from_and_no_others),
      RUN(a_line_over_the_limit_is_refused), RUN(headers_that_are_missing_or_no_ids_are_refused),
      RUN(more_lines_than_the_limit_are_refused_before_they_are_read))
