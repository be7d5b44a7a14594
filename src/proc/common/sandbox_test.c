/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: each profile refuses what it should, in the way it should, and nothing that it needs.
 *
 * Method: a child enters the profile as a worker would and tries one thing. What comes back is
 * the errno, zero, or the signal that ended it. Where this kernel has no Landlock, what only
 * that refuses is passed over; what system calls may do is tried everywhere.
 */
#include "proc/common/sandbox.h"

#include "base/auto.h"
#include "proc/common/sandbox_calls.h"
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <linux/landlock.h>
#include <linux/videodev2.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>

enum {
	KILLED = 1000, /* plus the signal */
	NOBODY = 65534,
};

/* A unit's folders, a clip beside a secret, and who wants in. */
struct place {
	char folder[64];
	char data[96], clips[96], clip[128], secret[128];
	struct hf_config config;
	struct hf_hello hello;
	bool as_nobody;
};

static struct place here;
static struct hf_sandbox sandbox;

static void make_file(const char *path)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	(void)fputs("secret\n", file);
	(void)fclose(file);
	assert_int_equal(chmod(path, 0644), 0);
}

static int set_up(void **state)
{
	static const char *const folders[] = { "outbox", "thumbs", "meta", "run" };
	char path[256];

	(void)state;
	here = (struct place){ .folder = "/tmp/holdfast-sandbox-XXXXXX" };
	assert_non_null(mkdtemp(here.folder));
	assert_int_equal(chmod(here.folder, 0777), 0);
	(void)snprintf(here.data, sizeof here.data, "%s/data", here.folder);
	(void)snprintf(here.clips, sizeof here.clips, "%s/clips", here.folder);
	(void)snprintf(here.clip, sizeof here.clip, "%s/a.avi", here.clips);
	(void)snprintf(here.secret, sizeof here.secret, "%s/secret", here.folder);
	assert_int_equal(mkdir(here.data, 0777), 0);
	assert_int_equal(mkdir(here.clips, 0777), 0);
	for (size_t i = 0; i < HF_ARRAY_LEN(folders); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", here.data, folders[i]);
		assert_int_equal(mkdir(path, 0777), 0);
		assert_int_equal(chmod(path, 0777), 0);
	}
	make_file(here.clip);
	make_file(here.secret);
	hf_config_defaults(&here.config);
	here.config.source_count = 1;
	(void)snprintf(here.config.sources[0].url, HF_PATH_BYTES, "%s", here.clip);
	(void)snprintf(here.hello.data_path, HF_PATH_BYTES, "%s", here.data);
	(void)snprintf(here.hello.run_path, HF_PATH_BYTES, "%.90s/run", here.data);
	(void)snprintf(here.hello.share_path, HF_PATH_BYTES, "%s", here.clips);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof command, "rm -rf '%s'", here.folder);
	return system(command);
}

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 2;
}

/* The attempts: zero, or errno. */

static int done(int result)
{
	return result < 0 ? errno : 0;
}

static int open_as(const char *path, int flags)
{
	HF_AUTO_FD fd = open(path, flags | O_CLOEXEC, 0600);

	return done(fd);
}

static int read_clip(void)
{
	return open_as(here.clip, O_RDONLY);
}

static int read_secret(void)
{
	return open_as(here.secret, O_RDONLY);
}

static int read_shadow(void)
{
	return open_as("/etc/shadow", O_RDONLY);
}

static int write_clip(void)
{
	return open_as(here.clip, O_WRONLY);
}

static int in_data(const char *name, int flags)
{
	char path[256];

	(void)snprintf(path, sizeof path, "%s/%s", here.data, name);
	return open_as(path, flags);
}

static int write_outbox(void)
{
	return in_data("outbox/2026-01-01.jsonl", O_RDWR | O_CREAT);
}

static int write_thumb(void)
{
	return in_data("thumbs/a.jpg", O_WRONLY | O_CREAT);
}

static int write_meta(void)
{
	return in_data("meta/ack_local_seq", O_WRONLY | O_CREAT);
}

static int write_receipt(void)
{
	return in_data("identity/receipts/hub.key", O_WRONLY | O_CREAT);
}

static int write_identity(void)
{
	return in_data("identity/epoch", O_WRONLY | O_CREAT);
}

static int read_data(void)
{
	return in_data("outbox", O_RDONLY | O_DIRECTORY);
}

static int write_elsewhere(void)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/planted", here.folder);
	return open_as(path, O_WRONLY | O_CREAT);
}

