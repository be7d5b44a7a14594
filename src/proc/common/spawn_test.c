/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test executable is its own child: it is started through /proc/self/exe, and a HELLO on
 * descriptor 3 tells it which part it plays.
 */
#include "proc/common/spawn.h"

#include "base/auto.h"
#include "proc/common/worker.h"
#include "test.h"
#include "wire/ring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

static const char self[] = "/proc/self/exe";

static struct hf_err err;

static int config_fd(void)
{
	static struct hf_config config;
	int fd;

	hf_config_defaults(&config);
	CHECK_OK(hf_spawn_config(&config, &fd, &err));
	return fd;
}

static struct hf_child spawn(enum hf_role role, uint32_t index, const char *part)
{
	struct hf_hello hello = { .role = (uint32_t)role, .index = index };
	HF_AUTO_FD config = config_fd();
	struct hf_child child = HF_CHILD_NONE;

	(void)snprintf(hello.release, sizeof hello.release, "%s", part);
	CHECK_OK(hf_spawn_worker(
		&(struct hf_spawn){
			.path = self, .hello = &hello, .config_fd = config, .stderr_fd = -1 },
		&child, &err));
	return child;
}

static struct hf_msg receive(int fd, uint8_t *buffer)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	struct hf_msg msg = { 0 };

	CHECK_I64(poll(&wait, 1, 20000), ==, 1);
	CHECK_OK(hf_msg_receive(fd, buffer, &msg, &err));
	return msg;
}

static struct hf_exit wait_end(struct hf_child *child)
{
	struct pollfd wait = { .fd = child->pidfd, .events = POLLIN };
	struct hf_exit end = { 0 };

	CHECK_I64(poll(&wait, 1, 20000), ==, 1);
	CHECK_OK(hf_child_reap(child, &end, &err));
	return end;
}

/* The children's parts. */

static unsigned open_fds(void)
{
	unsigned count = 0;
	DIR *folder = opendir("/proc/self/fd");

	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
		if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(folder))
			count++;
	(void)closedir(folder);
	return count;
}

static bool signals_are_default(void)
{
	struct sigaction action;
	sigset_t mask;

	(void)sigaction(SIGUSR1, NULL, &action);
	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	return action.sa_handler == SIG_DFL && sigismember(&mask, SIGUSR2) == 0;
}

static enum hf_code child_plug(void *context, struct hf_link *link, uint64_t ring_id, int ring_fd,
			       struct hf_err *child_err)
{
	struct hf_ring *ring = NULL;
	HF_AUTO_FD fd = ring_fd;
	struct hf_done done = { .job_id = ring_id };

	(void)context;
	if (ring_id != 0) {
		if (hf_ring_open(fd, false, &ring, child_err) != HF_OK)
			return child_err->code;
		done.detection_count = hf_ring_slot_count(ring);
		hf_ring_close(ring);
	}
	done.failed = link->index;
	return hf_msg_send(link->fd, HF_MSG_DONE, &done, sizeof done, NULL, 0, child_err);
}

/* Passes on to the supervisor what a peer said. */
static enum hf_code child_message(void *context, struct hf_link *link, struct hf_msg *msg,
				  struct hf_err *child_err)
{
	struct hf_worker **worker = context;
	struct hf_done done;
	char text[128];

	hf_msg_get(msg, &done, sizeof done);
	enum hf_code code = hf_msg_end(msg, child_err);
	if (code != HF_OK)
		return code;
	(void)snprintf(text, sizeof text, "%s.%u ring %u slots %u", hf_role_name(link->role),
		       link->index, (unsigned)done.job_id, done.detection_count);
	hf_worker_stats(*worker, text);
	return HF_OK;
}

static int play(void)
{
	unsigned fds = open_fds();
	bool signals = signals_are_default();
	struct hf_worker *worker = NULL;
	struct hf_worker_ops ops = { .context = &worker,
				     .on_plug = child_plug,
				     .on_message = child_message };
	struct hf_err child_err;
	char text[128];

	if (hf_worker_open(HF_ROLE_INFER, &ops, &worker, &child_err) != HF_OK)
		return 99;
	if (strcmp(hf_worker_hello(worker)->release, "exit") == 0) {
		hf_worker_close(worker);
		return 7;
	}
	if (strcmp(hf_worker_hello(worker)->release, "die") == 0)
		(void)raise(SIGKILL);
	(void)snprintf(text, sizeof text, "fds %u signals %d", fds, signals);
	hf_worker_stats(worker, text);
	while (hf_worker_step(worker, 100, &child_err) == HF_OK)
		;
	hf_worker_close(worker);
	return 0;
}

TEST(a_child_starts_with_four_descriptors_and_default_signals)
{
	static uint8_t buffer[HF_MSG_BODY_BYTES_MAX];
	HF_AUTO_FD stray = fcntl(STDIN_FILENO, F_DUPFD, 20); /* not close-on-exec */
	sigset_t blocked, before;

	CHECK_I64(stray, >=, 0);
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGUSR2);
	(void)sigprocmask(SIG_BLOCK, &blocked, &before);
	(void)signal(SIGUSR1, SIG_IGN);
	struct hf_child child = spawn(HF_ROLE_INFER, 3, "work");
	(void)signal(SIGUSR1, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);

	struct hf_msg msg = receive(child.control_fd, buffer);
	size_t size;
	const char *text = (const char *)hf_msg_get_rest(&msg, &size);
	CHECK_U64(msg.type, ==, HF_MSG_STATS);
	CHECK_U64(size, ==, strlen("fds 4 signals 1"));
	assert_memory_equal(text, "fds 4 signals 1", size);
	CHECK_I64(atomic_load(&child.pulse->beat_us), >, 0);
	hf_child_close(&child);
}

