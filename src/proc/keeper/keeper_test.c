/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process as it is, on a real disk, between a test that plays supervisor, respond and
 * uplink. The argument is the path of the executable.
 */
#include "keeper_host.h"
#include "outbox/files.h"
#include "outbox/forks.h"
#include "outbox/reader.h"
#include "outbox/testing.h"

#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
	EVENTS_MAX = 4000,
	WINDOW = 64, /* what a producer keeps */
	SUPERVISOR = KEEPER_HOST_PRODUCERS_MAX - 1,
};

static const char *executable;
static struct hf_err err;
static char folder[64];
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

static struct hf_msg receive_type(struct keeper_host *host, int fd, enum hf_msg_type type)
{
	struct hf_msg msg = { 0 };

	CHECK_OK(keeper_host_receive(host, fd, type, KEEPER_HOST_WAIT_MS, &msg, &err));
	return msg;
}

static struct hf_ack receive_ack(struct keeper_host *host, unsigned producer)
{
	struct hf_ack ack = { 0 };

	CHECK_OK(keeper_host_ack(host, producer, KEEPER_HOST_WAIT_MS, &ack, &err));
	return ack;
}

static struct keeper_host_options host_options(uint32_t restarts, unsigned producers)
{
	return (struct keeper_host_options){
		.executable = executable,
		.data_path = folder,
		.run_path = folder,
		.device_id = TEST_DEVICE,
		.boot_id = TEST_BOOT,
		.boot = 3,
		.run = 1,
		.restarts = restarts,
		.producers = producers,
		.stderr_fd = -1,
	};
}

/* The one of a test at a time; it is large. */
static struct keeper_host *start(uint32_t restarts, unsigned producers)
{
	static struct keeper_host host;
	struct keeper_host_options options = host_options(restarts, producers);

	CHECK_OK(keeper_host_start(&options, &host, &err));
	return &host;
}

static void send_offer(const struct keeper_host *host, unsigned producer,
		       const struct hf_offer *offer)
{
	CHECK_OK(keeper_host_offer(host, producer, offer, &err));
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
	struct keeper_host *host = start(0, KEEPER_HOST_PRODUCERS_MAX);
	struct hf_offer offer = test_offer(1), own = test_offer(1);

	(void)snprintf(own.origin, sizeof own.origin, "3.s.1.1");
	send_offer(host, 0, &offer);
	struct hf_ack ack = receive_ack(host, 0);
	CHECK_TEXT(ack.origin, "3.r.1.1");
	CHECK_U64(ack.outcome, ==, HF_ACK_COMMITTED);
	CHECK_U64(ack.local_seq, ==, 2);
	CHECK_U64(ack.duplicate, ==, 0);
	CHECK_I64(ack.committed_mono.us, >, 0);
	send_offer(host, SUPERVISOR, &own);
	ack = receive_ack(host, SUPERVISOR);
	CHECK_TEXT(ack.origin, "3.s.1.1");
	CHECK_U64(ack.local_seq, ==, 3);
	send_offer(host, 0, &offer);
	ack = receive_ack(host, 0);
	CHECK_U64(ack.local_seq, ==, 2);
	CHECK_U64(ack.duplicate, ==, 1);
	keeper_host_kill(host);
}

/* Another way to commit begins another file: what was offered before stands in an older one. */
TEST(a_keeper_started_again_knows_the_events_in_older_files)
{
	static struct keeper_host host;
	struct keeper_host_options options = host_options(0, 1);
	struct hf_config config;
	struct hf_offer offer = test_offer(1);

	hf_config_defaults(&config);
	options.config = &config;
	for (options.restarts = 0; options.restarts < 3; options.restarts++) {
		config.outbox_commit = options.restarts == 0 ? 0 : 1; /* "ring|file" */
		CHECK_OK(keeper_host_start(&options, &host, &err));
		if (options.restarts != 1) {
			send_offer(&host, 0, &offer);
			struct hf_ack ack = receive_ack(&host, 0);
			CHECK_U64(ack.local_seq, ==, 2);
			CHECK_U64(ack.duplicate, ==, options.restarts == 0 ? 0 : 1);
		}
		keeper_host_kill(&host);
	}
}

