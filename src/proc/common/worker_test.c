/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker under a supervisor that is this test: both live in one process, and descriptor 3 is
 * one end of a socket pair.
 */
#include "proc/common/worker.h"

#include "base/auto.h"
#include "base/file.h"
#include "test.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

static struct hf_err err;
static uint8_t buffer[HF_MSG_BODY_BYTES_MAX];

struct bench {
	struct hf_worker *worker;
	int supervisor; /* our end of the control link */
	bool one_by_one;
	unsigned plugs, messages, gone, starts;
	struct hf_link *gone_link;
	char order[16]; /* who said each message */
	char restored[16];
};

static enum hf_code on_plug(void *context, struct hf_link *link, uint64_t ring_id, int ring_fd,
			    struct hf_err *plug_err)
{
	struct bench *b = context;
	HF_AUTO_FD fd = ring_fd;

	(void)plug_err;
	CHECK(link->fd >= 0);
	CHECK((ring_id != 0) == (fd >= 0));
	b->plugs++;
	return HF_OK;
}

static enum hf_code on_message(void *context, struct hf_link *link, struct hf_msg *msg,
			       struct hf_err *message_err)
{
	struct bench *b = context;
	struct hf_ack ack;

	hf_msg_get(msg, &ack, sizeof ack);
	if (b->messages < sizeof b->order - 1)
		b->order[b->messages] = (char)('0' + link->index);
	b->messages++;
	return hf_msg_end(msg, message_err);
}

static enum hf_code on_restore(void *context, const uint8_t *data, size_t size_bytes,
			       struct hf_err *restore_err)
{
	struct bench *b = context;

	(void)restore_err;
	CHECK_U64(size_bytes, <, sizeof b->restored);
	memcpy(b->restored, data, size_bytes);
	return HF_OK;
}

static enum hf_code on_start(void *context, struct hf_err *start_err)
{
	(void)start_err;
	((struct bench *)context)->starts++;
	return HF_OK;
}

static void on_gone(void *context, struct hf_link *link)
{
	struct bench *b = context;

	b->gone++;
	b->gone_link = link;
}

static int memfd(const void *data, size_t size_bytes)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_OK(hf_write_all(fd, data, size_bytes, &err));
	return fd;
}

static void connect_link(struct bench *b)
{
	int pair[2];

	/* Or the pair would get number 3 itself. */
	CHECK_I64(dup2(STDERR_FILENO, HF_WORKER_CONTROL_FD), ==, HF_WORKER_CONTROL_FD);
	CHECK_OK(hf_msg_pair(pair, &err));
	CHECK_I64(dup2(pair[1], HF_WORKER_CONTROL_FD), ==, HF_WORKER_CONTROL_FD);
	(void)close(pair[1]);
	b->supervisor = pair[0];
}

static void say_hello(struct bench *b, enum hf_role role, const struct hf_config *config,
		      size_t pulse_bytes)
{
	static const struct hf_pulse pulse;
	struct hf_hello hello = { .role = (uint32_t)role, .index = 4 };
	HF_AUTO_FD config_fd = memfd(config, sizeof *config);
	HF_AUTO_FD pulse_fd = memfd(&pulse, pulse_bytes);
	int fds[] = { config_fd, pulse_fd };

	CHECK_OK(hf_msg_send(b->supervisor, HF_MSG_HELLO, &hello, sizeof hello, fds, 2, &err));
}

static enum hf_code open_worker(struct bench *b)
{
	const struct hf_worker_ops ops = { .context = b,
					   .on_restore = on_restore,
					   .on_plug = on_plug,
					   .on_start = on_start,
					   .on_message = on_message,
					   .on_gone = on_gone,
					   .one_by_one = b->one_by_one };

	return hf_worker_open(HF_ROLE_RESPOND, &ops, &b->worker, &err);
}

static struct bench bench_new(void)
{
	static struct hf_config config;
	struct bench b = { 0 };

	hf_config_defaults(&config);
	connect_link(&b);
	say_hello(&b, HF_ROLE_RESPOND, &config, sizeof(struct hf_pulse));
	return b;
}

