/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/control.h"

#include "base/auto.h"
#include "test.h"

#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

enum {
	PATIENCE_MS = 10000,
};

static const struct hf_question status_question = { .type = HF_MSG_CTL_STATUS };
static char folder[64];
static struct hf_err err;

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/holdfast-control-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
	char path[PATH_MAX];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/control", folder);
	(void)unlink(path);
	return rmdir(folder);
}

static int listen_there(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/control", folder);
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
	CHECK(listen(fd, 1) == 0);
	return fd;
}

/* A unit that answers one question with these bytes, in a process of its own. */
static pid_t answer_with(int listener, enum hf_msg_type type, const void *body, size_t size_bytes)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child > 0) {
		(void)close(listener);
		return child;
	}
	static uint8_t buffer[HF_MSG_BODY_BYTES_MAX];
	int client = accept(listener, NULL, NULL);
	struct hf_msg msg;
	enum hf_code code = HF_E_AGAIN;

	for (int i = 0; i < PATIENCE_MS && code == HF_E_AGAIN; i++) {
		(void)usleep(1000);
		code = hf_msg_receive(client, buffer, &msg, NULL);
	}
	if (code == HF_OK && msg.type == HF_MSG_CTL_STATUS && size_bytes > 0)
		code = hf_msg_send(client, type, body, size_bytes, NULL, 0, NULL);
	_exit(code == HF_OK ? 0 : 1);
}

static void expect_good_end(pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(the_answer_is_the_exit_code_and_the_text)
{
	static const char body[] = "\4\0\0\0{\"state\":\"degraded\"}";
	uint32_t exit_code;
	char *text = NULL;
	pid_t unit = answer_with(listen_there(), HF_MSG_CTL_ANSWER, body, sizeof body - 1);

	CHECK_OK(hf_control_ask(folder, &status_question, PATIENCE_MS, &exit_code, &text, &err));
	CHECK_U64(exit_code, ==, 4);
	CHECK_TEXT(text, "{\"state\":\"degraded\"}");
	free(text);
	expect_good_end(unit);
}

TEST(a_unit_that_is_not_there_is_not_running)
{
	uint32_t exit_code;
	char *text;

	CHECK_CODE(hf_control_ask(folder, &status_question, 1000, &exit_code, &text, &err),
		   HF_E_NOENT);
	/* A socket that a killed unit left behind is the same. */
	(void)close(listen_there());
	CHECK_CODE(hf_control_ask(folder, &status_question, 1000, &exit_code, &text, &err),
		   HF_E_NOENT);
	CHECK(strstr(err.text, folder) != NULL);
}

TEST(a_unit_that_does_not_answer_is_waited_for_only_so_long)
{
	uint32_t exit_code;
	char *text;
	HF_AUTO_FD listener = listen_there();

	CHECK_CODE(hf_control_ask(folder, &status_question, 20, &exit_code, &text, &err),
		   HF_E_AGAIN);
}

TEST(a_unit_that_ends_or_answers_something_else_is_told_apart)
{
	uint32_t exit_code;
	char *text;
	pid_t unit = answer_with(listen_there(), HF_MSG_CTL_ANSWER, NULL, 0);

	CHECK_CODE(hf_control_ask(folder, &status_question, PATIENCE_MS, &exit_code, &text, &err),
		   HF_E_CLOSED);
	expect_good_end(unit);
	(void)tear_down(NULL);
	CHECK(set_up(NULL) == 0);
	unit = answer_with(listen_there(), HF_MSG_STATS, "\0\0\0\0{}", 6);
	CHECK_CODE(hf_control_ask(folder, &status_question, PATIENCE_MS, &exit_code, &text, &err),
		   HF_E_INVALID);
	expect_good_end(unit);
	(void)tear_down(NULL);
	CHECK(set_up(NULL) == 0);
	unit = answer_with(listen_there(), HF_MSG_CTL_ANSWER, "\0\0", 2);
	CHECK_CODE(hf_control_ask(folder, &status_question, PATIENCE_MS, &exit_code, &text, &err),
		   HF_E_INVALID);
	expect_good_end(unit);
}

TEST(a_path_too_long_for_a_socket_is_said_to_be)
{
	char path[300];
	uint32_t exit_code;
	char *text;

	memset(path, 'a', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	CHECK_CODE(hf_control_ask(path, &status_question, 1000, &exit_code, &text, &err),
		   HF_E_LIMIT);
}

#define RUN_IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TESTS(RUN_IN_FOLDER(the_answer_is_the_exit_code_and_the_text),
      RUN_IN_FOLDER(a_unit_that_is_not_there_is_not_running),
      RUN_IN_FOLDER(a_unit_that_does_not_answer_is_waited_for_only_so_long),
      RUN_IN_FOLDER(a_unit_that_ends_or_answers_something_else_is_told_apart),
      RUN(a_path_too_long_for_a_socket_is_said_to_be))