TEST(the_watermark_is_published_before_the_uplink_is_woken)
{
	struct keeper_host *host = start(0, 1);
	struct hf_watermark_page *page;
	struct hf_watermark mark;
	struct hf_offer offer = test_offer(1);
	struct hf_committed committed = { 0 };

	CHECK_OK(hf_watermark_open(folder, TEST_BOOT, &page, &err));
	CHECK_OK(hf_watermark_read(page, &mark, &err));
	CHECK_U64(mark.seq, ==, 1);
	send_offer(host, 0, &offer);
	CHECK_U64(receive_ack(host, 0).local_seq, ==, 2);
	/* The first one is of the start. */
	while (committed.local_seq < 2) {
		struct hf_msg msg = receive_type(host, host->uplink, HF_MSG_COMMITTED);
		hf_msg_get(&msg, &committed, sizeof committed);
		CHECK_OK(hf_msg_end(&msg, &err));
	}
	CHECK_OK(hf_watermark_read(page, &mark, &err));
	CHECK_U64(mark.seq, ==, 2);
	hf_watermark_close(page);
	keeper_host_kill(host);
}

/* In a mount namespace of our own; umount() it at the end. */
static bool folder_in_memory(const char *options)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", folder, "tmpfs", 0, options) == 0;
}

/* It is told of the last one, whatever it is not told. */
TEST(the_uplink_is_not_woken_for_each_event_of_many)
{
	const struct hf_clock *clock = hf_clock_real();
	const uint64_t count = 200;
	uint64_t wakes = 0, through = 0;

	/* On a slow disk they would be far apart. */
	if (!folder_in_memory("size=64m"))
		skip();
	struct keeper_host *host = start(0, 1);
	struct hf_mono begun = hf_mono_now(clock);
	for (uint64_t n = 1; n <= count; n++) {
		struct hf_offer offer = test_offer(n);

		send_offer(host, 0, &offer);
		CHECK_U64(receive_ack(host, 0).local_seq, ==, n + 1);
	}
	while (through < count + 1) {
		struct hf_committed committed;
		struct hf_msg msg = receive_type(host, host->uplink, HF_MSG_COMMITTED);

		hf_msg_get(&msg, &committed, sizeof committed);
		CHECK_OK(hf_msg_end(&msg, &err));
		CHECK_U64(committed.local_seq, >, through);
		through = committed.local_seq;
		wakes++;
	}
	/* At most one in 4 ms, the first at once, and one of the start. */
	CHECK_I64((int64_t)wakes, <=, 3 + hf_mono_diff_us(hf_mono_now(clock), begun) / 4000);
	keeper_host_kill(host);
	(void)umount(folder);
}

TEST(an_offer_in_another_producers_name_is_refused)
{
	struct keeper_host *host = start(0, 1);
	static const char *const names[] = { "3.s.1.1", "3.k.1.1", "nonsense" };
	struct hf_offer offer = test_offer(1);

	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(offer.origin, sizeof offer.origin, "%s", names[i]);
		send_offer(host, 0, &offer);
		struct hf_ack ack = receive_ack(host, 0);
		CHECK_U64(ack.outcome, ==, HF_ACK_REFUSED);
		CHECK_TEXT(ack.origin, names[i]);
	}
	offer = test_offer(1);
	send_offer(host, 0, &offer);
	CHECK_U64(receive_ack(host, 0).outcome, ==, HF_ACK_COMMITTED);
	keeper_host_kill(host);
}

