/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Question: how much of the disk's own speed does a durable append have, and how much does it
 * wear?
 *
 * Method: short laps of everything in turn, round by round. Where events are stored one commit
 * after the other, each commit is preceded by one of each of its limits: both meet the same disk
 * and the same busy machine, to the millisecond. Where several clients keep a server busy, a lap
 * is cut into a few pieces, each with one of its limits before it. The file system is flushed
 * before each lap, so that what one subject still owes to the disk does not slow the next.
 *
 * Bytes and flushes are those that the block device counts itself, over longer laps without
 * limits in between, with what is still owed at the end.
 *
 * Usage    outbox-bench FOLDER [--stat FILE] [--rounds N] [--lap-ms N] [--only NAME]...
 *                       [--with NAME=ARGUMENT]...
 *          --stat    the device's counters (/sys/block/loop0/stat); without: no bytes, no flushes
 *          --with    a subject that needs an argument: an executable, a port, a socket
 * Output   one JSON object a lap: {"subject","waiting","rate","p50_us","p99_us","limits":{"cal_1":
 *          {"rate","p50_us","p99_us"},...}} or {"subject","waiting","bytes","flushes"}, an event
 */
#include "bench.h"

#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	LIMITS_MAX = 2,
	PIECES = 5,
	WEAR_ROUNDS = 3,
	WEAR_COMMITS = 600, /* more than a half of the ring has slots */
	WEAR_PIECE_US = 50000,
	WEAR_US_MAX = 1500000,
	SUBJECTS_MAX = 32,
	SECTOR_BYTES = 512,
	STAT_SECTORS_WRITTEN = 6, /* fields of the kernel's block/stat.rst, from 0 */
	STAT_FLUSHES = 15,
	STAT_FIELDS = 17,
};

struct limit {
	const struct bench_subject *subject;
	unsigned waiting;
};

/* What is measured, and against what. */
static const struct figure {
	const struct bench_subject *subject;
	unsigned waiting;
	struct limit limits[LIMITS_MAX];
} figures[] = {
	{ &bench_cal_block, 1, { { &bench_cal, 1 } } },
	{ &bench_growing, 1, { { &bench_cal, 1 } } },
	{ &bench_sqlite, 1, { { &bench_cal, 1 } } },
	{ &bench_file, 1, { { &bench_cal, 1 } } },
	{ &bench_ring, 1, { { &bench_cal, 1 } } },
	{ &bench_ring, 4, { { &bench_cal, 1 }, { &bench_cal, 4 } } },
	{ &bench_file, 4, { { &bench_cal, 1 }, { &bench_cal, 4 } } },
	{ &bench_file, 16, { { &bench_cal, 1 }, { &bench_cal, 16 } } },
	{ &bench_ring, 16, { { &bench_cal, 1 }, { &bench_cal, 16 } } },
	{ &bench_sqlite, 16, { { &bench_cal, 1 }, { &bench_cal, 16 } } },
	{ &bench_ring, 64, { { &bench_cal, 1 }, { &bench_cal, 64 } } },
	{ &bench_file, 64, { { &bench_cal, 1 }, { &bench_cal, 64 } } },
	{ &bench_file, 256, { { &bench_cal, 1 }, { &bench_cal, 256 } } },
	{ &bench_ring, 256, { { &bench_cal, 1 }, { &bench_cal, 256 } } },
	{ &bench_echo, 1, { { &bench_cal, 1 } } },
	{ &bench_sqlite_socket, 1, { { &bench_cal, 1 }, { &bench_echo, 1 } } },
	{ &bench_keeper_file, 1, { { &bench_cal, 1 }, { &bench_echo, 1 } } },
	{ &bench_keeper_ring, 1, { { &bench_cal, 1 }, { &bench_echo, 1 } } },
	{ &bench_keeper_ring, 4, { { &bench_cal, 1 }, { &bench_cal, 4 } } },
	{ &bench_keeper_file, 4, { { &bench_cal, 1 }, { &bench_cal, 4 } } },
	{ &bench_echo, 4, { { &bench_cal, 1 }, { &bench_cal, 4 } } },
	{ &bench_echo, 16, { { &bench_cal, 1 }, { &bench_cal, 16 } } },
	{ &bench_sqlite_socket, 16, { { &bench_cal, 1 }, { &bench_cal, 16 } } },
	{ &bench_keeper_file, 16, { { &bench_cal, 1 }, { &bench_cal, 16 } } },
	{ &bench_keeper_ring, 16, { { &bench_cal, 1 }, { &bench_cal, 16 } } },
	{ &bench_postgresql, 1, { { &bench_cal, 1 } } },
	{ &bench_redis, 1, { { &bench_cal, 1 } } },
	{ &bench_mosquitto, 1, { { &bench_cal, 1 } } },
	{ &bench_nats, 1, { { &bench_cal, 1 } } },
	{ &bench_rsyslog, 1, { { &bench_cal, 1 } } },
	{ &bench_postgresql, 16, { { &bench_cal, 1 }, { &bench_cal, 16 } } },
	{ &bench_redis, 16, { { &bench_cal, 1 }, { &bench_cal, 16 } } },
	{ &bench_mosquitto, 16, { { &bench_cal, 1 }, { &bench_cal, 16 } } },
	{ &bench_nats, 16, { { &bench_cal, 1 }, { &bench_cal, 16 } } },
	{ &bench_rsyslog, 16, { { &bench_cal, 1 }, { &bench_cal, 16 } } },
};

