/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink/answer.h"

#include "base/auto.h"

#include <string.h>

#include "test.h"

#define ECHO_         "\"device_id\":\"unit-7\",\"epoch\":\"e1\",\"nonce\":\"00ff\","
#define GOOD          "{" ECHO_ "\"acked_through\":20}"
#define REFUSAL       "{\"error\":\"nope\",\"message\":\"because\"}"
#define JSON          "application/json"
#define BODY(s)       .body = (s), .body_bytes = sizeof(s) - 1
#define RESPONSE(...) ((struct hf_response){ __VA_ARGS__ })

static const struct hf_sent sent = {
	.device_id = "unit-7", .epoch = "e1", .nonce = "00ff", .first_seq = 11, .last_seq = 20
};

static struct hf_answer judge(struct hf_response response)
{
	struct hf_answer answer;

	hf_answer_judge(&response, &sent, &answer);
	CHECK(answer.text[0] != '\0');
	return answer;
}

static enum hf_verdict verdict_of_200(const char *body)
{
	return judge((struct hf_response){ .status = 200,
					   .content_type = JSON,
					   .body = body,
					   .body_bytes = strlen(body) })
		.verdict;
}

TEST(a_strict_success_is_delivered)
{
	struct hf_answer answer = judge(RESPONSE(.status = 200, .content_type = JSON, BODY(GOOD)));

	CHECK_U64(answer.verdict, ==, HF_VERDICT_DELIVERED);
	CHECK_U64(answer.acked_through, ==, 20);
}

TEST(parameters_of_the_type_and_further_keys_are_allowed)
{
	static const char *const types[] = { "application/json; charset=utf-8", "Application/JSON",
					     "application/json ;x=y" };

	for (size_t i = 0; i < HF_ARRAY_LEN(types); i++)
		CHECK_U64(judge(RESPONSE(.status = 200, .content_type = types[i], BODY(GOOD)))
				  .verdict,
			  ==, HF_VERDICT_DELIVERED);
	CHECK_U64(verdict_of_200("{" ECHO_ "\"receipt\":{\"a\":[1.5]},\"acked_through\":11}\n"), ==,
		  HF_VERDICT_DELIVERED);
}

#define HEX32 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define RECEIPT                                                                                   \
	"\"seq\":20,\"chain\":\"" HEX32 "\",\"at\":\"2026-04-20T02:17:33.123Z\",\"key\":\"" HEX32 \
	"\",\"sig\":\"" HEX32 HEX32 "\""

TEST(mark_and_receipt_are_taken_out_of_a_delivery)
{
	struct hf_answer answer = judge(
		RESPONSE(.status = 200, .content_type = JSON,
			 BODY("{" ECHO_ "\"acked_through\":20,\"mark\":31,\"receipt\":{" RECEIPT
			      "}}")));

	CHECK_U64(answer.verdict, ==, HF_VERDICT_DELIVERED);
	CHECK_U64(answer.mark, ==, 31);
	CHECK(answer.has_receipt && !answer.receipt_malformed);
	CHECK_U64(answer.receipt.seq, ==, 20);
	CHECK_U64(answer.receipt.chain[1], ==, 0x11);
	CHECK_U64(answer.receipt.sig[63], ==, 0xff);
	CHECK_TEXT(answer.receipt.at, "2026-04-20T02:17:33.123Z");
}

