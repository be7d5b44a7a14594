/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three witnesses: what was stored (read as a technician would, line by line), what the unit
 * says of itself, and what the kernel says of its processes.
 */
#include "cli/drill.h"

#include "base/auto.h"
#include "cli/control.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum {
	STEP_MS = 50,
	FAST_US = 2000,
	ASK_MS = 300,
	LINE_BYTES_MAX = 16 * 1024,
	PROC_BYTES = 4096,
};

/* ---- what was stored ---- */

static void take_line(struct drill *drill, const char *line, size_t size_bytes)
{
	json_t *root = json_loadb(line, size_bytes, 0, NULL);
	const char *event_class = json_string_value(json_object_get(root, "event_class"));

	if (event_class != NULL && drill->event_count < DRILL_EVENTS_MAX) {
		struct drill_event *event = &drill->events[drill->event_count++];

		event->seq = (uint64_t)json_integer_value(json_object_get(root, "local_seq"));
		event->mono_ms = (int64_t)json_integer_value(json_object_get(root, "mono_ms"));
		(void)snprintf(event->event_class, sizeof event->event_class, "%s", event_class);
		event->attrs = json_incref(json_object_get(root, "attrs"));
	}
	json_decref(root);
}

static int64_t *offset_of(struct drill *drill, const char *name)
{
	for (uint32_t i = 0; i < drill->file_count; i++)
		if (strcmp(drill->files[i].name, name) == 0)
			return &drill->files[i].offset;
	if (drill->file_count == DRILL_FILES_MAX)
		return NULL;
	(void)snprintf(drill->files[drill->file_count].name, sizeof drill->files[0].name, "%.60s",
		       name);
	drill->files[drill->file_count].offset = 0;
	return &drill->files[drill->file_count++].offset;
}

static void read_file(struct drill *drill, const char *name)
{
	char path[HF_PATH_BYTES + 128];
	int64_t *offset = offset_of(drill, name);
	char *line = NULL;
	size_t room = 0;

	if (offset == NULL)
		return;
	(void)snprintf(path, sizeof path, "%s/outbox/%.60s", drill->unit.data, name);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return;
	if (fseeko(file, *offset, SEEK_SET) == 0)
		for (ssize_t n = getline(&line, &room, file); n > 0 && line[n - 1] == '\n';
		     n = getline(&line, &room, file)) {
			take_line(drill, line, (size_t)n);
			*offset += n;
		}
	free(line);
	(void)fclose(file);
}

static int is_day_file(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 6 && length < 60 &&
	       strcmp(entry->d_name + length - 6, ".jsonl") == 0;
}