/* These are only there with their argument. */
static const struct bench_subject *const foreign[] = {
	&bench_keeper_ring, &bench_keeper_file, &bench_postgresql, &bench_redis,
	&bench_mosquitto,   &bench_nats,        &bench_rsyslog,
};

struct measured {
	double rate;
	double p50_us;
	double p99_us;
};

struct open_subject {
	const struct bench_subject *subject;
	void *state;
};

struct bench {
	const char *folder;
	const char *stat_path;
	int folder_fd;
	unsigned rounds;
	int64_t lap_us;
	size_t only_count;
	const char *only[SUBJECTS_MAX];
	size_t with_count;
	const char *with[SUBJECTS_MAX];
	size_t open_count;
	struct open_subject open[SUBJECTS_MAX];
	/* Of the figure that is measured: itself and its limits. */
	const struct figure *figure;
	struct bench_lap lap;
	struct bench_lap limit_laps[LIMITS_MAX];
	float us[1 + LIMITS_MAX][BENCH_SAMPLES_MAX];
};

static const char *argument_of(const struct bench *bench, const struct bench_subject *subject)
{
	size_t size = strlen(subject->name);

	for (size_t i = 0; i < bench->with_count; i++)
		if (strncmp(bench->with[i], subject->name, size) == 0 &&
		    bench->with[i][size] == '=')
			return bench->with[i] + size + 1;
	return NULL;
}

static bool is_wanted(const struct bench *bench, const struct figure *figure)
{
	bool wanted = bench->only_count == 0;

	for (size_t i = 0; i < bench->only_count; i++)
		wanted |= strcmp(bench->only[i], figure->subject->name) == 0;
	for (size_t i = 0; i < HF_ARRAY_LEN(foreign); i++)
		if (figure->subject == foreign[i] && argument_of(bench, foreign[i]) == NULL)
			return false;
	return wanted;
}

static void *state_of(struct bench *bench, const struct bench_subject *subject)
{
	char folder[BENCH_PATH_BYTES];

	for (size_t i = 0; i < bench->open_count; i++)
		if (bench->open[i].subject == subject)
			return bench->open[i].state;
	if (bench->open_count == SUBJECTS_MAX)
		bench_die("too many subjects");
	(void)snprintf(folder, sizeof folder, "%s/%s", bench->folder, subject->name);
	if (mkdir(folder, 0755) != 0)
		bench_die(folder);
	void *state = subject->open(folder, argument_of(bench, subject));
	bench->open[bench->open_count++] =
		(struct open_subject){ .subject = subject, .state = state };
	return state;
}