static int move_between_folders(void)
{
	char from[256], to[256];

	(void)snprintf(from, sizeof from, "%s/outbox/torn", here.data);
	(void)snprintf(to, sizeof to, "%s/meta/torn", here.data);
	int error = open_as(from, O_WRONLY | O_CREAT);
	return error != 0 ? error : done(rename(from, to));
}

static int remove_clip(void)
{
	return done(unlink(here.clip));
}

static int execute(void)
{
	(void)execl("/bin/true", "true", (char *)NULL);
	return errno;
}

static int execute_and_wait(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		(void)execl("/bin/true", "true", (char *)NULL);
		_exit(errno);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : KILLED + WTERMSIG(status);
}

static int split(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return done(pid);
}

static void *nothing(void *context)
{
	return context;
}

static int start_thread(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, nothing, NULL);

	return error != 0 ? error : pthread_join(thread, NULL);
}

static int trace_parent(void)
{
	return done((int)ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
}

static int kill_parent(void)
{
	return done(kill(getppid(), 0));
}

static int internet(void)
{
	HF_AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return done(fd);
}

static int internet_v6(void)
{
	HF_AUTO_FD fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return done(fd);
}

static int local_socket(void)
{
	HF_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return done(fd);
}

/* Nobody listens there: refused is as far as one gets. */
static int connect_out(void)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(1),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	HF_AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	return done(connect(fd, (const struct sockaddr *)&to, sizeof to));
}

static int listen_in(void)
{
	HF_AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? errno : done(listen(fd, 1));
}

static int look_up_localhost(void)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	int error = getaddrinfo("localhost", "80", &hints, &list);

	if (error == 0)
		freeaddrinfo(list);
	return error == 0 ? 0 : ENOENT;
}

static int camera_ioctl(void)
{
	struct v4l2_capability about;

	return done(ioctl(STDIN_FILENO, VIDIOC_QUERYCAP, &about));
}

static int gpio_ioctl(void)
{
	struct gpio_v2_line_values values = { 0 };

	return done(ioctl(STDIN_FILENO, GPIO_V2_LINE_SET_VALUES_IOCTL, &values));
}

static int terminal_injection(void)
{
	return done(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}

static int open_null_device(void)
{
	return open_as("/dev/zero", O_RDWR);
}

static int write_and_execute(void)
{
	void *map = mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return map == MAP_FAILED ? errno : 0;
}

static int mount_something(void)
{
	return done((int)syscall(SYS_mount, "none", here.clips, "tmpfs", 0UL, NULL));
}

static int set_clock(void)
{
	struct timex change = { .modes = ADJ_TICK, .tick = 10000 };

	return done(adjtimex(&change));
}

static int read_clock(void)
{
	struct timex look = { .modes = 0 };

	return done(adjtimex(&look));
}

static int unknown_call(void)
{
	return done((int)syscall(SYS_io_uring_setup, 1, NULL));
}

static int abort_itself(void)
{
	abort();
}

static void child(enum hf_role role, int (*attempt)(void), int answer_fd)
{
	/* The sanitizers' own words on what the kernel ends are not wanted. */
	(void)signal(SIGSYS, SIG_DFL);
	if (here.as_nobody && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
		_exit(1);
	here.hello.role = (uint32_t)role;
	if (role == HF_ROLE_SUPERVISOR)
		hf_sandbox_for_config(here.clip, &sandbox);
	else
		hf_sandbox_for(&here.hello, &here.config, &sandbox);
	hf_sandbox_enter(&sandbox);
	const bool walled = (sandbox.traits & HF_SANDBOX_COMMANDS) == 0;
	if (!sandbox.seccomp || (walled && has_landlock() && sandbox.landlock == 0)) {
		(void)fprintf(stderr, "%s: %s\n", sandbox.name, sandbox.missing);
		_exit(1);
	}
	int answer = attempt();
	_exit(write(answer_fd, &answer, sizeof answer) == sizeof answer ? 0 : 1);
}

static int try_as(enum hf_role role, int (*attempt)(void))
{
	int ends[2], status = 0, answer = -1;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child(role, attempt, ends[1]);
	(void)close(ends[1]);
	ssize_t got = read(ends[0], &answer, sizeof answer);
	(void)close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return KILLED + WTERMSIG(status);
	assert_int_equal(got, sizeof answer);
	return answer;
}

/* config is no role: the supervisor's number stands for it. */
#define CONFIG HF_ROLE_SUPERVISOR

#define TRY(role, attempt, expected)                                                           \
	do {                                                                                   \
		int test_answer = try_as((role), attempt);                                     \
		if (test_answer != (expected))                                                 \
			fail_msg("%s tries %s: %d, expected %d", hf_role_name(role), #attempt, \
				 test_answer, (expected));                                     \
	} while (0)
/* What only Landlock refuses. */
#define TRY_FILE(role, attempt, expected)             \
	do {                                          \
		if (has_landlock())                   \
			TRY(role, attempt, expected); \
	} while (0)

static const enum hf_role everybody[] = { HF_ROLE_INGEST, HF_ROLE_INFER,  HF_ROLE_RESPOND,
					  HF_ROLE_KEEPER, HF_ROLE_UPLINK, CONFIG };

TEST(nobody_starts_a_program_or_touches_another_process)
{
	bool widened = hf_sandbox_build()[0] != '\0';

	for (size_t i = 0; i < HF_ARRAY_LEN(everybody); i++) {
		TRY(everybody[i], execute, KILLED + SIGSYS);
		TRY(everybody[i], mount_something, KILLED + SIGSYS);
		TRY(everybody[i], unknown_call, ENOSYS);
		TRY(everybody[i], write_and_execute, EPERM);
		TRY(everybody[i], terminal_injection, ENOSYS);
		if (widened)
			continue;
		TRY(everybody[i], split, EPERM);
		TRY(everybody[i], trace_parent, KILLED + SIGSYS);
		TRY(everybody[i], kill_parent, EPERM);
	}
}

TEST(everybody_may_start_threads_read_the_clock_and_abort)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(everybody); i++) {
		TRY(everybody[i], start_thread, 0);
		TRY(everybody[i], read_clock, 0);
		TRY(everybody[i], set_clock, EPERM);
		TRY(everybody[i], abort_itself, KILLED + SIGABRT);
	}
}