TEST(a_malformed_receipt_is_left_out_and_the_delivery_stays_one)
{
	static const struct {
		const char *from, *to;
	} changes[] = {
		{ "\"seq\":20", "\"seq\":21" },
		{ "\"seq\":20", "\"seq\":10" },
		{ "\"seq\":20", "\"seq\":\"20\"" },
		{ "\"chain\":\"00", "\"chain\":\"0" },
		{ "\"chain\":\"00", "\"chain\":\"g0" },
		{ "\"key\":\"00", "\"key\":\"0000" },
		{ "123Z", "123" },
		{ "\"sig\":\"", "\"sig\":\"00" },

		{ "\"key\"", "\"kay\"" },
	};
	static const char *const whole[] = { "null", "[]", "7", "{}", "\"x\"" };
	static const char good[] = "{" RECEIPT "}";
	char body[1024], receipt[512];

	for (size_t i = 0; i < HF_ARRAY_LEN(changes) + HF_ARRAY_LEN(whole); i++) {
		if (i < HF_ARRAY_LEN(changes)) {
			const char *at = strstr(good, changes[i].from);

			CHECK(at != NULL);
			(void)snprintf(receipt, sizeof receipt, "%.*s%s%s", (int)(at - good), good,
				       changes[i].to, at + strlen(changes[i].from));
		} else {
			(void)snprintf(receipt, sizeof receipt, "%s",
				       whole[i - HF_ARRAY_LEN(changes)]);
		}
		(void)snprintf(body, sizeof body,
			       "{" ECHO_ "\"acked_through\":20,\"mark\":19,\"receipt\":%s}",
			       receipt);
		struct hf_answer answer = judge((struct hf_response){ .status = 200,
								      .content_type = JSON,
								      .body = body,
								      .body_bytes = strlen(body) });
		CHECK_U64(answer.verdict, ==, HF_VERDICT_DELIVERED);
		CHECK(!answer.has_receipt && answer.receipt_malformed);
		/* Below what it acknowledges: it makes no sense. */
		CHECK_U64(answer.mark, ==, 0);
	}
}

TEST(a_partial_acknowledgement_is_taken_at_its_word)
{
	static const char none[] = "{" ECHO_ "\"acked_through\":10}";
	static const char some[] = "{" ECHO_ "\"acked_through\":15}";
	struct hf_answer answer = judge(RESPONSE(.status = 200, .content_type = JSON, BODY(none)));

	CHECK_U64(answer.verdict, ==, HF_VERDICT_DELIVERED);
	CHECK_U64(answer.acked_through, ==, 10);
	answer = judge(RESPONSE(.status = 200, .content_type = JSON, BODY(some)));
	CHECK_U64(answer.acked_through, ==, 15);
}

TEST(no_other_status_is_a_success_even_with_a_good_body)
{
	static const long statuses[] = { 0,   100, 199, 201, 202, 203, 204, 206, 301, 302,
					 304, 307, 308, 400, 404, 407, 410, 418, 429, 451,
					 500, 502, 503, 504, 511, 599, 999, -1 };

	for (size_t i = 0; i < HF_ARRAY_LEN(statuses); i++)
		CHECK_U64(judge(RESPONSE(.status = statuses[i], .content_type = JSON, BODY(GOOD)))
				  .verdict,
			  ==, HF_VERDICT_RETRY);
}

TEST(a_portals_page_is_not_a_delivery)
{
	static const char page[] = "<html><body>Please accept our terms</body></html>";

	CHECK_U64(judge(RESPONSE(.status = 200, .content_type = "text/html", BODY(page))).verdict,
		  ==, HF_VERDICT_RETRY);
	CHECK_U64(judge(RESPONSE(.status = 200, .content_type = JSON, BODY(page))).verdict, ==,
		  HF_VERDICT_RETRY);
}

TEST(another_content_type_is_not_a_delivery)
{
	static const char *const types[] = { NULL,
					     "",
					     "text/html",
					     "text/json",
					     "application/jsonx",
					     "application/json+ld",
					     "application/problem+json",
					     " application/json" };

	for (size_t i = 0; i < HF_ARRAY_LEN(types); i++)
		CHECK_U64(judge(RESPONSE(.status = 200, .content_type = types[i], BODY(GOOD)))
				  .verdict,
			  ==, HF_VERDICT_RETRY);
}

TEST(no_prefix_of_a_good_body_is_a_delivery)
{
	for (size_t length = 0; length < strlen(GOOD); length++)
		CHECK_U64(judge((struct hf_response){ .status = 200,
						      .content_type = JSON,
						      .body = GOOD,
						      .body_bytes = length })
				  .verdict,
			  ==, HF_VERDICT_RETRY);
	CHECK_U64(judge(RESPONSE(.status = 200, .content_type = JSON)).verdict, ==,
		  HF_VERDICT_RETRY);
}

