/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: nothing that the default policy can be brought to do breaks what is promised of it
 * (recover/machine.h, I1 to I10).
 *
 * Method: hf_policy_search(), by two processes that take every other pair of reasons each. Usage:
 * model POLICY [STATES_MAX [PAIR_STATES_MAX]]; with SINGLES set single reasons only, with VERBOSE a
 * line a pair.
 */
#include "boot/policy.h"
#include "recover/search.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PARTS = 2,
};

static struct hf_policy policy;
static struct hf_report report;

static bool load(const char *path)
{
	struct hf_err err;

	if (hf_policy_load(path, &policy, &report, &err) == HF_OK)
		return true;
	hf_report_print(&report, stderr);
	(void)fprintf(stderr, "%s\n", err.text);
	return false;
}

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool run_part(const struct hf_search_options *options, int out)
{
	struct hf_search_report found;
	struct hf_err err;

	if (hf_policy_search(&policy, options, &found, &err) != HF_OK)
		return false;
	return write(out, &found, sizeof found) == (ssize_t)sizeof found;
}

static int search(uint32_t states_max, uint32_t pair_states_max, uint32_t parts)
{
	struct hf_search_report all = { 0 };
	double began = seconds();
	int ends[2];

	if (pipe(ends) != 0)
		return 1;
	for (uint32_t p = 0; p < parts; p++) {
		const struct hf_search_options options = {
			.states_max = states_max,
			.pair_states_max = pair_states_max,
			.part = p,
			.parts = parts,
			.singles_only = getenv("SINGLES") != NULL,
			.progress = getenv("VERBOSE") ? stderr : NULL
		};

		if (fork() == 0)
			_exit(run_part(&options, ends[1]) ? 0 : 1);
	}
	(void)close(ends[1]);
	struct hf_search_report part;
	uint32_t answers = 0;
	while (read(ends[0], &part, sizeof part) == (ssize_t)sizeof part) {
		answers++;
		all.states += part.states;
		all.edges += part.edges;
		all.pairs += part.pairs;
		all.cut_off += part.cut_off;
		all.shapes = part.shapes;
		all.pairs_all = part.pairs_all;
		if (part.broken != 0 && all.broken == 0) {
			all.broken = part.broken;
			all.path_steps = part.path_steps;
			memcpy(all.path, part.path, sizeof all.path);
		}
	}
	while (wait(NULL) > 0)
		;
	(void)printf("policy %s: %" PRIu64 " states, %" PRIu64
		     " edges, %u pairs and single reasons "
		     "of %u shapes for %u, %u not searched to the end, %.1f s\n",
		     policy.name, all.states, all.edges, all.pairs, all.shapes, all.pairs_all,
		     all.cut_off, seconds() - began);
	if (answers != parts) {
		(void)printf("FAILED: %u of %u parts did not answer\n", parts - answers, parts);
		return 1;
	}
	if (all.broken == 0)
		return 0;
	(void)printf("FAILED: %s, after %u steps:\n%s", hf_invariant_text(all.broken),
		     all.path_steps, all.path);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		(void)fputs("usage: model POLICY [STATES_MAX [PAIR_STATES_MAX]]\n", stderr);
		return 2;
	}
	if (!load(argv[1]))
		return 1;
	return search(argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0,
		      argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0, PARTS);
}