static void bench_free(struct bench *b)
{
	hf_worker_close(b->worker);
	(void)close(b->supervisor);
	(void)close(HF_WORKER_CONTROL_FD);
}

/* A link from a keeper; our end. */
static int plug_keeper_of(struct bench *b, uint32_t index)
{
	const struct hf_plug plug = { .role = HF_ROLE_KEEPER, .index = index };
	int pair[2];

	CHECK_OK(hf_msg_pair(pair, &err));
	CHECK_OK(hf_msg_send(b->supervisor, HF_MSG_PLUG, &plug, sizeof plug, &pair[1], 1, &err));
	(void)close(pair[1]);
	return pair[0];
}

static int plug_keeper(struct bench *b)
{
	return plug_keeper_of(b, 0);
}

static enum hf_code step(struct bench *b)
{
	return hf_worker_step(b->worker, 0, &err);
}

static bool ended(int fd)
{
	struct hf_msg msg;

	return hf_msg_receive(fd, buffer, &msg, &err) == HF_E_CLOSED;
}

TEST(a_worker_takes_its_hello_and_then_what_it_is_given)
{
	struct bench b = bench_new();

	CHECK_OK(open_worker(&b));
	CHECK_U64(hf_worker_hello(b.worker)->index, ==, 4);
	CHECK(atomic_load(&hf_worker_pulse(b.worker)->beat_us) > 0);
	CHECK_OK(hf_msg_send(b.supervisor, HF_MSG_RESTORE, "before", 7, NULL, 0, &err));
	HF_AUTO_FD keeper = plug_keeper(&b);
	CHECK_OK(hf_msg_send(b.supervisor, HF_MSG_START, NULL, 0, NULL, 0, &err));
	CHECK_OK(step(&b));
	CHECK_TEXT(b.restored, "before");
	CHECK_U64(b.plugs, ==, 1);
	CHECK_U64(b.starts, ==, 1);
	CHECK(hf_worker_started(b.worker));
	CHECK(hf_worker_link(b.worker, HF_ROLE_KEEPER, 0) != NULL);
	CHECK(keeper >= 0);
	bench_free(&b);
}

TEST(a_hello_for_another_role_is_refused)
{
	static struct hf_config config;
	struct bench b = { 0 };

	hf_config_defaults(&config);
	connect_link(&b);
	say_hello(&b, HF_ROLE_KEEPER, &config, sizeof(struct hf_pulse));
	CHECK_CODE(open_worker(&b), HF_E_INVALID);
	bench_free(&b);
}

TEST(a_hello_with_a_configuration_of_another_build_is_refused)
{
	static struct hf_config config;
	struct bench b = { 0 };

	hf_config_defaults(&config);
	config.size_bytes--;
	connect_link(&b);
	say_hello(&b, HF_ROLE_RESPOND, &config, sizeof(struct hf_pulse));
	CHECK_CODE(open_worker(&b), HF_E_INVALID);
	bench_free(&b);
}

TEST(a_hello_with_a_pulse_page_that_is_too_small_is_refused)
{
	static struct hf_config config;
	struct bench b = { 0 };

	hf_config_defaults(&config);
	connect_link(&b);
	say_hello(&b, HF_ROLE_RESPOND, &config, 8);
	CHECK_CODE(open_worker(&b), HF_E_INVALID);
	bench_free(&b);
}

TEST(a_first_message_that_is_no_hello_is_refused_by_name)
{
	struct bench b = { 0 };

	connect_link(&b);
	CHECK_OK(hf_msg_send(b.supervisor, HF_MSG_START, NULL, 0, NULL, 0, &err));
	CHECK_CODE(open_worker(&b), HF_E_INVALID);
	CHECK(strstr(err.text, "start") != NULL);
	bench_free(&b);
}

TEST(a_supervisor_that_died_before_its_hello_ends_the_worker)
{
	struct bench b = { 0 };

	connect_link(&b);
	(void)shutdown(b.supervisor, SHUT_RDWR);
	CHECK_CODE(open_worker(&b), HF_E_INVALID);
	bench_free(&b);
}

