/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/film.h"

#include "base/auto.h"
#include "proc/paint/paint.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
	POLL_MS = 200,
	STUCK_MS = 60000, /* a frame takes milliseconds */
	WORDS_BYTES = 512,
};

static const char ending[] = ".mp4";

struct hf_film {
	struct hf_film_options options;
	char part[HF_PATH_BYTES];
	pid_t pid; /* 0: none, or reaped */
	int pidfd;
	int pipe_fd;
	int log_fd;
};

static bool is_same(const struct stat *a, const char *path)
{
	struct stat b;

	return stat(path, &b) == 0 && a->st_dev == b.st_dev && a->st_ino == b.st_ino;
}

enum hf_code hf_film_check(const char *path, const char *clip, struct hf_err *err)
{
	size_t length = strlen(path), ending_length = sizeof ending - 1;
	struct stat st;

	if (length <= ending_length || strcmp(path + length - ending_length, ending) != 0)
		return hf_fail(err, HF_E_INVALID, "--draw %s: it will be an MP4; name it *%s", path,
			       ending);
	if (length + sizeof ".part" > HF_PATH_BYTES)
		return hf_fail(err, HF_E_LIMIT, "--draw: the path is too long");
	if (stat(path, &st) != 0)
		return errno == ENOENT ? HF_OK : hf_fail_errno(err, "--draw %s", path);
	if (!S_ISREG(st.st_mode))
		return hf_fail(err, HF_E_INVALID, "--draw %s: that is there, and is not a file",
			       path);
	if (is_same(&st, clip))
		return hf_fail(err, HF_E_INVALID,
			       "--draw %s: that is the clip itself; name another file", path);
	return HF_OK;
}

/* The painter */

/* Its last line, or how it ended. */
static enum hf_code tell_end(struct hf_film *film, int status, struct hf_err *err)
{
	char words[WORDS_BYTES] = "";
	off_t size = film->log_fd < 0 ? 0 : lseek(film->log_fd, 0, SEEK_END);
	off_t from = size > WORDS_BYTES - 1 ? size - (WORDS_BYTES - 1) : 0;
	ssize_t n = size <= 0 ? 0 : pread(film->log_fd, words, sizeof words - 1, from);

	while (n > 0 && words[n - 1] == '\n')
		n--;
	words[n > 0 ? n : 0] = '\0';
	const char *line = strrchr(words, '\n');
	line = line != NULL ? line + 1 : words;
	/* People know the file by its own name. */
	if (WIFEXITED(status) && *line != '\0')
		return hf_fail(err, HF_E_IO, "--draw: %s", line);
	const struct hf_exit end = { .status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
				     .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0 };
	char how[64];
	hf_exit_text(&end, sizeof how, how);
	return hf_fail(err, HF_E_IO, "--draw: the program paint ended unexpectedly (%s)", how);
}

/* AGAIN: it works. OK: it has ended well. */
static enum hf_code reap(struct hf_film *film, bool wait, struct hf_err *err)
{
	int status = 0;

	if (film->pid == 0)
		return hf_fail(err, HF_E_CLOSED, "the program paint has ended");
	pid_t pid = waitpid(film->pid, &status, wait ? 0 : WNOHANG);
	if (pid == 0 || (pid < 0 && errno == EINTR))
		return hf_fail(err, HF_E_AGAIN, "the program paint works");
	film->pid = 0;
	if (pid < 0)
		return hf_fail_errno(err, "wait for the program paint");
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? HF_OK : tell_end(film, status, err);
}

static enum hf_code wait_for(struct hf_film *film, int fd, short events, struct hf_err *err)
{
	for (int waited_ms = 0; waited_ms < STUCK_MS; waited_ms += POLL_MS) {
		struct pollfd wait = { .fd = fd, .events = events };

		if (poll(&wait, 1, POLL_MS) == 1)
			return HF_OK;
		if (film->options.interrupted(film->options.context))
			return hf_fail(err, HF_E_AGAIN, "interrupted");
	}
	return hf_fail(err, HF_E_IO, "--draw: the program paint hangs");
}

static enum hf_code send(struct hf_film *film, const void *data, size_t size_bytes,
			 struct hf_err *err)
{
	const uint8_t *at = data;

	while (size_bytes > 0) {
		ssize_t n = write(film->pipe_fd, at, size_bytes);
		enum hf_code code = HF_OK;

		if (n >= 0) {
			at += n;
			size_bytes -= (size_t)n;
		} else if (errno == EAGAIN) {
			code = wait_for(film, film->pipe_fd, POLLOUT, err);
		} else if (errno == EPIPE) {
			/* It has closed its end: it ends, or has. */
			code = reap(film, true, err);
			code = code == HF_OK ? hf_fail(err, HF_E_IO, "--draw: it ended too soon")
					     : code;
		} else if (errno != EINTR) {
			code = hf_fail_errno(err, "write to the program paint");
		}
		if (code != HF_OK)
			return code;
	}
	return HF_OK;
}