struct device_count {
	double bytes;
	double flushes;
};

static void flush_all(const struct bench *bench)
{
	if (syncfs(bench->folder_fd) != 0)
		bench_die("flush the file system");
}

/* With everything on the device that was written until now. */
static struct device_count device_count(const struct bench *bench)
{
	struct device_count count = { 0 };

	flush_all(bench);
	HF_AUTO_FCLOSE FILE *file = fopen(bench->stat_path, "re");
	if (file == NULL)
		bench_die(bench->stat_path);
	for (int i = 0; i < STAT_FIELDS; i++) {
		unsigned long long value;

		if (fscanf(file, "%llu", &value) != 1)
			bench_die("the kernel does not count flushes");
		if (i == STAT_SECTORS_WRITTEN)
			count.bytes = (double)value * SECTOR_BYTES;
		if (i == STAT_FLUSHES)
			count.flushes = (double)value;
	}
	return count;
}

static int compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static struct measured sum_up(struct bench_lap *lap)
{
	qsort(lap->us, lap->samples, sizeof *lap->us, compare);
	return (struct measured){
		.rate = (double)lap->count / lap->seconds,
		.p50_us = (double)lap->us[lap->samples / 2],
		.p99_us = (double)lap->us[lap->samples - 1 - lap->samples / 100],
	};
}

/* So long, or one commit. */
static void run_limits(struct bench *bench, int64_t for_us)
{
	for (size_t i = 0; i < LIMITS_MAX && bench->figure->limits[i].subject != NULL; i++) {
		const struct limit *limit = &bench->figure->limits[i];

		limit->subject->lap(state_of(bench, limit->subject), limit->waiting, for_us,
				    &bench->limit_laps[i]);
	}
}

static void run_limits_once(void *context)
{
	run_limits(context, 0);
}

static bool has_moments_between(const struct figure *figure)
{
	return figure->waiting == 1 || !figure->subject->is_served;
}

static void run_figure(struct bench *bench)
{
	const struct figure *figure = bench->figure;
	void *state = state_of(bench, figure->subject);
	bool between = has_moments_between(figure);

	bench->lap = (struct bench_lap){ .us = bench->us[0],
					 .between = between ? run_limits_once : NULL,
					 .context = bench };
	for (size_t i = 0; i < LIMITS_MAX; i++)
		bench->limit_laps[i] = (struct bench_lap){ .us = bench->us[1 + i] };
	flush_all(bench);
	for (int i = 0; i < (between ? 1 : PIECES); i++) {
		if (!between)
			run_limits(bench, bench->lap_us / PIECES / 2);
		figure->subject->lap(state, figure->waiting,
				     between ? bench->lap_us : bench->lap_us / PIECES, &bench->lap);
	}
}

static void put_measured(struct hf_json *json, struct bench_lap *lap)
{
	struct measured m = sum_up(lap);

	hf_json_put_real(json, "rate", m.rate, 2);
	hf_json_put_real(json, "p50_us", m.p50_us, 1);
	hf_json_put_real(json, "p99_us", m.p99_us, 1);
}

static struct hf_json begin(const struct figure *figure, char *text, size_t size_bytes)
{
	struct hf_json json = hf_json_begin(text, size_bytes);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "subject", figure->subject->name);
	hf_json_put_u64(&json, "waiting", figure->waiting);
	return json;
}

static void end(struct hf_json *json)
{
	struct hf_err err;

	hf_json_object_close(json);
	if (hf_json_end(json, &err) != HF_OK)
		bench_die(err.text);
	(void)puts(json->data);
	(void)fflush(stdout);
}