TEST(whatever_is_not_one_strict_object_is_not_a_delivery)
{
	static const char *const bodies[] = {
		"[" GOOD "]",
		GOOD GOOD,
		GOOD "x",
		"\xef\xbb\xbf" GOOD,
		"null",
		"20",
		"{}",
		"{" ECHO_ "\"acked_through\":20,}",
		"{" ECHO_ "\"acked_through\":20,\"x\":\"\xff\"}",
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(bodies); i++)
		CHECK_U64(verdict_of_200(bodies[i]), ==, HF_VERDICT_RETRY);
}

TEST(an_echo_that_differs_is_not_a_delivery)
{
	static const char *const bodies[] = {
		"{\"device_id\":\"unit-8\",\"epoch\":\"e1\",\"nonce\":\"00ff\",\"acked_through\":"
		"20}",
		"{\"device_id\":\"unit-7\",\"epoch\":\"e2\",\"nonce\":\"00ff\",\"acked_through\":"
		"20}",
		"{\"device_id\":\"unit-7\",\"epoch\":\"e1\",\"nonce\":\"00fe\",\"acked_through\":"
		"20}",
		"{\"device_id\":\"unit-7\",\"epoch\":\"e1\",\"nonce\":\"00FF\",\"acked_through\":"
		"20}",
		"{\"device_id\":\"unit-7\",\"epoch\":\"e1\",\"nonce\":255,\"acked_through\":20}",
		"{\"device_id\":\"unit-7\",\"epoch\":\"e1\",\"nonce\":null,\"acked_through\":20}",
		"{\"device_id\":\"unit-7\",\"epoch\":\"e1\",\"acked_through\":20}",
		"{\"device_id\":\"unit-7\",\"nonce\":\"00ff\",\"acked_through\":20}",
		"{\"epoch\":\"e1\",\"nonce\":\"00ff\",\"acked_through\":20}",
		"{\"device_id\":\"unit-7\\u0000\",\"epoch\":\"e1\",\"nonce\":\"00ff\",\"acked_"
		"through\":20}",
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(bodies); i++)
		CHECK_U64(verdict_of_200(bodies[i]), ==, HF_VERDICT_RETRY);
}

TEST(wrong_numbers_are_not_a_delivery)
{
	static const char *const numbers[] = {
		"9",
		"0",
		"21",
		"-1",
		"-20",
		"20.0",
		"20.5",
		"2e1",
		"\"20\"",
		"null",
		"true",
		"[20]",
		"9007199254740993",
		"9223372036854775807",
		"18446744073709551615",
		"18446744073709551636",
		"1e400",
		"020",
		"+20",
		"0x14",
		"NaN",
		"",
	};
	char body[256];

	for (size_t i = 0; i < HF_ARRAY_LEN(numbers); i++) {
		(void)snprintf(body, sizeof body, "{" ECHO_ "\"acked_through\":%s}", numbers[i]);
		CHECK_U64(verdict_of_200(body), ==, HF_VERDICT_RETRY);
	}
	CHECK_U64(verdict_of_200("{" ECHO_ "\"acked\":20}"), ==, HF_VERDICT_RETRY);
}

TEST(two_to_the_53_plus_one_is_refused_even_in_range)
{
	struct hf_sent far = sent;
	struct hf_answer answer;
	static const char at[] = "{" ECHO_ "\"acked_through\":9007199254740992}";
	static const char above[] = "{" ECHO_ "\"acked_through\":9007199254740993}";

	far.last_seq = UINT64_C(9007199254740999);
	struct hf_response response = RESPONSE(.status = 200, .content_type = JSON, BODY(above));
	hf_answer_judge(&response, &far, &answer);
	CHECK_U64(answer.verdict, ==, HF_VERDICT_RETRY);
	response = RESPONSE(.status = 200, .content_type = JSON, BODY(at));
	hf_answer_judge(&response, &far, &answer);
	CHECK_U64(answer.verdict, ==, HF_VERDICT_DELIVERED);
}

TEST(a_key_given_twice_is_not_a_delivery)
{
	CHECK_U64(verdict_of_200("{" ECHO_ "\"acked_through\":20,\"acked_through\":20}"), ==,
		  HF_VERDICT_RETRY);
	CHECK_U64(verdict_of_200("{" ECHO_ "\"acked_through\":11,\"acked_through\":20}"), ==,
		  HF_VERDICT_RETRY);
	CHECK_U64(verdict_of_200("{" ECHO_ "\"nonce\":\"00ff\",\"acked_through\":20}"), ==,
		  HF_VERDICT_RETRY);
}