static enum hf_code tell(struct hf_film *film, enum paint_kind kind, const void *body,
			 size_t size_bytes, struct hf_err *err)
{
	const struct paint_record record = { .kind = (uint32_t)kind,
					     .size_bytes = (uint32_t)size_bytes };
	enum hf_code code = send(film, &record, sizeof record, err);

	return code == HF_OK ? send(film, body, size_bytes, err) : code;
}

/* In the child between fork and exec: only what may be called there. */
static _Noreturn void become(const char *program, int stdin_fd, int stderr_fd)
{
	char *const arguments[] = { (char *)(uintptr_t)program, NULL };

	if (dup2(stdin_fd, STDIN_FILENO) >= 0 && dup2(stderr_fd, STDERR_FILENO) >= 0 &&
	    dup2(stderr_fd, STDOUT_FILENO) >= 0)
		(void)execv(program, arguments);
	_exit(127);
}

static enum hf_code start(struct hf_film *film, struct hf_err *err)
{
	char program[HF_PATH_BYTES + 16];
	int ends[2];

	(void)snprintf(program, sizeof program, "%s/paint", film->options.tree->libexec);
	if (access(program, X_OK) != 0)
		return hf_fail_errno(err, "%s, which draws, cannot be run", program);
	film->log_fd = memfd_create("holdfast-log", MFD_CLOEXEC);
	if (film->log_fd < 0)
		return hf_fail_errno(err, "make room for a log");
	if (pipe2(ends, O_CLOEXEC) != 0)
		return hf_fail_errno(err, "make a pipe");
	HF_AUTO_FD theirs = ends[0];
	film->pipe_fd = ends[1];
	if (fcntl(film->pipe_fd, F_SETFL, O_NONBLOCK) != 0)
		return hf_fail_errno(err, "set up a pipe");
	pid_t pid = fork();
	if (pid == 0)
		become(program, theirs, film->log_fd);
	if (pid < 0)
		return hf_fail_errno(err, "start %s", program);
	film->pid = pid;
	film->pidfd = pidfd_open(pid, 0);
	return film->pidfd >= 0 ? HF_OK : hf_fail_errno(err, "watch %s", program);
}

static enum hf_code send_head(struct hf_film *film, struct hf_err *err)
{
	HF_AUTO_FREE struct paint_head *head = calloc(1, sizeof *head);

	if (head == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	head->magic = PAINT_MAGIC;
	head->size_bytes = sizeof *head;
	head->source = film->options.source;
	head->config = *film->options.config;
	(void)snprintf(head->out, sizeof head->out, "%s", film->part);
	return send(film, head, sizeof *head, err);
}

/* It can be written where it is wanted: said before the clip is run, not after. */
static enum hf_code try_part(const struct hf_film *film, struct hf_err *err)
{
	HF_AUTO_FD fd = open(film->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	return fd >= 0 ? HF_OK : hf_fail_errno(err, "--draw: create %s", film->part);
}

enum hf_code hf_film_open(const struct hf_film_options *options, struct hf_film **ret_film,
			  struct hf_err *err)
{
	struct hf_film *film = calloc(1, sizeof *film);

	if (film == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	film->options = *options;
	film->pidfd = film->pipe_fd = film->log_fd = -1;
	(void)snprintf(film->part, sizeof film->part, "%s.part", options->path);
	enum hf_code code = try_part(film, err);
	if (code == HF_OK)
		code = start(film, err);
	if (code == HF_OK)
		code = send_head(film, err);
	if (code != HF_OK) {
		hf_film_close(film);
		return code;
	}
	*ret_film = film;
	return HF_OK;
}

enum hf_code hf_film_tick(struct hf_film *film, const struct hf_tick *tick, struct hf_err *err)
{
	return tell(film, PAINT_TICK, tick, sizeof *tick, err);
}

enum hf_code hf_film_result(struct hf_film *film, const struct hf_result *result,
			    struct hf_err *err)
{
	return tell(film, PAINT_RESULT, result, hf_result_bytes(result->detection_count), err);
}

enum hf_code hf_film_event(struct hf_film *film, const char *line, size_t size_bytes,
			   struct hf_err *err)
{
	return tell(film, PAINT_EVENT, line, size_bytes, err);
}

enum hf_code hf_film_finish(struct hf_film *film, struct hf_err *err)
{
	enum hf_code code = tell(film, PAINT_END, NULL, 0, err);

	if (code == HF_OK)
		code = wait_for(film, film->pidfd, POLLIN, err);
	if (code == HF_OK)
		code = reap(film, true, err);
	if (code != HF_OK)
		return code;
	if (rename(film->part, film->options.path) != 0)
		return hf_fail_errno(err, "--draw: rename %s to %s", film->part,
				     film->options.path);
	film->part[0] = '\0';
	return HF_OK;
}

void hf_film_close(struct hf_film *film)
{
	if (film == NULL)
		return;
	hf_auto_close(&film->pipe_fd);
	if (film->pid > 0) {
		(void)kill(film->pid, SIGKILL); /* not reaped: the number is still its own */
		while (waitpid(film->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (film->part[0] != '\0')
		(void)unlink(film->part);
	hf_auto_close(&film->pidfd);
	hf_auto_close(&film->log_fd);
	free(film);
}