static void measure_figure(struct bench *bench)
{
	const struct figure *figure = bench->figure;
	char text[2048];

	run_figure(bench);
	struct hf_json json = begin(figure, text, sizeof text);
	put_measured(&json, &bench->lap);
	hf_json_key(&json, "limits");
	hf_json_object_open(&json);
	for (size_t i = 0; i < LIMITS_MAX && figure->limits[i].subject != NULL; i++) {
		char name[32];

		(void)snprintf(name, sizeof name, "%s_%u", figure->limits[i].subject->name,
			       figure->limits[i].waiting);
		hf_json_key(&json, name);
		hf_json_object_open(&json);
		put_measured(&json, &bench->limit_laps[i]);
		hf_json_object_close(&json);
	}
	hf_json_object_close(&json);
	end(&json);
}

/* What reaches the device. */
static void measure_wear(struct bench *bench)
{
	const struct figure *figure = bench->figure;
	struct bench_lap lap = { .us = bench->us[0] };
	void *state = state_of(bench, figure->subject);
	char text[256];
	struct device_count before = device_count(bench);
	int64_t begun = bench_now_us();
	uint64_t count = 0;

	while (count < (uint64_t)WEAR_COMMITS * figure->waiting &&
	       bench_now_us() - begun < WEAR_US_MAX) {
		lap.samples = 0;
		lap.count = 0;
		figure->subject->lap(state, figure->waiting, WEAR_PIECE_US, &lap);
		count += lap.count;
	}
	struct device_count after = device_count(bench);
	struct hf_json json = begin(figure, text, sizeof text);
	hf_json_put_real(&json, "bytes", (after.bytes - before.bytes) / (double)count, 1);
	hf_json_put_real(&json, "flushes", (after.flushes - before.flushes) / (double)count, 4);
	end(&json);
}

static bool parse(struct bench *bench, int argc, char **argv)
{
	if (argc < 2 || argc % 2 != 0)
		return false;
	bench->folder = argv[1];
	for (int i = 2; i + 1 < argc; i += 2) {
		const char *name = argv[i], *value = argv[i + 1];

		if (strcmp(name, "--stat") == 0)
			bench->stat_path = value;
		else if (strcmp(name, "--rounds") == 0)
			bench->rounds = (unsigned)atoi(value);
		else if (strcmp(name, "--lap-ms") == 0)
			bench->lap_us = (int64_t)atoi(value) * 1000;
		else if (strcmp(name, "--only") == 0 && bench->only_count < SUBJECTS_MAX)
			bench->only[bench->only_count++] = value;
		else if (strcmp(name, "--with") == 0 && bench->with_count < SUBJECTS_MAX)
			bench->with[bench->with_count++] = value;
		else
			return false;
	}
	return bench->rounds > 0 && bench->lap_us > 0;
}

int main(int argc, char **argv)
{
	static struct bench bench = { .rounds = 5, .lap_us = 300000 };

	if (!parse(&bench, argc, argv)) {
		(void)fprintf(stderr, "usage: see the head of append_bench.c\n");
		return 2;
	}
	bench.folder_fd = open(bench.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (bench.folder_fd < 0)
		bench_die(bench.folder);
	/* Opened before anything is measured: a fork in the middle would share descriptors. */
	for (size_t i = 0; i < HF_ARRAY_LEN(figures); i++)
		if (is_wanted(&bench, &figures[i])) {
			(void)state_of(&bench, figures[i].subject);
			for (size_t k = 0; k < LIMITS_MAX; k++)
				if (figures[i].limits[k].subject != NULL)
					(void)state_of(&bench, figures[i].limits[k].subject);
		}
	for (unsigned round = 0; round < bench.rounds; round++)
		for (size_t i = 0; i < HF_ARRAY_LEN(figures); i++) {
			if (!is_wanted(&bench, &figures[i]))
				continue;
			bench.figure = &figures[i];
			measure_figure(&bench);
			if (bench.stat_path != NULL && round < WEAR_ROUNDS)
				measure_wear(&bench);
		}
	for (size_t i = 0; i < bench.open_count; i++)
		bench.open[i].subject->close(bench.open[i].state);
	return EXIT_SUCCESS;
}