TEST(a_peer_that_says_what_is_not_its_to_say_loses_its_link_and_the_supervisor_is_told)
{
	struct bench b = bench_new();
	struct hf_condemn condemn;
	struct hf_msg msg;

	CHECK_OK(open_worker(&b));
	HF_AUTO_FD keeper = plug_keeper(&b);
	CHECK_OK(step(&b));
	struct hf_link *link = hf_worker_link(b.worker, HF_ROLE_KEEPER, 0);
	CHECK_OK(hf_msg_send(keeper, HF_MSG_START, NULL, 0, NULL, 0, &err));
	CHECK_OK(step(&b));
	CHECK_U64(b.starts, ==, 0);
	CHECK_U64(b.gone, ==, 1);
	assert_ptr_equal(b.gone_link, link);
	assert_null(hf_worker_link(b.worker, HF_ROLE_KEEPER, 0));
	CHECK(ended(keeper));
	CHECK_OK(hf_msg_receive(b.supervisor, buffer, &msg, &err));
	CHECK_U64(msg.type, ==, HF_MSG_CONDEMN);
	hf_msg_get(&msg, &condemn, sizeof condemn);
	CHECK_OK(hf_msg_end(&msg, &err));
	CHECK_U64(condemn.role, ==, HF_ROLE_KEEPER);
	CHECK(strstr(condemn.why, "keeper may not send start") != NULL);
	bench_free(&b);
}

TEST(a_body_that_breaks_its_contract_costs_the_link_of_its_sender_only)
{
	struct bench b = bench_new();

	CHECK_OK(open_worker(&b));
	HF_AUTO_FD keeper = plug_keeper(&b);
	CHECK_OK(step(&b));
	CHECK_OK(hf_msg_send(keeper, HF_MSG_ACK, "short", 5, NULL, 0, &err));
	CHECK_OK(step(&b));
	CHECK_U64(b.gone, ==, 1);
	CHECK(!ended(b.supervisor)); /* the condemnation */
	CHECK_OK(hf_msg_send(b.supervisor, HF_MSG_START, NULL, 0, NULL, 0, &err));
	CHECK_OK(step(&b));
	CHECK_U64(b.starts, ==, 1);
	bench_free(&b);
}

TEST(where_messages_are_long_work_a_peer_with_many_waits_for_the_others)
{
	const struct hf_ack ack = { .outcome = HF_ACK_COMMITTED };

	for (int one_by_one = 0; one_by_one < 2; one_by_one++) {
		struct bench b = bench_new();

		b.one_by_one = one_by_one != 0;
		CHECK_OK(open_worker(&b));
		HF_AUTO_FD keeper = plug_keeper(&b);
		CHECK_OK(step(&b));
		for (int i = 0; i < 3; i++)
			CHECK_OK(hf_msg_send(keeper, HF_MSG_ACK, &ack, sizeof ack, NULL, 0, &err));
		CHECK_OK(step(&b));
		CHECK_U64(b.messages, ==, one_by_one != 0 ? 1 : 3);
		bench_free(&b);
	}
}

TEST(each_peer_is_heard_once_before_the_first_is_heard_to_its_end)
{
	struct bench b = bench_new();
	const struct hf_ack ack = { .outcome = HF_ACK_COMMITTED };

	CHECK_OK(open_worker(&b));
	HF_AUTO_FD first = plug_keeper_of(&b, 1);
	HF_AUTO_FD second = plug_keeper_of(&b, 2);
	HF_AUTO_FD silent = plug_keeper_of(&b, 3);
	CHECK_OK(step(&b));
	for (int i = 0; i < 4; i++)
		CHECK_OK(hf_msg_send(first, HF_MSG_ACK, &ack, sizeof ack, NULL, 0, &err));
	for (int i = 0; i < 2; i++)
		CHECK_OK(hf_msg_send(second, HF_MSG_ACK, &ack, sizeof ack, NULL, 0, &err));
	CHECK_OK(step(&b));
	CHECK_TEXT(b.order, "121112");
	CHECK_OK(hf_msg_send(silent, HF_MSG_ACK, &ack, sizeof ack, NULL, 0, &err));
	CHECK_OK(step(&b));
	CHECK_TEXT(b.order, "1211123");
	bench_free(&b);
}

