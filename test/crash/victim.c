/* SPDX-License-Identifier: Apache-2.0 */
#include "victim.h"

#include "base/auto.h"
#include "evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

const char *victim_commit_name(enum victim_commit commit)
{
	static const char *const names[] = {
		[VICTIM_RING] = "ring",
		[VICTIM_FILE] = "file",
		[VICTIM_EITHER] = "either",
	};

	return names[commit];
}

static bool sync_folder(const char *path)
{
	HF_AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && syncfs(fd) == 0;
}

static void cut_path(const struct victim *v, unsigned cut, char ret_path[160])
{
	(void)snprintf(ret_path, 160, "%s/cut%u", v->program->folder, cut);
}

static void forget_cuts(struct victim *v)
{
	char path[160];

	while (v->cuts > 0) {
		cut_path(v, --v->cuts, path);
		(void)unlink(path);
	}
}

enum hf_code victim_make(const struct victim_program *program, enum mounted_kind kind,
			 enum victim_commit commit, uint64_t seed, struct victim **ret_victim,
			 struct hf_err *err)
{
	char log[192];
	struct victim *v = calloc(1, sizeof *v);

	if (v == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	*v = (struct victim){ .program = program, .commit = commit, .seed = seed, .chance = seed };
	v->host.child = HF_CHILD_NONE;
	(void)snprintf(log, sizeof log, "%s/log", program->folder);
	v->log_fd = open(log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	load_begin(&v->load, seed);
	enum hf_code code = mounted_make(kind, program->folder, 0, &v->fs, err);
	if (code == HF_OK)
		code = mounted_attach(&v->fs, err);
	(void)snprintf(v->data, sizeof v->data, "%s/data", v->fs.path);
	/* Who sets a unit up makes its folder; that it is there is not keeper's promise. */
	if (code == HF_OK && (mkdir(v->data, 0700) != 0 || !sync_folder(v->fs.path)))
		code = hf_fail_errno(err, "make %s", v->data);
	if (code != HF_OK) {
		victim_free(v);
		return code;
	}
	*ret_victim = v;
	return HF_OK;
}

void victim_free(struct victim *v)
{
	struct hf_err ignored;

	if (v == NULL)
		return;
	if (v->lives > 0)
		keeper_host_kill(&v->host);
	(void)!mounted_detach(&v->fs, &ignored);
	forget_cuts(v);
	load_free(&v->load);
	recovered_free(&v->recovered);
	hf_auto_close(&v->log_fd);
	free(v);
}

enum hf_code victim_spawn(struct victim *v, const char *preload, struct hf_err *err)
{
	static struct hf_config config;
	char run[192], boot_id[HF_BOOT_ID_BYTES];
	struct keeper_host_options options = {
		.executable = v->program->keeper,
		.data_path = v->data,
		.run_path = run,
		.device_id = "unit-7",
		.boot_id = boot_id,
		.boot = 3 + v->lives,
		.run = 1,
		.producers = KEEPER_HOST_PRODUCERS_MAX,
		.config = &config,
		.stderr_fd = v->log_fd,
	};
	enum victim_commit commit = v->commit;

	if (commit == VICTIM_EITHER)
		commit = (enum victim_commit)load_between(&v->chance, VICTIM_RING, VICTIM_FILE);
	hf_config_defaults(&config);
	config.outbox_commit = (int32_t)commit;
	v->lives++;
	(void)snprintf(run, sizeof run, "%s/run", v->program->folder);
	(void)snprintf(boot_id, sizeof boot_id, "01234567-89ab-cdef-0123-%012x", v->lives);
	if (mkdir(run, 0700) != 0 && errno != EEXIST)
		return hf_fail_errno(err, "make %s", run);
	if (preload[0] != '\0')
		(void)setenv("LD_PRELOAD", preload, 1);
	enum hf_code code = keeper_host_spawn(&options, &v->host, err);
	(void)unsetenv("LD_PRELOAD");
	return code;
}

/* What it says once the power is off it may have known before. */
void victim_end(struct victim *v)
{
	struct pollfd wait = { .fd = v->host.child.pidfd, .events = POLLIN };
	struct hf_err ignored;

	hf_child_kill(&v->host.child);
	(void)poll(&wait, 1, KEEPER_HOST_WAIT_MS);
	(void)!load_take(&v->load, &v->host, true, &ignored);
	keeper_host_kill(&v->host);
}

enum hf_code victim_power_up(struct victim *v, struct hf_err *err)
{
	char run[192];
	enum hf_code code = mounted_detach(&v->fs, err);

	if (code == HF_OK && v->program->keep_cuts && v->cuts < VICTIM_CUTS_MAX) {
		char path[160];

		cut_path(v, v->cuts++, path);
		code = mounted_copy(&v->fs, path, err);
	}
	if (code == HF_OK)
		code = mounted_attach(&v->fs, err);
	if (code != HF_OK)
		return code;
	/* A tmpfs in the field: nothing of it is left. */
	(void)snprintf(run, sizeof run, "%s/run", v->program->folder);
	const char *const argv[] = { "rm", "-rf", run, NULL };
	int status;
	return mounted_run(argv, NULL, &status, err);
}

/* What it says, and whether all of that is rot that somebody told of. */
static bool read_findings(const struct victim *v, const char *path, char *ret_text, size_t size)
{
	char line[512];
	unsigned problems = 0, rot = 0;
	FILE *file = fopen(path, "re");

	ret_text[0] = '\0';
	if (file == NULL)
		return false;
	while (fgets(line, sizeof line, file) != NULL) {
		problems += strncmp(line, "problem ", 8) == 0;
		rot += strncmp(line, "problem  line_damaged ", 22) == 0;
		if (strlen(ret_text) + strlen(line) < size)
			strcat(ret_text, line);
	}
	(void)fclose(file);
	return v->rot_allowed && rot > 0 && rot == problems && v->recovered.rot_events > 0;
}

static void verify(struct victim *v)
{
	char out[192], text[1200];
	const char *const argv[] = { v->program->holdfast, "outbox", "verify", v->data, NULL };
	struct hf_err err;
	int status = -1;

	(void)snprintf(out, sizeof out, "%s/verify", v->program->folder);
	if (mounted_run(argv, out, &status, &err) != HF_OK)
		recovered_violation(&v->recovered, "%s", err.text);
	else if (status != 0 && !(status == 1 && read_findings(v, out, text, sizeof text)))
		recovered_violation(&v->recovered, "holdfast outbox verify: exit %d\n%s", status,
				    text);
}

/* Start once more, answer everything, end, look. */
bool victim_recover(struct victim *v)
{
	struct hf_err err = { 0 };
	struct hf_exit how = { 0 };
	uint64_t before = v->recovered.violations;

	load_reconnect(&v->load, VICTIM_AGAIN);
	v->in_doubt += load_in_doubt(&v->load);
	enum hf_code code = victim_spawn(v, "", &err);
	if (code == HF_OK)
		code = keeper_host_ready(&v->host, &err);
	if (code == HF_OK)
		code = load_settle(&v->load, &v->host, VICTIM_SETTLE_MS, &err);
	if (code == HF_OK)
		code = keeper_host_stop(&v->host, &how, &err);
	if (code != HF_OK || how.signal != 0 || how.status != 0)
		recovered_violation(&v->recovered, "keeper after the cut: %s (exit %d, signal %d)",
				    code != HF_OK ? err.text : "it failed", how.status, how.signal);
	keeper_host_kill(&v->host);
	(void)recovered_look(&v->recovered, &v->load, v->data);
	verify(v);
	if (v->load.wrong_again > 0)
		recovered_violation(&v->recovered,
				    "%" PRIu64 " re-offers were answered with another number: %s",
				    v->load.wrong_again, v->load.wrong);
	v->load.wrong_again = 0;
	if (v->recovered.violations != before)
		return false;
	forget_cuts(v);
	return true;
}

uint64_t victim_log_count(const struct victim *v, const char *what, const char *not_followed_by)
{
	char line[1024];
	uint64_t count = 0;
	int fd = dup(v->log_fd);
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (file == NULL)
		return 0;
	rewind(file);
	while (fgets(line, sizeof line, file) != NULL) {
		const char *found = strstr(line, what);

		count += found != NULL && strncmp(found + strlen(what), not_followed_by,
						  strlen(not_followed_by)) != 0;
	}
	(void)fclose(file);
	return count;
}

/* What the next keeper was given: mounted as it was then, on a copy. */
static void describe_cut(const struct victim *v, unsigned cut, FILE *out)
{
	struct mounted fs = v->fs, found;
	char data[192];
	struct hf_err err;

	cut_path(v, cut, fs.image);
	found = fs;
	(void)snprintf(found.image, sizeof found.image, "%s/found", v->program->folder);
	(void)snprintf(found.path, sizeof found.path, "%s/found.fs", v->program->folder);
	(void)snprintf(data, sizeof data, "%s/data", found.path);
	found.attached = false;
	found.loop_fd = -1;
	(void)fprintf(out, "cut %u of %u since the last good look:\n", cut + 1, v->cuts);
	enum hf_code code = mounted_copy(&fs, found.image, &err);
	if (code == HF_OK && mkdir(found.path, 0700) != 0 && errno != EEXIST)
		code = hf_fail_errno(&err, "make %s", found.path);
	if (code == HF_OK)
		code = mounted_attach(&found, &err);
	if (code == HF_OK)
		evidence_write(out, data);
	else
		(void)fprintf(out, "  %s\n", err.text);
	(void)!mounted_detach(&found, &err);
}

static bool copy_out(const char *from, const char *folder, const char *name, const char *suffix)
{
	char to[512];
	const char *const argv[] = { "cp", "--sparse=always", from, to, NULL };
	struct hf_err err;
	int status;

	(void)snprintf(to, sizeof to, "%s/%s%s", folder, name, suffix);
	return mounted_run(argv, NULL, &status, &err) == HF_OK && status == 0;
}

void victim_keep(const struct victim *v, struct victim_program *program, const char *name)
{
	const char *temp = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
	char path[512], suffix[32];

	if (program->kept++ > 0)
		return;
	(void)snprintf(path, sizeof path, "%s/%s.txt", temp, name);
	FILE *out = fopen(path, "we");
	if (out == NULL)
		return;
	(void)fprintf(out, "seed %" PRIu64 ", %s, commit by %s, %u lives\n\n%s\n", v->seed,
		      mounted_name(v->fs.kind), victim_commit_name(v->commit), v->lives,
		      v->recovered.text);
	/* Of an earlier run. */
	for (unsigned cut = 0; cut < VICTIM_CUTS_MAX; cut++) {
		(void)snprintf(path, sizeof path, "%s/%s.cut%u.img", temp, name, cut + 1);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof path, "%s/log", program->folder);
	bool kept = copy_out(v->fs.image, temp, name, ".img") && copy_out(path, temp, name, ".log");
	for (unsigned cut = 0; cut < v->cuts; cut++) {
		describe_cut(v, cut, out);
		cut_path(v, cut, path);
		(void)snprintf(suffix, sizeof suffix, ".cut%u.img", cut + 1);
		kept = copy_out(path, temp, name, suffix) && kept;
	}
	(void)fprintf(out, "in the end, after keeper's last start:\n");
	evidence_write(out, v->data);
	(void)fclose(out);
	if (kept)
		printf("  kept: %s.txt, .log, .img and .cut*.img in %s\n", name, temp);
}

void victim_environment(void)
{
	const char *before = getenv("ASAN_OPTIONS");
	char options[512];

	(void)snprintf(options, sizeof options, "%s%sverify_asan_link_order=0",
		       before != NULL ? before : "", before != NULL ? ":" : "");
	(void)setenv("ASAN_OPTIONS", options, 1);
}

int victim_workers(unsigned count, int (*work)(void *context, unsigned worker), void *context)
{
	int worst = 0;

	(void)fflush(stdout);
	for (unsigned i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			/* Who is told to end ends its workers. */
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			int how = work(context, i);

			(void)fflush(stdout);
			_exit(how);
		}
		if (pid < 0)
			worst = 1;
	}
	for (int how = 0; wait(&how) >= 0; how = 0) {
		int status = WIFEXITED(how) ? WEXITSTATUS(how) : 1;

		if (worst != 1 && status != 0)
			worst = status;
	}
	return worst;
}

void victim_add(uint64_t *sum, uint64_t more)
{
	__atomic_fetch_add(sum, more, __ATOMIC_RELAXED);
}