TEST(an_offer_that_lies_about_its_sizes_costs_its_sender_the_link_and_nobody_else)
{
	struct keeper_host *host = start(0, KEEPER_HOST_PRODUCERS_MAX);
	struct hf_offer offer = test_offer(1), own = test_offer(1);
	uint8_t packed[sizeof offer];
	struct hf_condemn condemn;

	size_t size_bytes = hf_offer_pack(&offer, packed);
	CHECK_OK(hf_msg_send(keeper_host_fd(host, 0), HF_MSG_OFFER, packed, size_bytes - 1, NULL, 0,
			     &err));
	struct hf_msg msg = receive_type(host, host->child.control_fd, HF_MSG_CONDEMN);
	hf_msg_get(&msg, &condemn, sizeof condemn);
	CHECK_OK(hf_msg_end(&msg, &err));
	CHECK_U64(condemn.role, ==, HF_ROLE_RESPOND);
	CHECK_U64(condemn.index, ==, 0);
	CHECK(strstr(condemn.why, "offer") != NULL);
	send_offer(host, 1, &offer);
	CHECK_U64(receive_ack(host, 1).outcome, ==, HF_ACK_COMMITTED);
	(void)snprintf(own.origin, sizeof own.origin, "3.s.1.1");
	send_offer(host, SUPERVISOR, &own);
	CHECK_U64(receive_ack(host, SUPERVISOR).outcome, ==, HF_ACK_COMMITTED);
	keeper_host_kill(host);
}

TEST(without_its_supervisor_it_ends_and_what_was_offered_is_stored)
{
	struct keeper_host *host = start(0, 1);
	struct hf_offer offer = test_offer(1);
	struct hf_exit how;

	send_offer(host, 0, &offer);
	(void)receive_ack(host, 0);
	CHECK_OK(keeper_host_stop(host, &how, &err));
	CHECK_I64(how.status, ==, 0);
}

TEST(a_second_keeper_gives_up_with_try_later)
{
	struct keeper_host *host = start(0, 1);
	static struct keeper_host second;
	struct keeper_host_options options = host_options(0, 1);
	struct hf_exit how;

	CHECK_OK(keeper_host_spawn(&options, &second, &err));
	CHECK_OK(keeper_host_wait(&second, &how, &err));
	CHECK_I64(how.status, ==, 75);
	keeper_host_kill(host);
}

TEST(the_epoch_is_drawn_once)
{
	char path[96], first[32] = "", again[32] = "";
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/identity/epoch", folder);
	for (int i = 0; i < 2; i++) {
		struct keeper_host *host = start(0, 1);

		keeper_host_kill(host);
		FILE *file = fopen(path, "re");
		CHECK(file != NULL && fgets(i == 0 ? first : again, 32, file) != NULL);
		(void)fclose(file);
	}
	CHECK_U64(strlen(first), ==, 17);
	CHECK_TEXT(first, again);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
}

static void send_fork(const struct keeper_host *host, const char *epoch, uint64_t seq,
		      uint32_t reason)
{
	struct hf_fork_note note = { .seq = seq, .reason = reason };

	(void)snprintf(note.epoch, sizeof note.epoch, "%s", epoch);
	CHECK_OK(hf_msg_send(host->uplink, HF_MSG_FORK, &note, sizeof note, NULL, 0, &err));
}

static struct hf_forks forks_now(void)
{
	struct hf_forks forks;
	struct hf_disk *disk;

	CHECK_OK(hf_disk_real_open(folder, &disk, &err));
	CHECK_OK(hf_forks_load(disk, &forks, &err));
	hf_disk_real_close(disk);
	return forks;
}

static void epoch_now(char ret_epoch[HF_EPOCH_BYTES])
{
	char path[96];

	(void)snprintf(path, sizeof path, "%s/identity/epoch", folder);
	FILE *file = fopen(path, "re");
	CHECK(file != NULL && fgets(ret_epoch, HF_EPOCH_BYTES, file) != NULL);
	(void)fclose(file);
}

static void append_one(struct keeper_host *host, uint64_t n)
{
	struct hf_offer offer = test_offer(n);

	send_offer(host, 0, &offer);
	CHECK_U64(receive_ack(host, 0).outcome, ==, HF_ACK_COMMITTED);
}

static void count_redrawn(void *context, const struct hf_line *line)
{
	*(unsigned *)context += hf_slice_is(&line->event_class, HF_CLASS_REDRAWN);
}

