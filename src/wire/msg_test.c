/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/msg.h"

#include "base/auto.h"
#include "test.h"

#include <string.h>
#include <sys/socket.h>

static uint8_t buffer[HF_MSG_BODY_BYTES_MAX];

TEST(a_message_arrives_whole_with_its_descriptor)
{
	struct hf_err err;
	int pair[2], ends[2];
	struct hf_msg msg;
	struct hf_plug plug = { .role = HF_ROLE_INFER, .index = 3 }, got;

	CHECK_OK(hf_msg_pair(pair, &err));
	assert_int_equal(pipe(ends), 0);
	CHECK_OK(hf_msg_send(pair[0], HF_MSG_PLUG, &plug, sizeof plug, &ends[1], 1, &err));
	CHECK_OK(hf_msg_receive(pair[1], buffer, &msg, &err));
	CHECK_U64(msg.type, ==, HF_MSG_PLUG);
	hf_msg_get(&msg, &got, sizeof got);
	HF_AUTO_FD passed = hf_msg_take_fd(&msg);
	CHECK_OK(hf_msg_end(&msg, &err));
	CHECK_U64(got.index, ==, 3);
	assert_int_equal(write(passed, "x", 1), 1);
	for (int i = 0; i < 2; i++) {
		(void)close(pair[i]);
		(void)close(ends[i]);
	}
}

TEST(a_body_shorter_than_its_contract_is_refused_at_the_end)
{
	struct hf_err err;
	int pair[2];
	struct hf_msg msg;
	struct hf_plug plug;

	CHECK_OK(hf_msg_pair(pair, &err));
	CHECK_OK(hf_msg_send(pair[0], HF_MSG_PLUG, "abc", 3, NULL, 0, &err));
	CHECK_OK(hf_msg_receive(pair[1], buffer, &msg, &err));
	hf_msg_get(&msg, &plug, sizeof plug);
	CHECK_U64(plug.index, ==, 0);
	CHECK_CODE(hf_msg_end(&msg, &err), HF_E_INVALID);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

TEST(bytes_that_are_no_message_are_refused)
{
	struct hf_err err;
	int pair[2];
	struct hf_msg msg;

	CHECK_OK(hf_msg_pair(pair, &err));
	assert_int_equal(send(pair[0], "hello, this is not ours", 23, 0), 23);
	CHECK_CODE(hf_msg_receive(pair[1], buffer, &msg, &err), HF_E_INVALID);
	CHECK_CODE(hf_msg_receive(pair[1], buffer, &msg, &err), HF_E_AGAIN);
	(void)close(pair[0]);
	CHECK_CODE(hf_msg_receive(pair[1], buffer, &msg, &err), HF_E_CLOSED);
	(void)close(pair[1]);
}

/* An empty packet with a descriptor in it. */
static void send_empty(int socket, int passed)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr packet = { .msg_control = control.bytes,
				 .msg_controllen = sizeof control.bytes };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&packet);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &passed, sizeof passed);
	CHECK_I64(sendmsg(socket, &packet, 0), ==, 0);
}

TEST(an_empty_packet_is_refused_without_keeping_its_descriptors_and_is_not_the_end)
{
	struct hf_err err;
	int pair[2], ends[2];
	struct hf_msg msg;
	char byte;

	CHECK_OK(hf_msg_pair(pair, &err));
	CHECK_I64(pipe(ends), ==, 0);
	send_empty(pair[0], ends[1]);
	(void)close(ends[1]);
	CHECK_CODE(hf_msg_receive(pair[1], buffer, &msg, &err), HF_E_INVALID);
	/* Nobody holds the writing end any more. */
	CHECK_I64(read(ends[0], &byte, 1), ==, 0);
	CHECK_CODE(hf_msg_receive(pair[1], buffer, &msg, &err), HF_E_AGAIN);
	(void)close(pair[0]);
	CHECK_CODE(hf_msg_receive(pair[1], buffer, &msg, &err), HF_E_CLOSED);
	(void)close(pair[1]);
	(void)close(ends[0]);
}

TEST(a_full_queue_answers_again_and_sends_nothing)
{
	struct hf_err err = { 0 };
	int pair[2];
	static uint8_t body[60000];
	enum hf_code code = HF_OK;
	unsigned sent = 0, received = 0;
	struct hf_msg msg;

	CHECK_OK(hf_msg_pair(pair, &err));
	while (code == HF_OK && sent < 10000) {
		code = hf_msg_send(pair[0], HF_MSG_STATS, body, sizeof body, NULL, 0, &err);
		sent += code == HF_OK;
	}
	CHECK_CODE(code, HF_E_AGAIN);
	while (hf_msg_receive(pair[1], buffer, &msg, &err) == HF_OK)
		received++;
	CHECK_U64(sent, ==, received);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

TEST(the_last_words_of_a_peer_that_died_are_heard)
{
	struct hf_err err = { 0 };
	int pair[2];
	struct hf_msg msg;

	/* It died with something unread: the kernel tells that before it hands out the rest. */
	CHECK_OK(hf_msg_pair(pair, &err));
	CHECK_OK(hf_msg_send(pair[1], HF_MSG_START, NULL, 0, NULL, 0, &err));
	CHECK_OK(hf_msg_send(pair[0], HF_MSG_STATS, "{}", 2, NULL, 0, &err));
	CHECK_OK(hf_msg_send(pair[0], HF_MSG_READY, NULL, 0, NULL, 0, &err));
	(void)close(pair[0]);
	CHECK_OK(hf_msg_receive(pair[1], buffer, &msg, &err));
	CHECK_U64(msg.type, ==, HF_MSG_STATS);
	CHECK_OK(hf_msg_receive(pair[1], buffer, &msg, &err));
	CHECK_U64(msg.type, ==, HF_MSG_READY);
	CHECK_CODE(hf_msg_receive(pair[1], buffer, &msg, &err), HF_E_CLOSED);
	(void)close(pair[1]);
}

TEST(only_the_roles_in_the_table_may_send)
{
	CHECK(hf_msg_allowed(HF_MSG_OFFER, HF_ROLE_RESPOND));
	CHECK(!hf_msg_allowed(HF_MSG_OFFER, HF_ROLE_INGEST));
	CHECK(!hf_msg_allowed(HF_MSG_ACK, HF_ROLE_RESPOND));
	CHECK(!hf_msg_allowed(HF_MSG_HELLO, HF_ROLE_CTL));
	CHECK(!hf_msg_allowed(HF_MSG_COUNT, HF_ROLE_SUPERVISOR));
}

TESTS(RUN(a_message_arrives_whole_with_its_descriptor),
      RUN(a_body_shorter_than_its_contract_is_refused_at_the_end),
      RUN(bytes_that_are_no_message_are_refused),
      RUN(an_empty_packet_is_refused_without_keeping_its_descriptors_and_is_not_the_end),
      RUN(a_full_queue_answers_again_and_sends_nothing),
      RUN(the_last_words_of_a_peer_that_died_are_heard), RUN(only_the_roles_in_the_table_may_send))