TEST(who_decodes_a_file_reads_its_folder_and_nothing_else)
{
	TRY(HF_ROLE_INGEST, read_clip, 0);
	TRY_FILE(HF_ROLE_INGEST, read_secret, EACCES);
	TRY_FILE(HF_ROLE_INGEST, read_shadow, EACCES);
	TRY_FILE(HF_ROLE_INGEST, read_data, EACCES);
	TRY(HF_ROLE_INGEST, write_clip, EACCES);
	TRY(HF_ROLE_INGEST, write_elsewhere, EACCES);
	TRY(HF_ROLE_INGEST, remove_clip, EPERM);
	TRY(HF_ROLE_INGEST, internet, KILLED + SIGSYS);
	TRY(HF_ROLE_INGEST, internet_v6, KILLED + SIGSYS);
	TRY(HF_ROLE_INGEST, local_socket, EACCES);
	TRY(HF_ROLE_INGEST, camera_ioctl, ENOSYS);
}

TEST(who_looks_at_a_grabber_gets_its_node_and_no_network)
{
	here.config.sources[0].type = HF_SOURCE_V4L2;
	(void)snprintf(here.config.sources[0].url, HF_PATH_BYTES, "/dev/zero");
	TRY(HF_ROLE_INGEST, open_null_device, 0);
	TRY(HF_ROLE_INGEST, camera_ioctl, ENOTTY);
	TRY_FILE(HF_ROLE_INGEST, read_secret, EACCES);
	TRY_FILE(HF_ROLE_INGEST, read_shadow, EACCES);
	TRY(HF_ROLE_INGEST, write_elsewhere, EACCES);
	TRY(HF_ROLE_INGEST, internet, KILLED + SIGSYS);
}

TEST(who_looks_at_a_network_camera_reaches_out_and_writes_nothing)
{
	here.config.sources[0].type = HF_SOURCE_RTSP;
	(void)snprintf(here.config.sources[0].url, HF_PATH_BYTES, "rtsp://camera/");
	TRY(HF_ROLE_INGEST, connect_out, ECONNREFUSED);
	TRY(HF_ROLE_INGEST, look_up_localhost, 0);
	TRY(HF_ROLE_INGEST, listen_in, ENOSYS);
	TRY_FILE(HF_ROLE_INGEST, read_secret, EACCES);
	TRY_FILE(HF_ROLE_INGEST, read_shadow, EACCES);
	TRY(HF_ROLE_INGEST, write_elsewhere, EACCES);
}

TEST(a_detector_reads_models_and_nothing_else)
{
	TRY(HF_ROLE_INFER, read_clip, 0); /* lies where the models are */
	TRY_FILE(HF_ROLE_INFER, read_secret, EACCES);
	TRY(HF_ROLE_INFER, write_clip, EACCES);
	TRY(HF_ROLE_INFER, write_outbox, EACCES);
	TRY(HF_ROLE_INFER, internet, KILLED + SIGSYS);
}

