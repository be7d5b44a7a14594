/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unit of a drill: a folder in TMPDIR with everything of it, the data on a small file system
 * of its own where that is wanted. It is started as a service manager would start it, and told
 * to end in the same way; what is left when this process ends the kernel takes away.
 */
#include "cli/drill.h"

#include "base/auto.h"
#include "base/file.h"
#include "cli/hired.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CLIP_FRAMES = 50,
	DISK_BYTES = 192 * 1024 * 1024,
	HEALTHY_MS = 120000, /* a model may be slow to load on a busy machine */
	STOP_MS = 20000,
	STEP_MS = 50,
	CALM_MS = 3000,
	ON_S = 30,
};

static const char nobody[] = "http://127.0.0.1:9"; /* "discard": nobody listens there */

int64_t drill_now_ms(void)
{
	return hf_mono_now(hf_clock_real()).us / 1000;
}

/* ---- programs ---- */

static const char *const program_folders[] = { "/usr/sbin", "/sbin", "/usr/bin", "/bin",
					       "/usr/local/bin" };

static bool find_program(const char *name, char ret_path[HF_PATH_BYTES])
{
	for (size_t i = 0; i < HF_ARRAY_LEN(program_folders); i++) {
		(void)snprintf(ret_path, HF_PATH_BYTES, "%s/%s", program_folders[i], name);
		if (access(ret_path, X_OK) == 0)
			return true;
	}
	return false;
}

bool drill_has_program(const char *name)
{
	char path[HF_PATH_BYTES];

	return find_program(name, path);
}

static void become(const char *path, const char *const *argv, const char *log)
{
	int null = open("/dev/null", O_RDWR);
	int out = log != NULL ? open(log, O_WRONLY | O_CREAT | O_APPEND, 0640) : null;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(out, STDOUT_FILENO);
	(void)dup2(out, STDERR_FILENO);
	closefrom(3);
	(void)execv(path, (char *const *)(uintptr_t)argv);
	_exit(127);
}

int drill_run(const char *const *argv)
{
	char path[HF_PATH_BYTES];
	int status = 0;

	if (argv[0][0] == '/')
		(void)snprintf(path, sizeof path, "%s", argv[0]);
	else if (!find_program(argv[0], path))
		return -1;
	pid_t pid = fork();
	if (pid == 0)
		become(path, argv, NULL);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status) == 127 ? -1 : WEXITSTATUS(status);
}

/* ---- its folder and its disk ---- */

bool drill_mount(struct drill *drill)
{
	char image[HF_PATH_BYTES + 16];
	struct drill_unit *unit = &drill->unit;

	(void)snprintf(image, sizeof image, "%s/disk", unit->folder);
	/* An error of the medium leaves it read-only, as on most installed systems. */
	const char *const argv[] = { "mount", "-o",       "loop,errors=remount-ro,noatime",
				     image,   unit->data, NULL };
	unit->mounted = drill_run(argv) == 0;
	return unit->mounted;
}

bool drill_unmount(struct drill *drill)
{
	/* Whoever is about to die may still hold it. */
	for (int i = 0; i < 100 && drill->unit.mounted; i++) {
		if (umount(drill->unit.data) == 0 || errno == EINVAL)
			drill->unit.mounted = false;
		else
			(void)usleep(STEP_MS * 1000);
	}
	return !drill->unit.mounted;
}

