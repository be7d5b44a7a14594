/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay - have a channel send delivered events once more.
 *
 * While a unit runs the cursor is its uplink's: it is asked. Without one the cursor's file is
 * written, below the outbox's lock, so that no unit starts meanwhile.
 */
#include "base/auto.h"
#include "cli/control.h"
#include "cli/outbox_inner.h"
#include "outbox/whole.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	ANSWER_TIMEOUT_MS = 5000,
};

#define LOCK_PATH "meta/outbox.lock"

struct plan {
	const struct ask *ask;
	uint64_t first_seq, last_seq; /* of the lines that are there */
	uint64_t acked_through;
	uint64_t from, through; /* what will be sent again */
};

static enum hf_code find_ends(struct plan *plan, struct hf_err *err)
{
	const struct ask *ask = plan->ask;
	struct hf_whole *whole = NULL;
	struct hf_line line;
	struct hf_files files;
	uint64_t after = 0;
	enum hf_code code = hf_files_list(ask->disk, ask->folder, &files, err);

	if (code != HF_OK)
		return code;
	for (size_t i = 0; i < files.count; i++)
		if (plan->first_seq == 0)
			plan->first_seq = files.list[i].first_seq;
	if (files.count > 0 && files.list[files.count - 1].first_seq > 0)
		after = files.list[files.count - 1].first_seq - 1;
	hf_files_free(&files);
	code = hf_whole_open(ask->disk, ask->folder, after, &whole, err);
	while (code == HF_OK) {
		code = hf_whole_next(whole, &line, NULL, err);
		if (code == HF_OK)
			plan->last_seq = line.local_seq;
	}
	hf_whole_close(whole);
	return code == HF_E_AGAIN ? HF_OK : code;
}

/* What is asked for against what is there. */
static enum hf_code make_plan(struct plan *plan, struct hf_err *err)
{
	const struct ask *ask = plan->ask;
	unsigned long long from = ask->from, through = ask->through;
	enum hf_code code = find_ends(plan, err);

	if (code == HF_OK)
		code = hf_cursor_load(ask->disk, HF_CURSOR_HUB, &plan->acked_through, err);
	if (code == HF_E_NOENT)
		return hf_fail(err, HF_E_NOENT,
			       "the hub has acknowledged nothing yet: there is nothing to send "
			       "again");
	if (code != HF_OK)
		return code;
	if (from > plan->last_seq)
		return hf_fail(err, HF_E_INVALID, "there is no line %llu: the last one is %llu",
			       from, (unsigned long long)plan->last_seq);
	if (from > plan->acked_through)
		return hf_fail(err, HF_E_INVALID,
			       "the hub has acknowledged up to %llu: from %llu on all is still to "
			       "be sent, without a replay",
			       (unsigned long long)plan->acked_through, from);
	if (through != 0 && through < plan->first_seq)
		return hf_fail(err, HF_E_NOENT,
			       "lines are there from %llu on; those up to %llu were removed after "
			       "they had been delivered",
			       (unsigned long long)plan->first_seq, through);
	plan->from = from > plan->first_seq ? from : plan->first_seq;
	/* The cursor on disk is a lower bound: a running uplink may be further, and knows. */
	if (through == 0)
		plan->through = plan->acked_through;
	else
		plan->through = through < plan->last_seq ? through : plan->last_seq;
	return HF_OK;
}

static void print_plan(const struct plan *plan)
{
	uint64_t count = plan->through - plan->from + 1;

	if (plan->from > plan->ask->from)
		(void)fprintf(stderr,
			      "Lines are there from %llu on; those before were removed after they "
			      "had been\ndelivered.\n",
			      (unsigned long long)plan->first_seq);
	(void)fprintf(
		stderr,
		"%llu event%s, %llu to %llu, will be sent to the channel \"%s\" again. The "
		"hub drops\nthose it has, by their numbers. Newer events wait until these are "
		"through.\n",
		(unsigned long long)count, count == 1 ? "" : "s", (unsigned long long)plan->from,
		(unsigned long long)plan->through, plan->ask->channel);
}

/* true: go on. */
static bool ask_person(int *ret_status)
{
	char answer[16] = "";

	if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
		*ret_status = hf_cli_usage("outbox", "nobody can be asked here: with --yes it is "
						     "done without");
		return false;
	}
	(void)fputs("Go on? [y/N] ", stderr);
	*ret_status = HF_EXIT_FAILED;
	if (fgets(answer, sizeof answer, stdin) != NULL &&
	    (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0))
		return true;
	(void)fputs("holdfast: nothing was changed\n", stderr);
	return false;
}

