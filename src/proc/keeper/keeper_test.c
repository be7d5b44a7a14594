/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process as it is, on a real disk, between a test that plays supervisor, respond and
 * uplink. The argument is the path of the executable.
 */
#include "base/auto.h"
#include "outbox/files.h"
#include "outbox/reader.h"
#include "outbox/testing.h"
#include "proc/common/spawn.h"

#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
	WAIT_MS = 60000, /* far beyond what it takes: only a hang meets it */
	EVENTS_MAX = 4000,
	WINDOW = 64, /* what a producer keeps */
};

static const char *executable;
static struct hf_err err;
static char folder[64];
static uint8_t buffer[HF_MSG_BODY_BYTES_MAX];

struct bench {
	struct hf_child child;
	int respond, uplink; /* our ends: what keeper takes for its peers */
	uint32_t restarts;
};

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/holdfast-keeper-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static int remove_folder(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct hf_msg receive(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	struct hf_msg msg = { 0 };

	CHECK_I64(poll(&wait, 1, WAIT_MS), ==, 1);
	CHECK_OK(hf_msg_receive(fd, buffer, &msg, &err));
	return msg;
}

/* The next message of this type; others in between are passed over. */
static struct hf_msg receive_type(int fd, enum hf_msg_type type)
{
	struct hf_msg msg;

	do {
		msg = receive(fd);
	} while (msg.type != type);
	return msg;
}

static struct hf_ack receive_ack(int fd)
{
	struct hf_msg msg = receive_type(fd, HF_MSG_ACK);
	struct hf_ack ack;

	hf_msg_get(&msg, &ack, sizeof ack);
	CHECK_OK(hf_msg_end(&msg, &err));
	return ack;
}

static struct hf_child start_process(uint32_t restarts)
{
	static struct hf_config config;
	struct hf_hello hello = { .role = HF_ROLE_KEEPER,
				  .restarts = restarts,
				  .boot = 3,
				  .run = 1,
				  .boot_id = TEST_BOOT,
				  .device_id = TEST_DEVICE,
				  .release = "r1" };
	struct hf_child child = HF_CHILD_NONE;
	int fd;

	hf_config_defaults(&config);
	CHECK_OK(hf_spawn_config(&config, &fd, &err));
	HF_AUTO_FD config_fd = fd;
	(void)snprintf(hello.data_path, sizeof hello.data_path, "%s", folder);
	(void)snprintf(hello.run_path, sizeof hello.run_path, "%s", folder);
	CHECK_OK(hf_spawn_worker(&(struct hf_spawn){ .path = executable,
						     .hello = &hello,
						     .config_fd = config_fd,
						     .stderr_fd = -1 },
				 &child, &err));
	return child;
}

static struct bench start(uint32_t restarts)
{
	struct bench b = { .restarts = restarts, .child = start_process(restarts) };

	CHECK_OK(hf_spawn_link_here(&b.child, HF_ROLE_RESPOND, 0, 0, -1, &b.respond, &err));
	CHECK_OK(hf_spawn_link_here(&b.child, HF_ROLE_UPLINK, 0, 0, -1, &b.uplink, &err));
	CHECK_OK(hf_spawn_start(&b.child, &err));
	(void)receive_type(b.child.control_fd, HF_MSG_READY);
	return b;
}

static void stop(struct bench *b)
{
	hf_child_close(&b->child);
	(void)close(b->respond);
	(void)close(b->uplink);
}

static struct hf_exit wait_end(struct hf_child *child)
{
	struct pollfd wait = { .fd = child->pidfd, .events = POLLIN };
	struct hf_exit how;

	CHECK_I64(poll(&wait, 1, WAIT_MS), ==, 1);
	CHECK_OK(hf_child_reap(child, &how, &err));
	return how;
}

static void send_offer(int fd, const struct hf_offer *offer)
{
	CHECK_OK(hf_msg_send(fd, HF_MSG_OFFER, offer, sizeof *offer, NULL, 0, &err));
}

/* Every line on the disk, told one by one. */
static void read_all(void (*line)(void *context, const struct hf_line *line), void *context)
{
	struct hf_disk *disk;
	struct hf_reader *reader;
	struct hf_line found;

	CHECK_OK(hf_disk_real_open(folder, &disk, &err));
	struct hf_reader_options options = { .disk = disk, .folder = HF_OUTBOX_FOLDER };
	CHECK_OK(hf_reader_open(&options, &reader, &err));
	while (hf_reader_next(reader, &found, NULL, NULL, &err) == HF_OK)
		line(context, &found);
	hf_reader_close(reader);
	hf_disk_real_close(disk);
}

TEST(offers_of_both_producers_are_answered_where_they_came_from)
{
	struct bench b = start(0);
	struct hf_offer offer = test_offer(1), own = test_offer(1);

	(void)snprintf(own.origin, sizeof own.origin, "3.s.1.1");
	send_offer(b.respond, &offer);
	struct hf_ack ack = receive_ack(b.respond);
	CHECK_TEXT(ack.origin, "3.r.1.1");
	CHECK_U64(ack.outcome, ==, HF_ACK_COMMITTED);
	CHECK_U64(ack.local_seq, ==, 2);
	CHECK_U64(ack.duplicate, ==, 0);
	CHECK_I64(ack.committed_mono.us, >, 0);
	send_offer(b.child.control_fd, &own);
	ack = receive_ack(b.child.control_fd);
	CHECK_TEXT(ack.origin, "3.s.1.1");
	CHECK_U64(ack.local_seq, ==, 3);
	send_offer(b.respond, &offer);
	ack = receive_ack(b.respond);
	CHECK_U64(ack.local_seq, ==, 2);
	CHECK_U64(ack.duplicate, ==, 1);
	stop(&b);
}

TEST(the_watermark_is_published_before_the_answer)
{
	struct bench b = start(0);
	struct hf_watermark_page *page;
	struct hf_watermark mark;
	struct hf_offer offer = test_offer(1);

	CHECK_OK(hf_watermark_open(folder, TEST_BOOT, &page, &err));
	CHECK_OK(hf_watermark_read(page, &mark, &err));
	CHECK_U64(mark.seq, ==, 1);
	send_offer(b.respond, &offer);
	(void)receive_ack(b.respond);
	CHECK_OK(hf_watermark_read(page, &mark, &err));
	CHECK_U64(mark.seq, ==, 2);
	struct hf_msg msg = receive_type(b.uplink, HF_MSG_COMMITTED);
	struct hf_committed committed;
	hf_msg_get(&msg, &committed, sizeof committed);
	CHECK_OK(hf_msg_end(&msg, &err));
	hf_watermark_close(page);
	stop(&b);
}

TEST(an_offer_in_another_producers_name_is_refused)
{
	struct bench b = start(0);
	static const char *const names[] = { "3.s.1.1", "3.k.1.1", "nonsense" };
	struct hf_offer offer = test_offer(1);

	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(offer.origin, sizeof offer.origin, "%s", names[i]);
		send_offer(b.respond, &offer);
		struct hf_ack ack = receive_ack(b.respond);
		CHECK_U64(ack.outcome, ==, HF_ACK_REFUSED);
		CHECK_TEXT(ack.origin, names[i]);
	}
	offer = test_offer(1);
	send_offer(b.respond, &offer);
	CHECK_U64(receive_ack(b.respond).outcome, ==, HF_ACK_COMMITTED);
	stop(&b);
}