TEST(what_is_there_is_heard_in_one_step_that_might_have_waited)
{
	struct bench b = bench_new();
	const struct hf_ack ack = { .outcome = HF_ACK_COMMITTED };

	CHECK_OK(open_worker(&b));
	HF_AUTO_FD keeper = plug_keeper(&b);
	CHECK_OK(step(&b));
	for (int i = 0; i < 3; i++)
		CHECK_OK(hf_msg_send(keeper, HF_MSG_ACK, &ack, sizeof ack, NULL, 0, &err));
	CHECK_OK(hf_worker_step(b.worker, 10000, &err));
	CHECK_U64(b.messages, ==, 3);
	bench_free(&b);
}

TEST(who_had_much_to_say_before_it_was_plugged_is_heard_to_its_end)
{
	struct bench b = bench_new();
	const struct hf_ack ack = { .outcome = HF_ACK_COMMITTED };

	CHECK_OK(open_worker(&b));
	HF_AUTO_FD keeper = plug_keeper(&b);
	for (int i = 0; i < 3; i++)
		CHECK_OK(hf_msg_send(keeper, HF_MSG_ACK, &ack, sizeof ack, NULL, 0, &err));
	CHECK_OK(step(&b));
	CHECK_U64(b.plugs, ==, 1);
	CHECK_U64(b.messages, ==, 3);
	bench_free(&b);
}

TEST(a_peer_that_never_stops_does_not_keep_a_step_from_ending)
{
	struct bench b = bench_new();
	const struct hf_ack ack = { .outcome = HF_ACK_COMMITTED };
	unsigned sent = 0;

	CHECK_OK(open_worker(&b));
	HF_AUTO_FD keeper = plug_keeper(&b);
	CHECK_OK(step(&b));
	while (sent < 200 &&
	       hf_msg_send(keeper, HF_MSG_ACK, &ack, sizeof ack, NULL, 0, &err) == HF_OK)
		sent++;
	CHECK_U64(sent, ==, 200);
	CHECK_OK(step(&b));
	CHECK_U64(b.messages, ==, 65);
	while (b.messages < sent)
		CHECK_OK(step(&b));
	bench_free(&b);
}

TEST(a_second_plug_for_the_same_peer_replaces_the_link)
{
	struct bench b = bench_new();
	const struct hf_ack ack = { .outcome = HF_ACK_COMMITTED };

	CHECK_OK(open_worker(&b));
	HF_AUTO_FD first = plug_keeper(&b);
	CHECK_OK(step(&b));
	struct hf_link *link = hf_worker_link(b.worker, HF_ROLE_KEEPER, 0);
	HF_AUTO_FD second = plug_keeper(&b);
	CHECK_OK(step(&b));
	CHECK_U64(b.plugs, ==, 2);
	CHECK_U64(b.gone, ==, 1);
	CHECK(ended(first));
	assert_ptr_equal(hf_worker_link(b.worker, HF_ROLE_KEEPER, 0), link);
	CHECK_OK(hf_msg_send(second, HF_MSG_ACK, &ack, sizeof ack, NULL, 0, &err));
	CHECK_OK(step(&b));
	CHECK_U64(b.messages, ==, 1);
	bench_free(&b);
}

TEST(a_plug_without_its_descriptor_ends_the_worker)
{
	struct bench b = bench_new();
	const struct hf_plug plug = { .role = HF_ROLE_KEEPER };

	CHECK_OK(open_worker(&b));
	CHECK_OK(hf_msg_send(b.supervisor, HF_MSG_PLUG, &plug, sizeof plug, NULL, 0, &err));
	CHECK_CODE(step(&b), HF_E_CLOSED);
	CHECK_U64(b.plugs, ==, 0);
	bench_free(&b);
}