TEST(a_conflict_redraws_the_epoch_once_however_often_it_is_told)
{
	struct keeper_host *host = start(0, 1);
	char first[HF_EPOCH_BYTES], second[HF_EPOCH_BYTES];
	unsigned told = 0;

	for (uint64_t n = 1; n <= 5; n++)
		append_one(host, n);
	epoch_now(first);
	send_fork(host, first, 4, HF_FORK_CONFLICT);
	(void)receive_type(host, host->uplink, HF_MSG_FORKED);
	epoch_now(second);
	CHECK(strcmp(first, second) != 0);
	struct hf_forks forks = forks_now();
	CHECK_U64(forks.count, ==, 1);
	CHECK_TEXT(forks.list[0].left, first);
	CHECK_TEXT(forks.list[0].next, second);
	CHECK_U64(forks.list[0].from, ==, 4);
	CHECK(forks.list[0].told);

	/* The same again, a later number, and an earlier one: its entry begins there now. */
	send_fork(host, first, 4, HF_FORK_CONFLICT);
	(void)receive_type(host, host->uplink, HF_MSG_FORKED);
	send_fork(host, first, 5, HF_FORK_CHAIN);
	(void)receive_type(host, host->uplink, HF_MSG_FORKED);
	CHECK_U64(forks_now().list[0].from, ==, 4);
	send_fork(host, first, 3, HF_FORK_CHAIN);
	(void)receive_type(host, host->uplink, HF_MSG_FORKED);
	forks = forks_now();
	CHECK_U64(forks.count, ==, 1);
	CHECK_U64(forks.list[0].from, ==, 3);
	append_one(host, 6);
	keeper_host_kill(host);
	host = start(1, 1);
	append_one(host, 7);
	read_all(count_redrawn, &told);
	CHECK_U64(told, ==, 1);
	keeper_host_kill(host);
}

/* identity/epoch was lost in between: nothing says where its lines went. */
TEST(a_conflict_about_an_unknown_epoch_leads_its_lines_here)
{
	struct keeper_host *host = start(0, 1);
	char now[HF_EPOCH_BYTES], after[HF_EPOCH_BYTES];

	for (uint64_t n = 1; n <= 3; n++)
		append_one(host, n);
	epoch_now(now);
	send_fork(host, "0123456789abcdef", 2, HF_FORK_CONFLICT);
	(void)receive_type(host, host->uplink, HF_MSG_FORKED);
	struct hf_forks forks = forks_now();
	CHECK_U64(forks.count, ==, 1);
	CHECK_TEXT(hf_forks_stream(&forks, "0123456789abcdef", 2), now);
	CHECK_TEXT(hf_forks_stream(&forks, "0123456789abcdef", 1), "0123456789abcdef");
	epoch_now(after);
	CHECK_TEXT(after, now);
	keeper_host_kill(host);
}