static void read_events(struct drill *drill)
{
	char path[HF_PATH_BYTES + 32];
	struct dirent **names = NULL;

	(void)snprintf(path, sizeof path, "%s/outbox", drill->unit.data);
	int count = scandir(path, &names, is_day_file, alphasort);
	for (int i = 0; i < count; i++) {
		read_file(drill, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

static bool has(const struct drill_event *event, const char *key, const char *value)
{
	const json_t *found = key != NULL ? json_object_get(event->attrs, key) : NULL;

	if (key == NULL)
		return true;
	if (json_is_string(found))
		return strcmp(json_string_value(found), value) == 0;
	return json_is_integer(found) && json_integer_value(found) == atoll(value);
}

const struct drill_event *drill_find(const struct drill *drill, int64_t from_ms,
				     const char *event_class, const char *key, const char *value,
				     const char *key2, const char *value2)
{
	for (uint32_t i = 0; i < drill->event_count; i++) {
		const struct drill_event *event = &drill->events[i];

		if (event->mono_ms >= from_ms && strcmp(event->event_class, event_class) == 0 &&
		    has(event, key, value) && has(event, key2, value2))
			return event;
	}
	return NULL;
}

uint32_t drill_count(const struct drill *drill, int64_t from_ms, const char *event_class,
		     const char *key, const char *value)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < drill->event_count; i++)
		count += drill->events[i].mono_ms >= from_ms &&
			 strcmp(drill->events[i].event_class, event_class) == 0 &&
			 has(&drill->events[i], key, value);
	return count;
}

const struct drill_event *drill_await(struct drill *drill, int64_t from_ms, int64_t timeout_ms,
				      const char *event_class, const char *key, const char *value,
				      const char *key2, const char *value2)
{
	int64_t end_ms = drill_now_ms() + timeout_ms;

	for (;;) {
		const struct drill_event *event =
			drill_find(drill, from_ms, event_class, key, value, key2, value2);

		if (event != NULL || drill_now_ms() >= end_ms || drill_interrupted())
			return event;
		(void)usleep(STEP_MS * 1000);
		drill_look(drill);
	}
}

/* ---- what it says ---- */

static json_t *ask(const struct drill *drill, const struct hf_question *question,
		   uint32_t *ret_exit_code)
{
	HF_AUTO_FREE char *text = NULL;
	struct hf_err err;

	if (drill->unit.pid == 0 ||
	    hf_control_ask(drill->unit.run, question, ASK_MS, ret_exit_code, &text, &err) != HF_OK)
		return NULL;
	return json_loads(text, 0, NULL);
}

json_t *drill_ask(const struct drill *drill, enum hf_msg_type type)
{
	const struct hf_question question = { .type = type };
	uint32_t exit_code;

	return ask(drill, &question, &exit_code);
}

bool drill_command(const struct drill *drill, enum hf_operator_verb verb, const char *why)
{
	struct hf_ctl_command command = { .verb = (uint32_t)verb };
	const struct hf_question question = { .type = HF_MSG_CTL_COMMAND,
					      .body = &command,
					      .size_bytes = sizeof command };
	uint32_t exit_code = 1;

	(void)snprintf(command.why, sizeof command.why, "%s", why);
	json_decref(ask(drill, &question, &exit_code));
	return exit_code == 0;
}

void drill_look(struct drill *drill)
{
	json_t *why = drill_ask(drill, HF_MSG_CTL_WHY);
	const char *state = json_string_value(json_object_get(why, "state"));

	if (state != NULL && strcmp(state, drill->seen_state) != 0) {
		if (drill->options->verbose)
			(void)fprintf(stderr, "  %8.2f s  %s\n",
				      (double)(drill_now_ms() - drill->begun_ms) / 1000, state);
		(void)snprintf(drill->seen_state, sizeof drill->seen_state, "%s", state);
	}
	json_decref(why);
	read_events(drill);
}

void drill_wait(struct drill *drill, int64_t ms)
{
	int64_t end_ms = drill_now_ms() + ms;

	while (drill_now_ms() < end_ms && !drill_interrupted()) {
		(void)usleep(STEP_MS * 1000);
		drill_look(drill);
	}
}

bool drill_await_state(struct drill *drill, const char *state, int64_t timeout_ms)
{
	int64_t end_ms = drill_now_ms() + timeout_ms;

	while (strcmp(drill->seen_state, state) != 0) {
		if (drill_now_ms() >= end_ms || drill_interrupted())
			return false;
		(void)usleep(STEP_MS * 1000);
		drill_look(drill);
	}
	return true;
}

static bool only_these(const json_t *reasons, const char *allowed)
{
	const json_t *reason;
	size_t i;

	json_array_foreach(reasons, i, reason)
	{
		const char *name = json_string_value(json_object_get(reason, "reason"));

		if (name == NULL || !drill_in_list(allowed, name))
			return false;
	}
	return json_is_array(reasons);
}

bool drill_await_reasons(struct drill *drill, const char *allowed, int64_t timeout_ms)
{
	int64_t end_ms = drill_now_ms() + timeout_ms;

	while (drill_now_ms() < end_ms && !drill_interrupted()) {
		json_t *why = drill_ask(drill, HF_MSG_CTL_WHY);
		bool over = only_these(json_object_get(why, "reasons"), allowed);

		json_decref(why);
		if (over)
			return true;
		drill_wait(drill, 500);
	}
	return false;
}

void drill_reasons(const struct drill *drill, char ret_names[DRILL_TEXT_BYTES])
{
	json_t *why = drill_ask(drill, HF_MSG_CTL_WHY);
	const json_t *reason;
	size_t i, used = 0;

	ret_names[0] = '\0';
	json_array_foreach(json_object_get(why, "reasons"), i, reason)
	{
		const char *name = json_string_value(json_object_get(reason, "reason"));

		if (name == NULL || used >= DRILL_TEXT_BYTES)
			continue;
		used += (size_t)snprintf(ret_names + used, DRILL_TEXT_BYTES - used, "%s%s",
					 used > 0 ? " " : "", name);
	}
	json_decref(why);
}

int64_t drill_worker(const struct drill *drill, enum hf_role role, uint32_t index, bool stats,
		     const char *key, int64_t otherwise)
{
	json_t *status = drill_ask(drill, HF_MSG_CTL_STATUS);
	const json_t *worker;
	size_t i;
	int64_t value = otherwise;

	json_array_foreach(json_object_get(status, "workers"), i, worker)
	{
		const char *name = json_string_value(json_object_get(worker, "role"));
		const json_t *part = stats ? json_object_get(worker, "stats") : worker;

		if (name != NULL && strcmp(name, hf_role_name(role)) == 0 && json_is_object(part) &&
		    json_integer_value(json_object_get(worker, "index")) == (json_int_t)index)
			value = (int64_t)json_integer_value(json_object_get(part, key));
	}
	json_decref(status);
	return value;
}

pid_t drill_pid_of(const struct drill *drill, enum hf_role role, uint32_t index)
{
	return (pid_t)drill_worker(drill, role, index, false, "pid", 0);
}

/* ---- what the kernel says ---- */

static bool read_proc(char ret_text[PROC_BYTES], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool read_proc(char ret_text[PROC_BYTES], const char *format, ...)
{
	char path[128];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(path, sizeof path, format, ap);
	va_end(ap);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	size_t bytes = fread(ret_text, 1, PROC_BYTES - 1, file);
	ret_text[bytes] = '\0';
	(void)fclose(file);
	return true;
}

size_t drill_children(const struct drill *drill, pid_t ret_pids[DRILL_CHILDREN_MAX])
{
	char text[PROC_BYTES];
	size_t count = 0;
	char *at = text;

	if (drill->unit.pid == 0 ||
	    !read_proc(text, "/proc/%d/task/%d/children", drill->unit.pid, drill->unit.pid))
		return 0;
	for (long pid = strtol(at, &at, 10); pid > 0 && count < DRILL_CHILDREN_MAX;
	     pid = strtol(at, &at, 10))
		ret_pids[count++] = (pid_t)pid;
	return count;
}

/* Before it has become its program it is called as its parent. */
static bool is_program(pid_t pid, const char *name)
{
	char text[PROC_BYTES];

	if (!read_proc(text, "/proc/%d/comm", pid))
		return false;
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, name) == 0;
}

bool drill_pid_lives(pid_t pid)
{
	char text[PROC_BYTES];

	if (!read_proc(text, "/proc/%d/stat", pid))
		return false;
	const char *state = strrchr(text, ')');
	return state != NULL && state[1] != '\0' && state[2] != 'Z' && state[2] != 'X';
}

pid_t drill_await_child(struct drill *drill, enum hf_role role, const pid_t *before,
			size_t before_count, int64_t timeout_ms, int64_t *ret_ms)
{
	int64_t end_ms = drill_now_ms() + timeout_ms;

	while (drill_now_ms() < end_ms && !drill_interrupted()) {
		pid_t pids[DRILL_CHILDREN_MAX];
		size_t count = drill_children(drill, pids);

		for (size_t i = 0; i < count; i++) {
			bool is_old = false;

			for (size_t b = 0; b < before_count; b++)
				is_old = is_old || before[b] == pids[i];
			if (is_old || !is_program(pids[i], hf_role_name(role)))
				continue;
			*ret_ms = drill_now_ms();
			return pids[i];
		}
		(void)usleep(FAST_US);
	}
	return 0;
}

bool drill_log_says(const struct drill *drill, const char *text)
{
	FILE *file = fopen(drill->unit.log, "re");
	char *line = NULL;
	size_t room = 0;
	bool found = false;

	if (file == NULL)
		return false;
	while (!found && getline(&line, &room, file) > 0)
		found = strstr(line, text) != NULL;
	free(line);
	(void)fclose(file);
	return found;
}