TEST(a_body_that_was_cut_or_never_came_whole_is_not_a_delivery)
{
	CHECK_U64(judge(RESPONSE(.status = 200, .content_type = JSON, BODY(GOOD), .body_cut = true))
			  .verdict,
		  ==, HF_VERDICT_RETRY);
	struct hf_answer answer = judge(RESPONSE(.status = 200, .content_type = JSON, BODY(GOOD),
						 .failure = "connection reset"));
	CHECK_U64(answer.verdict, ==, HF_VERDICT_RETRY);
	CHECK_TEXT(answer.text, "connection reset");
}

TEST(deep_nesting_is_refused_not_followed)
{
	size_t depth = 30000;
	HF_AUTO_FREE char *body = malloc(depth);

	CHECK(body != NULL);
	memset(body, '[', depth);
	struct hf_answer answer = judge((struct hf_response){
		.status = 200, .content_type = JSON, .body = body, .body_bytes = depth });
	CHECK_U64(answer.verdict, ==, HF_VERDICT_RETRY);
}

TEST(refused_credentials_block)
{
	static const long statuses[] = { 401, 403 };

	for (size_t i = 0; i < HF_ARRAY_LEN(statuses); i++) {
		struct hf_answer answer =
			judge(RESPONSE(.status = statuses[i], .content_type = JSON, BODY(REFUSAL)));
		CHECK_U64(answer.verdict, ==, HF_VERDICT_BLOCKED);
		CHECK(strstr(answer.text, "nope") != NULL &&
		      strstr(answer.text, "because") != NULL);
	}
}

TEST(a_refusal_that_the_hub_did_not_write_is_tried_again)
{
	static const long statuses[] = { 401, 403, 409, 422 };
	static const char page[] = "<html>log in</html>";
	static const char no_text[] = "{\"error\":5,\"seq\":12}";

	for (size_t i = 0; i < HF_ARRAY_LEN(statuses); i++) {
		CHECK_U64(judge(RESPONSE(.status = statuses[i], .content_type = "text/html",
					 BODY(page)))
				  .verdict,
			  ==, HF_VERDICT_RETRY);
		CHECK_U64(judge(RESPONSE(.status = statuses[i], .content_type = "text/html",
					 BODY(REFUSAL)))
				  .verdict,
			  ==, HF_VERDICT_RETRY);
		CHECK_U64(
			judge(RESPONSE(.status = statuses[i], .content_type = JSON, BODY(no_text)))
				.verdict,
			==, HF_VERDICT_RETRY);
		CHECK_U64(judge(RESPONSE(.status = statuses[i])).verdict, ==, HF_VERDICT_RETRY);
	}
}

TEST(an_identity_conflict_is_its_own_verdict)
{
	static const char with[] = "{\"error\":\"conflict\",\"message\":\"m\",\"seq\":14}";
	struct hf_answer answer =
		judge(RESPONSE(.status = 409, .content_type = JSON, BODY(REFUSAL)));

	CHECK_U64(answer.verdict, ==, HF_VERDICT_CONFLICT);
	CHECK_U64(answer.seq, ==, 0);
	answer = judge(RESPONSE(.status = 409, .content_type = JSON, BODY(with)));
	CHECK_U64(answer.verdict, ==, HF_VERDICT_CONFLICT);
	CHECK_U64(answer.seq, ==, 14);
}

TEST(a_fork_is_a_conflict_that_says_so)
{
	struct hf_answer answer =
		judge(RESPONSE(.status = 409, .content_type = JSON,
			       BODY("{\"error\":\"chain_fork\",\"message\":\"m\",\"seq\":12}")));

	CHECK_U64(answer.verdict, ==, HF_VERDICT_CONFLICT);
	CHECK(answer.fork);
	CHECK_U64(answer.seq, ==, 12);
	answer = judge(RESPONSE(.status = 422, .content_type = JSON,
				BODY("{\"error\":\"chain_fork\",\"seq\":12}")));
	CHECK(!answer.fork);
}