TEST(without_its_supervisor_it_ends_and_what_was_offered_is_stored)
{
	struct bench b = start(0);
	struct hf_offer offer = test_offer(1);

	send_offer(b.respond, &offer);
	(void)receive_ack(b.respond);
	(void)close(b.child.control_fd);
	b.child.control_fd = -1;
	CHECK_I64(wait_end(&b.child).status, ==, 0);
	stop(&b);
}

TEST(a_second_keeper_gives_up_with_try_later)
{
	struct bench b = start(0);
	struct hf_child second = start_process(0);

	CHECK_I64(wait_end(&second).status, ==, 75);
	hf_child_close(&second);
	stop(&b);
}

TEST(the_epoch_is_drawn_once)
{
	char path[96], first[32] = "", again[32] = "";
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/identity/epoch", folder);
	for (int i = 0; i < 2; i++) {
		struct bench b = start(0);

		stop(&b);
		FILE *file = fopen(path, "re");
		CHECK(file != NULL && fgets(i == 0 ? first : again, 32, file) != NULL);
		(void)fclose(file);
	}
	CHECK_U64(strlen(first), ==, 17);
	CHECK_TEXT(first, again);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
}

/* A producer that keeps at most WINDOW events until they are answered. */
struct producer {
	uint64_t count;
	uint64_t offered; /* n of the last one sent on this link */
	uint64_t answered_through;
	uint64_t answers;
	uint64_t answered[EVENTS_MAX + 1];
	unsigned stored[EVENTS_MAX + 1];
};

static void producer_send(struct producer *p, const struct bench *b)
{
	while (p->offered < p->count && p->offered - p->answered_through < WINDOW) {
		struct hf_offer offer = test_offer(p->offered + 1);
		enum hf_code code =
			hf_msg_send(b->respond, HF_MSG_OFFER, &offer, sizeof offer, NULL, 0, &err);

		if (code == HF_E_AGAIN || code == HF_E_CLOSED)
			return;
		CHECK_OK(code);
		p->offered++;
	}
}

static void producer_take(struct producer *p, const struct hf_ack *ack)
{
	struct hf_origin origin;

	CHECK_U64(ack->outcome, ==, HF_ACK_COMMITTED);
	CHECK_OK(hf_origin_parse(ack->origin, &origin, &err));
	CHECK_U64(origin.n, ==, p->answered_through + 1);
	p->answered[origin.n] = ack->local_seq;
	p->answered_through = origin.n;
	p->answers++;
}