/* How it was done: by the unit, or here. */
static int tell(const struct plan *plan, bool by_unit)
{
	char text[1024];
	struct hf_json json = hf_json_begin(text, sizeof text);

	if (!plan->ask->json) {
		(void)fputs(by_unit ? "The unit's uplink sends them now; see holdfast status.\n"
				    : "The cursor was moved back: the unit sends them when it has "
				      "been started.\n",
			    stderr);
		return HF_EXIT_OK;
	}
	hf_json_object_open(&json);
	hf_json_put_bool(&json, "ok", true);
	hf_json_put_text(&json, "channel", plan->ask->channel);
	hf_json_put_u64(&json, "from", plan->from);
	hf_json_put_u64(&json, "through", plan->through);
	hf_json_put_text(&json, "by", by_unit ? "unit" : "cursor");
	hf_json_object_close(&json);
	return outbox_json_print(&json);
}

/* What root makes here belongs to the unit all the same. */
static void give_to_owner(const struct ask *ask, const char *file)
{
	char path[PATH_MAX];
	struct stat st;

	if (geteuid() != 0)
		return;
	(void)snprintf(path, sizeof path, "%s/meta", ask->path);
	if (stat(path, &st) != 0)
		return;
	(void)snprintf(path, sizeof path, "%s/%s", ask->path, file);
	if (lchown(path, st.st_uid, st.st_gid) != 0)
		perror(path);
}

/* No unit runs: its cursor is moved here. */
static int move_cursor(const struct plan *plan)
{
	const struct ask *ask = plan->ask;
	struct hf_err err = { 0 };
	int lock;

	if (plan->through < plan->acked_through) {
		(void)fputs("holdfast: no unit runs on this folder, and only a running one can end "
			    "a replay before the\nend: leave out --through, or start it\n",
			    stderr);
		return HF_EXIT_FAILED;
	}
	enum hf_code code = hf_disk_lock(ask->disk, LOCK_PATH, &lock, &err);
	if (code == HF_E_AGAIN) {
		(void)fputs("holdfast: a unit is starting or stopping on this folder; try again\n",
			    stderr);
		return HF_EXIT_LATER;
	}
	if (code != HF_OK)
		return outbox_fail(&err);
	give_to_owner(ask, LOCK_PATH);
	code = hf_cursor_store(ask->disk, HF_CURSOR_HUB, plan->from - 1, &err);
	give_to_owner(ask, HF_CURSOR_HUB);
	hf_disk_close(ask->disk, lock);
	return code == HF_OK ? tell(plan, false) : outbox_fail(&err);
}

static int carry_out(const struct plan *plan)
{
	const struct ask *ask = plan->ask;
	const char *run = ask->run_path;
	struct hf_replay replay = { .from_seq = plan->from };
	const struct hf_question question = { .type = HF_MSG_CTL_REPLAY,
					      .body = &replay,
					      .size_bytes = sizeof replay };
	char path[PATH_MAX];
	HF_AUTO_FREE char *text = NULL;
	uint32_t exit_code = HF_EXIT_FAILED;
	struct hf_err err = { 0 };

	(void)snprintf(replay.channel, sizeof replay.channel, "%s", ask->channel);
	if (ask->through != 0)
		replay.through_seq = plan->through;
	(void)snprintf(path, sizeof path, "%s/run", ask->path);
	enum hf_code code = hf_control_ask(run != NULL ? run : path, &question, ANSWER_TIMEOUT_MS,
					   &exit_code, &text, &err);
	if (code == HF_E_NOENT)
		return move_cursor(plan);
	if (code == HF_E_AGAIN || code == HF_E_CLOSED) {
		(void)fprintf(stderr, "holdfast: %s\n", err.text);
		return HF_EXIT_LATER;
	}
	if (code != HF_OK)
		return outbox_fail(&err);
	if (exit_code == HF_EXIT_OK)
		return tell(plan, true);
	(void)fprintf(ask->json ? stdout : stderr, "%s\n", text);
	return (int)exit_code;
}

int outbox_run_replay(const struct ask *ask)
{
	struct plan plan = { .ask = ask };
	struct hf_err err = { 0 };
	int status;

	if (ask->from == 0 || ask->channel == NULL)
		return hf_cli_usage("outbox", "replay wants --from N and --channel NAME");
	if (strcmp(ask->channel, HF_CHANNEL_HUB) != 0)
		return hf_cli_usage("outbox",
				    "there is no channel \"%.40s\"; there is: " HF_CHANNEL_HUB,
				    ask->channel);
	if (!ask->data) {
		(void)fputs("holdfast: the cursor is in the data folder, not in the outbox: name "
			    "that\n",
			    stderr);
		return HF_EXIT_FAILED;
	}
	if (make_plan(&plan, &err) != HF_OK)
		return outbox_fail(&err);
	print_plan(&plan);
	if (!ask->yes && !ask_person(&status))
		return status;
	return carry_out(&plan);
}
