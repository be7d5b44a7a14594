/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/supervisor/offers.h"

#include "test.h"

#include <string.h>

static const struct hf_event_context context = { .boot_id = "b", .release = "test" };

static struct hf_event event_of(const char *event_class)
{
	return (struct hf_event){ .event_class = event_class, .clock = "synced" };
}

static struct hf_ack ack_for(const struct hf_offer *offer)
{
	struct hf_ack ack = { .outcome = HF_ACK_COMMITTED, .local_seq = 1 };

	memcpy(ack.origin, offer->origin, sizeof ack.origin);
	return ack;
}

TEST(offers_go_out_in_order_and_leave_when_answered)
{
	struct offers *offers = offers_new(&context, 3, 7);
	struct hf_event event = event_of("unit_started");

	offers_add(offers, &event);
	offers_add(offers, &event);
	CHECK_TEXT(offers_next(offers)->origin, "3.s.7.1");
	struct hf_ack first = ack_for(offers_next(offers));
	offers_sent(offers);
	CHECK_TEXT(offers_next(offers)->origin, "3.s.7.2");
	CHECK(offers_answer(offers, &first));
	CHECK(!offers_answer(offers, &first));
	CHECK_TEXT(offers_next(offers)->origin, "3.s.7.2");
	CHECK_U64(offers_pending(offers), ==, 1);
	offers_free(offers);
}

TEST(a_restarted_keeper_is_offered_the_same_origins_again)
{
	struct offers *offers = offers_new(&context, 1, 1);
	struct hf_event event = event_of("state_changed");

	offers_add(offers, &event);
	offers_sent(offers);
	assert_null(offers_next(offers));
	offers_rewind(offers);
	CHECK_TEXT(offers_next(offers)->origin, "1.s.1.1");
	offers_free(offers);
}

TEST(what_a_full_queue_suppressed_is_counted_and_said_in_an_event)
{
	struct offers *offers = offers_new(&context, 1, 1);
	struct hf_event event = event_of("state_changed");

	for (int i = 0; i < 100; i++)
		offers_add(offers, &event);
	CHECK_U64(offers_suppressed(offers), ==, 100 - (OFFERS_MAX - 1));
	while (offers_next(offers) != NULL) {
		struct hf_ack ack = ack_for(offers_next(offers));

		offers_sent(offers);
		CHECK(offers_answer(offers, &ack));
	}
	offers_add(offers, &event);
	CHECK(strstr(offers_next(offers)->head, "\"events_suppressed\"") != NULL);
	CHECK(strstr(offers_next(offers)->tail, "\"count\":37") != NULL);
	offers_free(offers);
}

TESTS(RUN(offers_go_out_in_order_and_leave_when_answered),
      RUN(a_restarted_keeper_is_offered_the_same_origins_again),
      RUN(what_a_full_queue_suppressed_is_counted_and_said_in_an_event))