TEST(linked_children_hear_one_another_and_share_the_ring)
{
	static uint8_t buffer[HF_MSG_BODY_BYTES_MAX];
	struct hf_child a = spawn(HF_ROLE_INFER, 1, "work");
	struct hf_child b = spawn(HF_ROLE_INFER, 2, "work");
	HF_AUTO_FD ring = -1;

	CHECK_OK(hf_ring_create(5, 64, &ring, &err));
	CHECK_OK(hf_spawn_link(&a, &b, 77, ring, &err));
	(void)receive(a.control_fd, buffer);
	struct hf_msg msg = receive(a.control_fd, buffer);
	size_t size;
	const char *text = (const char *)hf_msg_get_rest(&msg, &size);
	const char expected[] = "infer.2 ring 77 slots 5";
	CHECK_U64(size, ==, strlen(expected));
	assert_memory_equal(text, expected, size);
	hf_child_close(&a);
	hf_child_close(&b);
}

TEST(a_link_here_reaches_the_child)
{
	static uint8_t buffer[HF_MSG_BODY_BYTES_MAX];
	struct hf_child child = spawn(HF_ROLE_INFER, 0, "work");
	HF_AUTO_FD end = -1;
	struct hf_done done;

	CHECK_OK(hf_spawn_link_here(&child, HF_ROLE_RESPOND, 6, 0, -1, &end, &err));
	struct hf_msg msg = receive(end, buffer);
	hf_msg_get(&msg, &done, sizeof done);
	CHECK_OK(hf_msg_end(&msg, &err));
	CHECK_U64(done.failed, ==, 6);
	CHECK_OK(hf_spawn_start(&child, &err));
	hf_child_close(&child);
}

TEST(an_end_is_told_once_and_in_words)
{
	struct hf_child child = spawn(HF_ROLE_INFER, 0, "exit");
	struct hf_exit end = wait_end(&child);
	char text[64];

	hf_exit_text(&end, sizeof text, text);
	CHECK_TEXT(text, "exit 7");
	CHECK_I64(child.pid, ==, 0);
	hf_child_close(&child);

	child = spawn(HF_ROLE_INFER, 0, "die");
	end = wait_end(&child);
	hf_exit_text(&end, sizeof text, text);
	CHECK_TEXT(text, "killed by signal 9 (KILL)");
	hf_child_close(&child);
}

TEST(who_was_ended_by_its_sandbox_is_told_so)
{
	const struct hf_exit end = { .status = -1, .signal = SIGSYS };
	char text[128];

	hf_exit_text(&end, sizeof text, text);
	assert_non_null(strstr(text, "(SYS): it tried what its sandbox forbids"));
}

TEST(a_child_that_is_closed_is_gone)
{
	struct hf_child child = spawn(HF_ROLE_INFER, 0, "work");
	struct hf_exit end;
	pid_t pid = child.pid;

	CHECK_CODE(hf_child_reap(&child, &end, &err), HF_E_AGAIN);
	hf_child_close(&child);
	CHECK_I64(kill(pid, 0), ==, -1);
	CHECK_I64(errno, ==, ESRCH);
	hf_child_close(&child);
	hf_child_close(NULL);
}

TEST(a_killed_child_ends_by_its_signal)
{
	struct hf_child child = spawn(HF_ROLE_INFER, 0, "work");

	hf_child_kill(&child);
	CHECK_I64(wait_end(&child).signal, ==, SIGKILL);
	hf_child_kill(&child);
	hf_child_close(&child);
}

TEST(a_program_that_is_missing_is_named)
{
	struct hf_hello hello = { .role = HF_ROLE_INFER };
	HF_AUTO_FD config = config_fd();
	struct hf_child child = HF_CHILD_NONE;

	CHECK_CODE(hf_spawn_worker(&(struct hf_spawn){ .path = "/nonexistent/infer",
						       .hello = &hello,
						       .config_fd = config,
						       .stderr_fd = -1 },
				   &child, &err),
		   HF_E_NOENT);
	CHECK(strstr(err.text, "/nonexistent/infer") != NULL);
	CHECK_I64(child.pid, ==, 0);
}

TEST(the_configuration_cannot_be_written_by_a_worker)
{
	HF_AUTO_FD fd = config_fd();

	CHECK_I64(pwrite(fd, "x", 1, 0), ==, -1);
	CHECK_I64(ftruncate(fd, 0), ==, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(a_child_starts_with_four_descriptors_and_default_signals),
		RUN(linked_children_hear_one_another_and_share_the_ring),
		RUN(a_link_here_reaches_the_child),
		RUN(an_end_is_told_once_and_in_words),
		RUN(who_was_ended_by_its_sandbox_is_told_so),
		RUN(a_child_that_is_closed_is_gone),
		RUN(a_killed_child_ends_by_its_signal),
		RUN(a_program_that_is_missing_is_named),
		RUN(the_configuration_cannot_be_written_by_a_worker),
	};
	int type;
	socklen_t size = sizeof type;

	/* A socket of messages on descriptor 3: we are the child. */
	if (getsockopt(HF_WORKER_CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	    type == SOCK_SEQPACKET)
		return play();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