TEST(who_raises_events_writes_pictures_and_nothing_else)
{
	TRY(HF_ROLE_RESPOND, write_thumb, 0);
	TRY_FILE(HF_ROLE_RESPOND, write_outbox, EACCES);
	TRY_FILE(HF_ROLE_RESPOND, write_meta, EACCES);
	TRY_FILE(HF_ROLE_RESPOND, write_elsewhere, EACCES);
	TRY_FILE(HF_ROLE_RESPOND, read_secret, EACCES);
	TRY(HF_ROLE_RESPOND, internet, KILLED + SIGSYS);
}

TEST(who_has_no_data_folder_writes_nothing_anywhere)
{
	here.hello.data_path[0] = '\0';
	const bool was_there = access("/thumbs", F_OK) == 0;
	TRY_FILE(HF_ROLE_RESPOND, write_thumb, EACCES);
	TRY_FILE(HF_ROLE_RESPOND, write_elsewhere, EACCES);
	CHECK(was_there || access("/thumbs", F_OK) != 0);
}

TEST(who_keeps_events_writes_the_data_folder_and_nothing_else)
{
	TRY(HF_ROLE_KEEPER, write_outbox, 0);
	TRY(HF_ROLE_KEEPER, write_meta, 0);
	TRY(HF_ROLE_KEEPER, move_between_folders, 0);
	TRY_FILE(HF_ROLE_KEEPER, write_elsewhere, EACCES);
	TRY_FILE(HF_ROLE_KEEPER, remove_clip, EACCES);
	TRY_FILE(HF_ROLE_KEEPER, read_secret, EACCES);
	TRY(HF_ROLE_KEEPER, internet, KILLED + SIGSYS);
}

TEST(who_delivers_reaches_out_reads_the_outbox_and_writes_only_where_it_stands)
{
	TRY(HF_ROLE_UPLINK, connect_out, ECONNREFUSED);
	TRY(HF_ROLE_UPLINK, look_up_localhost, 0);
	TRY(HF_ROLE_UPLINK, listen_in, ENOSYS);
	TRY(HF_ROLE_UPLINK, read_data, 0);
	TRY(HF_ROLE_UPLINK, write_meta, 0);
	TRY(HF_ROLE_UPLINK, write_receipt, 0);
	TRY_FILE(HF_ROLE_UPLINK, write_identity, EACCES);
	TRY_FILE(HF_ROLE_UPLINK, write_outbox, EACCES);
	TRY_FILE(HF_ROLE_UPLINK, write_thumb, EACCES);
	TRY_FILE(HF_ROLE_UPLINK, read_secret, EACCES);
	TRY_FILE(HF_ROLE_UPLINK, read_shadow, EACCES);
	(void)snprintf(here.config.hub_token_file, HF_PATH_BYTES, "%s", here.secret);
	TRY(HF_ROLE_UPLINK, read_secret, 0);
}

TEST(who_switches_a_line_gets_its_node_and_starts_nothing)
{
	(void)snprintf(here.config.actuation_gpio, HF_ID_BYTES, "zero:1");
	TRY(HF_ROLE_ACTUATE, open_null_device, 0);
	TRY(HF_ROLE_ACTUATE, gpio_ioctl, ENOTTY);
	TRY(HF_ROLE_ACTUATE, camera_ioctl, ENOSYS);
	TRY(HF_ROLE_ACTUATE, execute, KILLED + SIGSYS);
	TRY(HF_ROLE_ACTUATE, internet, KILLED + SIGSYS);
	TRY(HF_ROLE_ACTUATE, write_elsewhere, EACCES);
	TRY_FILE(HF_ROLE_ACTUATE, read_secret, EACCES);
	TRY(HF_ROLE_INGEST, gpio_ioctl, ENOSYS);
}

TEST(who_starts_a_command_does_so_and_neither_mounts_nor_traces)
{
	(void)snprintf(here.config.actuation_command, HF_PATH_BYTES, "/bin/true");
	TRY(HF_ROLE_ACTUATE, split, 0);
	TRY(HF_ROLE_ACTUATE, execute_and_wait, 0);
	TRY(HF_ROLE_ACTUATE, mount_something, KILLED + SIGSYS);
	if (hf_sandbox_build()[0] == '\0')
		TRY(HF_ROLE_ACTUATE, trace_parent, KILLED + SIGSYS);
}