static bool make_disk(struct drill *drill)
{
	char image[HF_PATH_BYTES + 16];

	if (!drill_has_program("mkfs.ext4")) {
		drill_skip(drill, "mkfs.ext4 is not there (e2fsprogs)");
		return false;
	}
	(void)snprintf(image, sizeof image, "%s/disk", drill->unit.folder);
	HF_AUTO_FD fd = open(image, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	/* Nothing is kept back for root: full is full. */
	const char *const argv[] = { "mkfs.ext4", "-q", "-m", "0", "-F", image, NULL };
	if (fd < 0 || ftruncate(fd, DISK_BYTES) != 0 || drill_run(argv) != 0) {
		drill_skip(drill, "no file system could be made in %s", drill->unit.folder);
		return false;
	}
	if (!drill_mount(drill)) {
		drill_skip(drill, "a loop device could not be mounted here");
		return false;
	}
	return true;
}

static bool make_folder(struct drill *drill)
{
	struct drill_unit *unit = &drill->unit;
	const char *tmp = getenv("TMPDIR");
	struct hf_err err;

	(void)snprintf(unit->folder, sizeof unit->folder, "%.200s/hf-drill-XXXXXX",
		       tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
	if (mkdtemp(unit->folder) == NULL) {
		drill_fail(drill, "make a folder in %s: %s", unit->folder, strerror(errno));
		unit->folder[0] = '\0';
		return false;
	}
	(void)snprintf(unit->data, sizeof unit->data, "%s/data", unit->folder);
	(void)snprintf(unit->run, sizeof unit->run, "%s/run", unit->folder);
	(void)snprintf(unit->config, sizeof unit->config, "%s/unit.yaml", unit->folder);
	(void)snprintf(unit->clip, sizeof unit->clip, "%s/clip.avi", unit->folder);
	(void)snprintf(unit->log, sizeof unit->log, "%s/unit.log", unit->folder);
	(void)snprintf(unit->rebooted, sizeof unit->rebooted, "%s/rebooted", unit->folder);
	if (hf_folder_make(unit->data, 0750, &err) == HF_OK &&
	    hf_folder_make(unit->run, 0750, &err) == HF_OK)
		return true;
	drill_fail(drill, "%s", err.text);
	return false;
}

/* ---- what it is told ---- */

static const char zone_points[] = "[[0.05, 0.2], [0.95, 0.2], [0.95, 0.98], [0.05, 0.98]]";

static void write_config(const struct drill *drill, const struct drill_wants *wants, FILE *file)
{
	const struct drill_unit *unit = &drill->unit;
	const char *clip = drill->options->clip != NULL && wants->clip.side == 0
				   ? drill->options->clip
				   : unit->clip;
	unsigned cameras = wants->two_sources ? 5 : 4;

	(void)fprintf(file,
		      "device:\n  id: \"drill\"\nhub:\n  url: \"%s\"\n  connect_timeout: 1s\n"
		      "supervisor:\n  reboot_command: \"/usr/bin/touch %s\"\n",
		      wants->hub_url != NULL ? wants->hub_url : nobody, unit->rebooted);
	/* Slow is to be told from silent on a busy machine, too. */
	if (wants->objective_ms != 0)
		(void)fprintf(file, "  heartbeat_timeout: 5s\nlatency:\n  objective: %dms\n",
			      (int)wants->objective_ms);
	if (drill->options->policy_path != NULL)
		(void)fprintf(file, "policy:\n  path: \"%s\"\n", drill->options->policy_path);
	if (wants->actuation)
		(void)fprintf(file,
			      "actuation:\n  command: \"%s/switch\"\n  hold: %us\n  on: "
			      "pre_action_zone_entry\n",
			      unit->folder, wants->on_s != 0 ? wants->on_s : ON_S);
	(void)fprintf(file,
		      "sources:\n  - id: dvr\n    type: file\n    url: \"%s\"\n"
		      "    loop: true\n    layout: 2x2\n",
		      clip);
	if (wants->two_sources)
		(void)fprintf(file,
			      "  - id: gate\n    type: file\n    url: \"%s/gate.avi\"\n"
			      "    loop: true\n    layout: 1x1\n",
			      unit->folder);
	(void)fputs("cameras:\n", file);
	for (unsigned i = 1; i <= cameras; i++)
		(void)fprintf(file, "  - {id: c%u, name: \"camera %u\", source: %s, tile: %u}\n", i,
			      i, i <= 4 ? "dvr" : "gate", i <= 4 ? i : 1);
	(void)fputs("zones:\n", file);
	for (unsigned i = 1; i <= cameras; i++)
		(void)fprintf(file, "  - {id: z%u, camera: c%u, points: %s}\n", i, i, zone_points);
}

static bool make_files(struct drill *drill, const struct drill_wants *wants)
{
	struct drill_unit *unit = &drill->unit;
	char gate[HF_PATH_BYTES + 16];
	struct hf_err err = { 0 };
	enum hf_code code = HF_OK;
	static const struct drill_clip calm = { .side = 2, .before = CLIP_FRAMES };
	static const struct drill_clip alone = { .side = 1, .before = CLIP_FRAMES };

	if (drill->options->clip == NULL || wants->clip.side != 0)
		code = drill_make_clip(unit->clip, wants->clip.side != 0 ? &wants->clip : &calm,
				       &err);
	(void)snprintf(gate, sizeof gate, "%s/gate.avi", unit->folder);
	if (code == HF_OK && wants->two_sources)
		code = drill_make_clip(gate, &alone, &err);
	if (code != HF_OK) {
		drill_fail(drill, "%s", err.text);
		return false;
	}
	FILE *file = fopen(unit->config, "we");
	if (file != NULL)
		write_config(drill, wants, file);
	if (file == NULL || fclose(file) != 0) {
		drill_fail(drill, "write %s: %s", unit->config, strerror(errno));
		return false;
	}
	return true;
}

/* libfaketime, wherever this architecture has it, and before it what keeps it from the timers of the
 * monotonic clock (proc/drill/timers.c). */
static bool find_faketime(char ret_libraries[2 * HF_PATH_BYTES])
{
	struct hf_hired_tree tree;
	struct hf_err ignored;
	glob_t found;
	bool ok = glob("/usr/lib/*/faketime/libfaketime.so.1", 0, NULL, &found) == 0 &&
		  found.gl_pathc > 0 && hf_hired_find_tree(&tree, &ignored) == HF_OK;

	if (ok)
		(void)snprintf(ret_libraries, 2 * HF_PATH_BYTES, "%s/drill-timers.so:%s",
			       tree.libexec, found.gl_pathv[0]);
	globfree(&found);
	return ok;
}

static bool make_clock(struct drill *drill)
{
	char libraries[2 * HF_PATH_BYTES];
	struct drill_unit *unit = &drill->unit;

	if (!find_faketime(libraries)) {
		drill_skip(drill, "libfaketime is not there (package libfaketime)");
		return false;
	}
	(void)snprintf(unit->clock, sizeof unit->clock, "%s/clock", unit->folder);
	return drill_set_clock(drill, "+0");
}

bool drill_set_clock(struct drill *drill, const char *offset)
{
	char next[HF_PATH_BYTES + 32];

	(void)snprintf(next, sizeof next, "%s.new", drill->unit.clock);
	FILE *file = fopen(next, "we");
	bool ok = file != NULL && fprintf(file, "%s\n", offset) > 0;
	ok = file != NULL && fclose(file) == 0 && ok;
	if (!ok || rename(next, drill->unit.clock) != 0) {
		drill_fail(drill, "write %s: %s", drill->unit.clock, strerror(errno));
		return false;
	}
	return true;
}

/* ---- start and end ---- */

static void set_environment(const struct drill_unit *unit, const char *share)
{
	char libraries[2 * HF_PATH_BYTES], sentence[HF_PATH_BYTES + 32];

	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)setenv("HOLDFAST_LOG", "info", 1);
	if (unit->libexec[0] != '\0') {
		(void)setenv("HOLDFAST_LIBEXEC", unit->libexec, 1);
		(void)setenv("HOLDFAST_SHARE", share, 1);
		(void)snprintf(sentence, sizeof sentence, "%s/garbage", unit->folder);
		(void)setenv("HOLDFAST_DRILL_GARBAGE", sentence, 1);
	}
	if (unit->clock[0] != '\0' && find_faketime(libraries)) {
		(void)setenv("LD_PRELOAD", libraries, 1);
		(void)setenv("FAKETIME_TIMESTAMP_FILE", unit->clock, 1);
		(void)setenv("FAKETIME_NO_CACHE", "1", 1);
		(void)setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1", 1);
		(void)setenv("DONT_FAKE_MONOTONIC", "1", 1);
	}
}

static bool launch(struct drill *drill)
{
	struct drill_unit *unit = &drill->unit;
	struct hf_hired_tree tree;
	char root[PATH_MAX], program[PATH_MAX + 32];
	struct hf_err err;
	enum hf_code code = hf_spawn_tree(root, &err);

	if (code == HF_OK)
		code = hf_hired_find_tree(&tree, &err);
	if (code != HF_OK) {
		drill_fail(drill, "%s", err.text);
		return false;
	}
	(void)snprintf(program, sizeof program, "%s/bin/holdfastd", root);
	if (access(program, X_OK) != 0) {
		drill_fail(drill, "%s is not there: drills need an installed tree", program);
		return false;
	}
	const char *const argv[] = { program,    "--config", unit->config, "--data",
				     unit->data, "--run",    unit->run,    NULL };
	pid_t pid = fork();
	if (pid == 0) {
		set_environment(unit, tree.share);
		become(program, argv, unit->log);
	}
	if (pid < 0) {
		drill_fail(drill, "start a unit: %s", strerror(errno));
		return false;
	}
	unit->pid = pid;
	return true;
}

void drill_bury(struct drill *drill)
{
	if (drill->unit.pid == 0)
		return;
	(void)waitpid(drill->unit.pid, NULL, 0);
	drill->unit.pid = 0;
}

static bool has_ended(struct drill *drill)
{
	if (drill->unit.pid != 0 && waitpid(drill->unit.pid, NULL, WNOHANG) == drill->unit.pid)
		drill->unit.pid = 0;
	return drill->unit.pid == 0;
}

bool drill_await_healthy(struct drill *drill, int64_t timeout_ms)
{
	int64_t end_ms = drill_now_ms() + timeout_ms;

	while (drill_now_ms() < end_ms && !has_ended(drill) && !drill_interrupted()) {
		drill_look(drill);
		if (strcmp(drill->seen_state, "healthy") == 0)
			return true;
		(void)usleep(STEP_MS * 1000);
	}
	return false;
}

bool drill_start_again(struct drill *drill)
{
	if (!launch(drill))
		return false;
	drill->seen_state[0] = '\0';
	return true;
}

/* What was late because of the start is over: looks that waited for the model, the first flush. */
static bool await_calm(struct drill *drill)
{
	int64_t since_ms = drill_now_ms(), end_ms = since_ms + HEALTHY_MS;

	while (drill_now_ms() < since_ms + CALM_MS) {
		if (drill_now_ms() > end_ms || drill_interrupted())
			return false;
		drill_wait(drill, STEP_MS);
		if (strcmp(drill->seen_state, "healthy") != 0)
			since_ms = drill_now_ms();
	}
	return true;
}

bool drill_start(struct drill *drill, const struct drill_wants *wants)
{
	drill->begun_ms = drill_now_ms();
	if (!make_folder(drill) || (wants->disk && !make_disk(drill)) ||
	    (wants->clock && !make_clock(drill)) ||
	    (wants->garbage && !drill_make_garbage(drill)) ||
	    (wants->actuation && !drill_make_switch(drill)) || !make_files(drill, wants) ||
	    !launch(drill))
		return false;
	if (drill_await_healthy(drill, HEALTHY_MS) && await_calm(drill))
		return true;
	json_t *why = drill_ask(drill, HF_MSG_CTL_WHY);
	const char *reason = json_string_value(
		json_object_get(json_array_get(json_object_get(why, "reasons"), 0), "text"));
	drill_fail(drill, "the unit was not calm before the fault: %s, %.100s; its log: %.120s",
		   drill->unit.pid == 0 ? "it ended" : drill->seen_state,
		   reason != NULL ? reason : "no reason", drill->unit.log);
	json_decref(why);
	return false;
}

struct drill *drill_another(const struct drill *drill)
{
	struct drill *another = calloc(1, sizeof *another);

	if (another == NULL)
		return NULL;
	another->kind = drill->kind;
	another->options = drill->options;
	another->policy = drill->policy;
	another->begun_ms = drill_now_ms();
	return another;
}

static void remove_folder(const char *path)
{
	const char *const argv[] = { "rm", "-rf", "--one-file-system", path, NULL };

	(void)drill_run(argv);
}

void drill_end(struct drill *drill)
{
	struct drill_unit *unit = &drill->unit;
	int64_t end_ms = drill_now_ms() + STOP_MS;

	if (unit->pid != 0) {
		(void)kill(unit->pid, SIGCONT);
		(void)kill(unit->pid, SIGTERM);
	}
	while (!has_ended(drill) && drill_now_ms() < end_ms)
		(void)usleep(STEP_MS * 1000);
	if (unit->pid != 0) {
		(void)kill(unit->pid, SIGKILL);
		drill_bury(drill);
	}
	(void)drill_unmount(drill);
	for (uint32_t i = 0; i < drill->event_count; i++)
		json_decref(drill->events[i].attrs);
	drill->event_count = 0;
	if (unit->folder[0] != '\0' && !drill->options->keep)
		remove_folder(unit->folder);
}