TEST(a_note_of_no_epoch_or_for_no_reason_condemns_its_sender)
{
	static const struct {
		const char *epoch;
		uint32_t reason;
	} bad[] = { { "0123456789abcde", HF_FORK_CONFLICT },
		    { "0123456789abcdeg", HF_FORK_CONFLICT },
		    { "0123456789abcdef", 0 },
		    { "0123456789abcdef", HF_FORK_REASON_COUNT } };

	for (size_t i = 0; i < 4; i++) {
		struct keeper_host *host = start(0, 1);

		send_fork(host, bad[i].epoch, 1, bad[i].reason);
		(void)receive_type(host, host->child.control_fd, HF_MSG_CONDEMN);
		CHECK_U64(forks_now().count, ==, 0);
		append_one(host, i + 1);
		keeper_host_kill(host);
	}
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

static void producer_send(struct producer *p, const struct keeper_host *host)
{
	while (p->offered < p->count && p->offered - p->answered_through < WINDOW) {
		struct hf_offer offer = test_offer(p->offered + 1);
		enum hf_code code = keeper_host_offer(host, 0, &offer, &err);

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
static void producer_run(struct producer *p, struct keeper_host *host, uint64_t answers)
{
	uint64_t until = p->answers + answers;

	while (p->answers < until && p->answered_through < p->count) {
		producer_send(p, host);
		struct hf_ack ack = receive_ack(host, 0);
		producer_take(p, &ack);
	}
	producer_send(p, host);
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
	uint32_t life;

	p = (struct producer){ .count = 1500 };
	for (life = 0; p.answered_through < p.count; life++) {
		struct keeper_host *host = start(life, 1);

		/* The link is new: everything that was not answered goes again. */
		p.offered = p.answered_through;
		chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
		producer_run(&p, host, 1 + (chance >> 33) % 150);
		keeper_host_kill(host);
	}
	/* The last answers may have been out before the day file had their lines. */
	keeper_host_kill(start(life, 1));
	read_all(count_line, &p);
	for (uint64_t n = 1; n <= p.count; n++)
		CHECK_U64(p.stored[n], ==, 1);
}

TEST(a_full_disk_says_later_and_takes_everything_once_there_is_room)
{
	char filler[96];

	if (!folder_in_memory("size=24m"))
		skip();
	struct keeper_host *host = start(0, 1);
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
		send_offer(host, 0, &offer);
		ack = receive_ack(host, 0);
	} while (ack.outcome == HF_ACK_COMMITTED && n < EVENTS_MAX);
	CHECK_U64(ack.outcome, ==, HF_ACK_LATER);
	CHECK_U64(n, >, 1000);
	(void)unlink(filler);
	struct hf_offer offer = test_offer(n);
	send_offer(host, 0, &offer);
	ack = receive_ack(host, 0);
	CHECK_U64(ack.outcome, ==, HF_ACK_COMMITTED);
	CHECK_U64(ack.local_seq, ==, n + 1);

	/* Told once each, in this order. */
	static const char *const expected[] = { "outbox_low_space", "outbox_full", "outbox_ok" };
	bool told[3] = { 0 };
	while (!(told[0] && told[1] && told[2])) {
		struct hf_msg msg = receive_type(host, host->child.control_fd, HF_MSG_NOTE);
		struct hf_note note;

		hf_msg_get(&msg, &note, sizeof note);
		for (size_t i = 0; i < 3; i++)
			if (strcmp(note.event_class, expected[i]) == 0) {
				CHECK(!told[i]);
				told[i] = true;
			}
	}
	keeper_host_kill(host);
	(void)umount(folder);
}

#define RUN_IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		RUN_IN_FOLDER(offers_of_both_producers_are_answered_where_they_came_from),
		RUN_IN_FOLDER(a_keeper_started_again_knows_the_events_in_older_files),
		RUN_IN_FOLDER(the_watermark_is_published_before_the_uplink_is_woken),
		RUN_IN_FOLDER(the_uplink_is_not_woken_for_each_event_of_many),
		RUN_IN_FOLDER(an_offer_in_another_producers_name_is_refused),
		RUN_IN_FOLDER(
			an_offer_that_lies_about_its_sizes_costs_its_sender_the_link_and_nobody_else),
		RUN_IN_FOLDER(without_its_supervisor_it_ends_and_what_was_offered_is_stored),
		RUN_IN_FOLDER(a_second_keeper_gives_up_with_try_later),
		RUN_IN_FOLDER(the_epoch_is_drawn_once),
		RUN_IN_FOLDER(a_conflict_redraws_the_epoch_once_however_often_it_is_told),
		RUN_IN_FOLDER(a_conflict_about_an_unknown_epoch_leads_its_lines_here),
		RUN_IN_FOLDER(a_note_of_no_epoch_or_for_no_reason_condemns_its_sender),
		RUN_IN_FOLDER(killed_in_the_middle_of_its_work_it_loses_and_doubles_nothing),
		RUN_IN_FOLDER(a_full_disk_says_later_and_takes_everything_once_there_is_room),
	};

	if (argc != 2)
		return 2;
	executable = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
