/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model - searches all that a policy can do, in two processes.
 *
 * Usage    model [--singles] [--ticks] [--fine] [--first] [--verbose] [--most STATES]
 *                [--compare STATES] POLICY
 *          --ticks: count times, budgets and failures (see recover/search.h); --fine: to more;
 *          --compare: hold so many counted worlds of each run against the open ones.
 * Output   states, edges, runs, pairs and seconds; how many runs are whole; the shortest way to a
 *          violation. Exit 1: there is one, a counted world that no open one stands for, or the
 *          space was not searched whole.
 */
#include "boot/policy.h"
#include "recover/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PARTS = 2,
};

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool read_all(int fd, void *data, size_t size_bytes)
{
	size_t at = 0;

	while (at < size_bytes) {
		ssize_t got = read(fd, (char *)data + at, size_bytes - at);

		if (got <= 0)
			return false;
		at += (size_t)got;
	}
	return true;
}

static void tell(const char *a, const char *b, bool is_volatile, uint32_t states, bool is_whole)
{
	(void)fprintf(stderr, "%9u %s%s%s%s%s\n", states, a, b != NULL ? " and " : "",
		      b != NULL ? b : "", is_volatile ? ", volatile" : "",
		      is_whole ? "" : ", not whole");
}

static void search_part(const struct hf_policy *policy, struct hf_search_options options, int fd)
{
	static struct hf_search_report report;
	struct hf_err err;

	if (hf_policy_search(policy, &options, &report, &err) != HF_OK) {
		(void)fprintf(stderr, "%s\n", err.text);
		_exit(2);
	}
	_exit(write(fd, &report, sizeof report) == (ssize_t)sizeof report ? 0 : 2);
}

static void add(struct hf_search_report *sum, const struct hf_search_report *part)
{
	if ((part->first_invariant != 0 || part->strangers > 0) &&
	    (sum->first_invariant == 0 || part->first_steps < sum->first_steps)) {
		sum->first_invariant = part->first_invariant;
		sum->first_steps = part->first_steps;
		memcpy(sum->text, part->text, sizeof sum->text);
	}
	sum->states += part->states;
	sum->edges += part->edges;
	sum->runs += part->runs;
	sum->pairs += part->pairs;
	sum->stands_for = part->stands_for;
	sum->incomplete += part->incomplete;
	sum->violations += part->violations;
	sum->compared += part->compared;
	sum->strangers += part->strangers;
	if (part->largest > sum->largest)
		sum->largest = part->largest;
	for (unsigned i = 0; i <= HF_SEARCH_INVARIANTS; i++)
		sum->counts[i] += part->counts[i];
}

static bool search(const struct hf_policy *policy, const struct hf_search_options *options,
		   struct hf_search_report *sum)
{
	static struct hf_search_report part;
	int fds[PARTS];
	pid_t children[PARTS];
	bool whole = true;

	for (unsigned i = 0; i < PARTS; i++) {
		int pair[2];

		if (pipe(pair) != 0 || (children[i] = fork()) < 0)
			return false;
		if (children[i] == 0)
			search_part(policy, *options, pair[1]);
		(void)close(pair[1]);
		fds[i] = pair[0];
	}
	for (unsigned i = 0; i < PARTS; i++) {
		if (read_all(fds[i], &part, sizeof part))
			add(sum, &part);
		else
			whole = false;
		(void)waitpid(children[i], NULL, 0);
	}
	return whole;
}

int main(int argc, char **argv)
{
	static struct hf_policy policy;
	static struct hf_report errors;
	static struct hf_search_report report;
	struct hf_search_options options = { 0 };
	struct hf_err err;
	int at = 1;

	for (; at < argc - 1; at++) {
		if (strcmp(argv[at], "--fine") == 0)
			options.fine = true;
		else if (strcmp(argv[at], "--ticks") == 0)
			options.ticks = true;
		else if (strcmp(argv[at], "--singles") == 0)
			options.singles_only = true;
		else if (strcmp(argv[at], "--verbose") == 0)
			options.told = tell;
		else if (strcmp(argv[at], "--most") == 0)
			options.states_max = (uint32_t)strtoul(argv[++at], NULL, 10);
		else if (strcmp(argv[at], "--compare") == 0)
			options.compared = (uint32_t)strtoul(argv[++at], NULL, 10);
		else if (strcmp(argv[at], "--first") == 0)
			options.first_only = true;
		else
			break;
	}
	if (at != argc - 1) {
		(void)fprintf(stderr, "usage: model [--singles] [--ticks] [--fine] [--first] "
				      "[--verbose] [--most STATES] [--compare STATES] POLICY\n");
		return 2;
	}
	if (hf_policy_load(argv[at], &policy, &errors, &err) != HF_OK) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	double began = seconds();
	options.next = mmap(NULL, sizeof *options.next, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (options.next == MAP_FAILED)
		return 2;
	bool whole = search(&policy, &options, &report);

	(void)printf("states %llu · edges %llu · runs %u, pairs %u for %u · largest %u · %.1f s\n",
		     (unsigned long long)report.states, (unsigned long long)report.edges,
		     report.runs, report.pairs, report.stands_for, report.largest,
		     seconds() - began);
	(void)printf("%s; each invariant in each step:",
		     options.ticks ? "durations and counts scaled"
				   : "durations, budgets and failures left open");
	for (unsigned i = 1; i <= HF_SEARCH_INVARIANTS; i++)
		(void)printf(" I%u %u", i, report.counts[i]);
	(void)printf("\n");
	if (options.compared > 0)
		(void)printf("%llu counted worlds compared, %llu that no open one stands for\n",
			     (unsigned long long)report.compared,
			     (unsigned long long)report.strangers);
	if (report.first_invariant != 0 || report.strangers > 0)
		(void)printf("%s %s", report.strangers > 0 ? "STRANGER" : "BROKEN", report.text);
	(void)printf("%u of %u runs are whole\n", report.runs - report.incomplete, report.runs);
	/* Whoever says how far to go wants no more; without that all of it is wanted. */
	bool enough = report.incomplete == 0 || options.states_max > 0;
	return whole && report.first_invariant == 0 && report.strangers == 0 && enough ? 0 : 1;
}