TEST(who_parses_a_configuration_reads_that_file_and_nothing_else)
{
	TRY(CONFIG, read_clip, 0);
	TRY_FILE(CONFIG, read_secret, EACCES);
	TRY(CONFIG, write_clip, EACCES);
	TRY(CONFIG, internet, KILLED + SIGSYS);
}

TEST(an_ordinary_user_is_confined_as_root_is)
{
	if (geteuid() != 0)
		skip();
	here.as_nobody = true;
	TRY(HF_ROLE_INGEST, read_clip, 0);
	TRY_FILE(HF_ROLE_INGEST, read_secret, EACCES);
	TRY(HF_ROLE_INGEST, internet, KILLED + SIGSYS);
	TRY(HF_ROLE_KEEPER, write_outbox, 0);
	TRY_FILE(HF_ROLE_KEEPER, write_elsewhere, EACCES);
	TRY(HF_ROLE_KEEPER, execute, KILLED + SIGSYS);
}

/* Stale: seen by the process that is in it, so it says what it saw. */

static int is_stale_now(void)
{
	return hf_sandbox_stale(&sandbox) != NULL ? 1 : 0;
}

static int replace_token_and_look(void)
{
	/* The one outside is told by a file that goes, and puts another token there. */
	char flag[160];

	(void)snprintf(flag, sizeof flag, "%s/meta/now", here.data);
	int before = is_stale_now();
	if (before != 0 || open_as(flag, O_WRONLY | O_CREAT) != 0)
		return -1;
	while (access(flag, F_OK) == 0)
		(void)sched_yield();
	return is_stale_now();
}

TEST(a_file_that_was_replaced_makes_the_sandbox_stale)
{
	char flag[160], other[160];
	int ends[2], answer = -1, status;

	if (!has_landlock())
		skip();
	(void)snprintf(here.config.hub_token_file, HF_PATH_BYTES, "%s", here.secret);
	(void)snprintf(flag, sizeof flag, "%s/meta/now", here.data);
	(void)snprintf(other, sizeof other, "%s.new", here.secret);
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child(HF_ROLE_UPLINK, replace_token_and_look, ends[1]);
	(void)close(ends[1]);
	while (access(flag, F_OK) != 0)
		(void)sched_yield();
	make_file(other);
	assert_int_equal(rename(other, here.secret), 0);
	assert_int_equal(unlink(flag), 0);
	assert_int_equal(read(ends[0], &answer, sizeof answer), sizeof answer);
	(void)close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	CHECK_I64(answer, ==, 1);
}

static int is_stale_with_the_clip_back(void)
{
	int found = -1;

	for (unsigned i = 0; i < sandbox.path_count; i++)
		if (strcmp(sandbox.paths[i].path, here.clip) == 0) {
			sandbox.paths[i].there = false; /* as if it had not been */
			found = is_stale_now();
		}
	return found;
}

TEST(a_file_that_comes_into_a_folder_that_may_be_read_does_not)
{
	TRY_FILE(HF_ROLE_INGEST, is_stale_with_the_clip_back, 0);
}

#define WITH_PLACE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(nobody_starts_a_program_or_touches_another_process),
		WITH_PLACE(everybody_may_start_threads_read_the_clock_and_abort),
		WITH_PLACE(who_decodes_a_file_reads_its_folder_and_nothing_else),
		WITH_PLACE(who_looks_at_a_grabber_gets_its_node_and_no_network),
		WITH_PLACE(who_looks_at_a_network_camera_reaches_out_and_writes_nothing),
		WITH_PLACE(a_detector_reads_models_and_nothing_else),
		WITH_PLACE(who_raises_events_writes_pictures_and_nothing_else),
		WITH_PLACE(who_has_no_data_folder_writes_nothing_anywhere),
		WITH_PLACE(who_keeps_events_writes_the_data_folder_and_nothing_else),
		WITH_PLACE(
			who_delivers_reaches_out_reads_the_outbox_and_writes_only_where_it_stands),
		WITH_PLACE(who_switches_a_line_gets_its_node_and_starts_nothing),
		WITH_PLACE(who_starts_a_command_does_so_and_neither_mounts_nor_traces),
		WITH_PLACE(who_parses_a_configuration_reads_that_file_and_nothing_else),
		WITH_PLACE(an_ordinary_user_is_confined_as_root_is),
		WITH_PLACE(a_file_that_was_replaced_makes_the_sandbox_stale),
		WITH_PLACE(a_file_that_comes_into_a_folder_that_may_be_read_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