/* Until that many answers have come, or all. False: the peer is gone. */
static void producer_run(struct producer *p, const struct bench *b, uint64_t answers)
{
	uint64_t until = p->answers + answers;

	while (p->answers < until && p->answered_through < p->count) {
		producer_send(p, b);
		struct hf_ack ack = receive_ack(b->respond);
		producer_take(p, &ack);
	}
	producer_send(p, b);
}

static void count_line(void *context, const struct hf_line *line)
{
	struct producer *p = context;
	struct hf_origin origin;
	char text[HF_ORIGIN_BYTES];

	CHECK(hf_slice_text(&line->origin, text, sizeof text));
	CHECK_OK(hf_origin_parse(text, &origin, &err));
	if (origin.producer != 'r')
		return;
	p->stored[origin.n]++;
	if (p->answered[origin.n] != 0)
		CHECK_U64(line->local_seq, ==, p->answered[origin.n]);
}

TEST(killed_in_the_middle_of_its_work_it_loses_and_doubles_nothing)
{
	static struct producer p;
	uint64_t chance = 12345;

	p = (struct producer){ .count = 1500 };
	for (uint32_t life = 0; p.answered_through < p.count; life++) {
		struct bench b = start(life);

		/* The link is new: everything that was not answered goes again. */
		p.offered = p.answered_through;
		chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
		producer_run(&p, &b, 1 + (chance >> 33) % 150);
		hf_child_kill(&b.child);
		stop(&b);
	}
	read_all(count_line, &p);
	for (uint64_t n = 1; n <= p.count; n++)
		CHECK_U64(p.stored[n], ==, 1);
}

TEST(a_full_disk_says_later_and_takes_everything_once_there_is_room)
{
	char filler[96];

	/* In a mount namespace of our own, on a file system of 24 MiB. */
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", folder, "tmpfs", 0, "size=24m") != 0)
		skip();
	struct bench b = start(0);
	(void)snprintf(filler, sizeof filler, "%s/filler", folder);
	FILE *file = fopen(filler, "we");
	while (fputc('x', file) != EOF)
		;
	(void)fclose(file);

	/* The ballast takes some thousand events; then LATER. */
	uint64_t n = 0;
	struct hf_ack ack;
	static char attrs[3000];
	memset(attrs, 'a', sizeof attrs);
	do {
		struct hf_offer offer = test_offer(++n);
		offer.tail_bytes =
			(uint32_t)snprintf(offer.tail, sizeof offer.tail,
					   "\"boot_id\":null,\"mono_ms\":1,\"clock\":null,"
					   "\"release\":null,\"state\":\"healthy\","
					   "\"attrs\":{\"a\":\"%.2900s\"}",
					   attrs);
		send_offer(b.respond, &offer);
		ack = receive_ack(b.respond);
	} while (ack.outcome == HF_ACK_COMMITTED && n < EVENTS_MAX);
	CHECK_U64(ack.outcome, ==, HF_ACK_LATER);
	CHECK_U64(n, >, 1000);
	(void)unlink(filler);
	struct hf_offer offer = test_offer(n);
	send_offer(b.respond, &offer);
	ack = receive_ack(b.respond);
	CHECK_U64(ack.outcome, ==, HF_ACK_COMMITTED);
	CHECK_U64(ack.local_seq, ==, n + 1);

	/* Told once each, in this order. */
	static const char *const expected[] = { "outbox_low_space", "outbox_full", "outbox_ok" };
	bool told[3] = { 0 };
	while (!(told[0] && told[1] && told[2])) {
		struct hf_msg msg = receive_type(b.child.control_fd, HF_MSG_NOTE);
		struct hf_note note;

		hf_msg_get(&msg, &note, sizeof note);
		for (size_t i = 0; i < 3; i++)
			if (strcmp(note.event_class, expected[i]) == 0) {
				CHECK(!told[i]);
				told[i] = true;
			}
	}
	stop(&b);
	(void)umount(folder);
}

#define RUN_IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		RUN_IN_FOLDER(offers_of_both_producers_are_answered_where_they_came_from),
		RUN_IN_FOLDER(the_watermark_is_published_before_the_answer),
		RUN_IN_FOLDER(an_offer_in_another_producers_name_is_refused),
		RUN_IN_FOLDER(without_its_supervisor_it_ends_and_what_was_offered_is_stored),
		RUN_IN_FOLDER(a_second_keeper_gives_up_with_try_later),
		RUN_IN_FOLDER(the_epoch_is_drawn_once),
		RUN_IN_FOLDER(killed_in_the_middle_of_its_work_it_loses_and_doubles_nothing),
		RUN_IN_FOLDER(a_full_disk_says_later_and_takes_everything_once_there_is_room),
	};

	if (argc != 2)
		return 2;
	executable = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