TEST(a_rejected_line_must_be_one_that_was_sent)
{
	static const struct {
		const char *seq;
		enum hf_verdict verdict;
	} cases[] = {
		{ "11", HF_VERDICT_REJECTED }, { "20", HF_VERDICT_REJECTED },
		{ "10", HF_VERDICT_RETRY },    { "21", HF_VERDICT_RETRY },
		{ "0", HF_VERDICT_RETRY },     { "-12", HF_VERDICT_RETRY },
		{ "12.0", HF_VERDICT_RETRY },  { "\"12\"", HF_VERDICT_RETRY },
	};
	char body[128];

	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
		(void)snprintf(body, sizeof body,
			       "{\"error\":\"bad\",\"message\":\"m\",\"seq\":%s}", cases[i].seq);
		CHECK_U64(judge((struct hf_response){ .status = 422,
						      .content_type = JSON,
						      .body = body,
						      .body_bytes = strlen(body) })
				  .verdict,
			  ==, cases[i].verdict);
	}
	CHECK_U64(judge(RESPONSE(.status = 422, .content_type = JSON, BODY(REFUSAL))).verdict, ==,
		  HF_VERDICT_RETRY);
}

TEST(a_large_batch_asks_for_a_smaller_one)
{
	CHECK_U64(judge(RESPONSE(.status = 413)).verdict, ==, HF_VERDICT_TOO_LARGE);
}

TEST(a_busy_hub_says_when)
{
	static const long statuses[] = { 429, 503 };

	for (size_t i = 0; i < HF_ARRAY_LEN(statuses); i++) {
		struct hf_answer answer =
			judge(RESPONSE(.status = statuses[i], .retry_after_ms = 7000));
		CHECK_U64(answer.verdict, ==, HF_VERDICT_RETRY);
		CHECK_I64(answer.retry_after_ms, ==, 7000);
	}
	CHECK_I64(judge(RESPONSE(.status = 500, .retry_after_ms = 7000)).retry_after_ms, ==, 0);
}

TEST(foreign_bytes_in_a_text_become_harmless)
{
	static const char body[] = "{\"error\":\"a\\nb\",\"message\":\"\\u001b[31m \xc3\xa4\"}";
	struct hf_answer answer = judge(RESPONSE(.status = 401, .content_type = JSON, BODY(body)));

	for (const char *c = answer.text; *c != '\0'; c++)
		CHECK((unsigned char)*c >= 0x20);
	CHECK(strstr(answer.text, "\xc3\xa4") != NULL);
	answer = judge(RESPONSE(.status = 200, .content_type = "text/\xff\x01", BODY(GOOD)));
	CHECK(strchr(answer.text, '\xff') == NULL);
}

TESTS(RUN(mark_and_receipt_are_taken_out_of_a_delivery),
      RUN(a_malformed_receipt_is_left_out_and_the_delivery_stays_one),
      RUN(a_fork_is_a_conflict_that_says_so), RUN(a_strict_success_is_delivered),
      RUN(parameters_of_the_type_and_further_keys_are_allowed),
      RUN(a_partial_acknowledgement_is_taken_at_its_word),
      RUN(no_other_status_is_a_success_even_with_a_good_body),
      RUN(a_portals_page_is_not_a_delivery), RUN(another_content_type_is_not_a_delivery),
      RUN(no_prefix_of_a_good_body_is_a_delivery),
      RUN(whatever_is_not_one_strict_object_is_not_a_delivery),
      RUN(an_echo_that_differs_is_not_a_delivery), RUN(wrong_numbers_are_not_a_delivery),
      RUN(two_to_the_53_plus_one_is_refused_even_in_range),
      RUN(a_key_given_twice_is_not_a_delivery),
      RUN(a_body_that_was_cut_or_never_came_whole_is_not_a_delivery),
      RUN(deep_nesting_is_refused_not_followed), RUN(refused_credentials_block),
      RUN(a_refusal_that_the_hub_did_not_write_is_tried_again),
      RUN(an_identity_conflict_is_its_own_verdict), RUN(a_rejected_line_must_be_one_that_was_sent),
      RUN(a_large_batch_asks_for_a_smaller_one), RUN(a_busy_hub_says_when),
      RUN(foreign_bytes_in_a_text_become_harmless))