TEST(what_was_said_before_the_end_is_heard_and_the_last_words_arrive)
{
	struct bench b = bench_new();
	const struct hf_ack ack = { .outcome = HF_ACK_COMMITTED };
	struct pollfd fds[HF_WORKER_LINKS_MAX];
	struct hf_msg msg;

	CHECK_OK(open_worker(&b));
	HF_AUTO_FD keeper = plug_keeper(&b);
	CHECK_OK(hf_msg_send(b.supervisor, HF_MSG_START, NULL, 0, NULL, 0, &err));
	CHECK_OK(hf_msg_send(keeper, HF_MSG_ACK, &ack, sizeof ack, NULL, 0, &err));
	(void)shutdown(b.supervisor, SHUT_WR);
	CHECK_CODE(step(&b), HF_E_CLOSED);
	CHECK_U64(b.starts, ==, 1);
	CHECK_U64(b.messages, ==, 1);
	CHECK_CODE(step(&b), HF_E_CLOSED);
	CHECK_U64(hf_worker_pollfds(b.worker, fds, HF_WORKER_LINKS_MAX), ==, 1);
	CHECK_OK(hf_worker_ready(b.worker, &err));
	CHECK_OK(hf_msg_receive(b.supervisor, buffer, &msg, &err));
	CHECK_U64(msg.type, ==, HF_MSG_READY);
	bench_free(&b);
}

TEST(last_words_to_a_supervisor_that_is_gone_are_an_error_not_an_end)
{
	struct bench b = bench_new();

	CHECK_OK(open_worker(&b));
	(void)close(b.supervisor);
	CHECK_CODE(step(&b), HF_E_CLOSED);
	CHECK_CODE(hf_worker_ready(b.worker, &err), HF_E_CLOSED);
	b.supervisor = -1;
	hf_worker_close(b.worker);
	(void)close(HF_WORKER_CONTROL_FD);
}

TEST(more_peers_than_there_is_room_for_end_the_worker_and_write_nothing_past_the_end)
{
	struct bench b = bench_new();
	enum hf_code code = HF_OK;
	unsigned plugged = 0;

	CHECK_OK(open_worker(&b));
	while (code == HF_OK && plugged < 100) {
		const struct hf_plug plug = { .role = HF_ROLE_INFER, .index = plugged++ };
		int pair[2];

		CHECK_OK(hf_msg_pair(pair, &err));
		CHECK_OK(hf_msg_send(b.supervisor, HF_MSG_PLUG, &plug, sizeof plug, &pair[1], 1,
				     &err));
		(void)close(pair[0]);
		(void)close(pair[1]);
		code = step(&b);
	}
	CHECK_CODE(code, HF_E_CLOSED);
	CHECK_U64(plugged, ==, HF_WORKER_LINKS_MAX);
	bench_free(&b);
}

TESTS(RUN(a_worker_takes_its_hello_and_then_what_it_is_given),
      RUN(a_hello_for_another_role_is_refused),
      RUN(a_hello_with_a_configuration_of_another_build_is_refused),
      RUN(a_hello_with_a_pulse_page_that_is_too_small_is_refused),
      RUN(a_first_message_that_is_no_hello_is_refused_by_name),
      RUN(a_supervisor_that_died_before_its_hello_ends_the_worker),
      RUN(a_peer_that_says_what_is_not_its_to_say_loses_its_link_and_the_supervisor_is_told),
      RUN(a_body_that_breaks_its_contract_costs_the_link_of_its_sender_only),
      RUN(where_messages_are_long_work_a_peer_with_many_waits_for_the_others),
      RUN(each_peer_is_heard_once_before_the_first_is_heard_to_its_end),
      RUN(what_is_there_is_heard_in_one_step_that_might_have_waited),
      RUN(who_had_much_to_say_before_it_was_plugged_is_heard_to_its_end),
      RUN(a_peer_that_never_stops_does_not_keep_a_step_from_ending),
      RUN(a_second_plug_for_the_same_peer_replaces_the_link),
      RUN(a_plug_without_its_descriptor_ends_the_worker),
      RUN(what_was_said_before_the_end_is_heard_and_the_last_words_arrive),
      RUN(last_words_to_a_supervisor_that_is_gone_are_an_error_not_an_end),
      RUN(more_peers_than_there_is_room_for_end_the_worker_and_write_nothing_past_the_end))
